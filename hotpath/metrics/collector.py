"""The bid process's counters as Prometheus metrics, read when somebody asks. Must not count anything itself.

It runs on the metrics server's thread, so it copies what the loop's thread changes.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from hotpath.auction.bidder import Counts
from hotpath.caps.shared import CapCounts
from hotpath.metrics.histogram import Histogram
from hotpath.profiles.profiles import ProfileCounts
from hotpath.snapshots import SnapshotCounts


class SpoolCounts(Protocol):
    """What a spool says of itself."""

    spooled: int
    dropped: int
    lost: int
    commits: int
    failures: int

    @property
    def waiting(self) -> int:
        """Events that no commit holds yet."""
        ...


@dataclass(slots=True)
class Readings:
    """Where the numbers come from. No `caps`: this process shares none.

    `gauges` are told when asked, by name: what they mean, and the number now.
    """

    counts: Counts
    answers: Histogram
    inference: Histogram
    profiles: ProfileCounts
    spools: Mapping[str, SpoolCounts] = field(default_factory=dict)
    gauges: Mapping[str, tuple[str, Callable[[], float]]] = field(default_factory=dict)
    caps: CapCounts | None = None
    snapshots: SnapshotCounts = field(default_factory=SnapshotCounts)
    backend: Callable[[], str] = str


class BidCollector(Collector):
    """Implements Prometheus's collector."""

    def __init__(self, readings: Readings) -> None:
        """Nothing is read yet."""
        self._readings = readings
        self._cpu = time.process_time(), time.monotonic()

    def collect(self) -> Iterator[Metric]:
        """All metrics as they are now."""
        counts = self._readings.counts
        notices: dict[tuple[str, ...], int] = {(kind, result): n for (kind, result), n in dict(counts.notices).items()}
        yield _counter("bid_requests", "Bid requests by what they got.", ("result",), _by_one(counts.answers))
        yield _counter("bid_bids", "Bids made, one for each impression bid on.", (), {(): counts.bids})
        yield _counter("bid_no_bids", "Impressions without a bid, by reason.", ("reason",), _by_one(counts.refusals))
        yield _counter("bid_notices", "Notices by what became of them.", ("kind", "result"), notices)
        yield _counter(
            "bid_spend_micros",
            "Charged by notices, micros of the currency.",
            ("currency",),
            _by_one(counts.spend_micros),
        )
        yield _histogram(
            "bid_answer_seconds", "From a request's first byte to its written answer.", self._readings.answers
        )
        yield _histogram("bid_inference_seconds", "One call of the inference backend.", self._readings.inference)
        backend = {"backend": self._readings.backend()}
        yield InfoMetricFamily("bid_inference", "What scores the offers.", value=backend)
        yield from self._profiles()
        if self._readings.caps is not None:
            yield _counter(
                "bid_cap_places", "Shared places under caps, by answer.", ("result",),
                _by_one(asdict(self._readings.caps)),
            )  # fmt: skip
        yield _counter("bid_snapshots", "Snapshots loaded and refused.", ("result",), self._snapshots())
        yield from self._spools()
        yield GaugeMetricFamily("bid_cpu_load", "Share of one core used since the last look.", self._cpu_load())
        for name, (meaning, read) in self._readings.gauges.items():
            yield GaugeMetricFamily(name, meaning, read())

    def _profiles(self) -> Iterator[Metric]:
        found = self._readings.profiles
        by_result = {
            "l1_hit": found.l1_hits, "l2_hit": found.l2_hits, "unknown": found.unknown, "late": found.late,
            "failed": found.failed,
        }  # fmt: skip
        yield _counter("bid_profile_lookups", "Look-ups of users' profiles.", ("result",), _by_one(by_result))
        yield GaugeMetricFamily("bid_profile_hit_rate", "Share that memory or the store answered.", found.hit_rate)

    def _snapshots(self) -> dict[tuple[str, ...], int]:
        found = self._readings.snapshots
        return {("loaded",): found.loaded, **_by_one(found.refused)}

    def _spools(self) -> Iterator[Metric]:
        spools = self._readings.spools
        events: dict[tuple[str, ...], int] = {
            (name, result): getattr(spool, result)
            for name, spool in spools.items()
            for result in ("spooled", "dropped", "lost")
        }
        yield _counter("bid_events", "Events by what became of them.", ("spool", "result"), events)
        commits = {name: spool.commits for name, spool in spools.items()}
        yield _counter("bid_spool_commits", "Commits to the spools.", ("spool",), _by_one(commits))
        failures = {name: spool.failures for name, spool in spools.items()}
        yield _counter("bid_spool_failures", "Writes that the disk refused.", ("spool",), _by_one(failures))
        waiting = GaugeMetricFamily("bid_events_waiting", "Events not committed yet.", labels=("spool",))
        for name, spool in spools.items():
            waiting.add_metric((name,), spool.waiting)
        yield waiting

    def _cpu_load(self) -> float:
        used, at = time.process_time(), time.monotonic()
        (last_used, last_at), self._cpu = self._cpu, (used, at)
        return (used - last_used) / max(at - last_at, 1e-9)


def _counter(name: str, meaning: str, labels: Sequence[str], values: Mapping[tuple[str, ...], int]) -> Metric:
    family = CounterMetricFamily(name, meaning, labels=labels)
    for label, value in values.items():
        family.add_metric(label, value)
    return family


def _by_one(values: Mapping[str, int]) -> dict[tuple[str, ...], int]:
    # The copy comes first: the loop's thread may add a value meanwhile.
    return {(label,): value for label, value in dict(values).items()}


def _histogram(name: str, meaning: str, histogram: Histogram) -> Metric:
    return HistogramMetricFamily(name, meaning, buckets=histogram.buckets(), sum_value=histogram.total)
