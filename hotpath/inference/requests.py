"""What a backend is asked. Holds data alone."""

from collections.abc import Sequence
from typing import final

from domain.bid_features import Vector


@final
class InferenceRequest:
    """One profile as 256 features, and the offers to score for it; all of them known to the model, none twice."""

    __slots__ = ("offer_ids", "profile")

    def __init__(self, profile: Vector, offer_ids: Sequence[str]) -> None:
        """Hold these."""
        self.profile = profile
        self.offer_ids = offer_ids
