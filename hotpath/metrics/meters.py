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

    def is_late(self, came_s: float) -> bool:
        """Whether to refuse a request that came at that moment of the monotonic clock and is at the front now."""
        if self.shedder is None:
            return False
        now_s = time.monotonic()
        return self.shedder.sheds(now_s - came_s, now_s)
