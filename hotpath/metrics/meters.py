"""What is measured on the hot path, and the question that is asked before each auction: is there time for it?"""

import time
from dataclasses import dataclass, field

from hotpath.metrics.histogram import ANSWER_BOUNDS, INFERENCE_BOUNDS, Histogram
from hotpath.server.shedding import Lateness, Shedder


@dataclass
class Meters:
    """What is measured on the hot path."""

    lateness: Lateness
    answers: Histogram = field(default_factory=lambda: Histogram(ANSWER_BOUNDS))
    inference: Histogram = field(default_factory=lambda: Histogram(INFERENCE_BOUNDS))
    shedder: Shedder | None = None

    def is_late(self) -> bool:
        """Whether to refuse the request that is at the front now."""
        return self.shedder is not None and self.shedder.sheds(self.lateness.delay_s(), time.monotonic())
