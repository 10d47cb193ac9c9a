"""What operators see: histograms, the text of the metrics, and the port that tells it."""

import socket
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import HTTPError

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from domain.bid_features import Vector
from domain.bid_snapshot import FEATURES, SpikingModel
from hotpath.auction.bidder import Counts
from hotpath.caps.shared import CapCounts
from hotpath.inference.numpy_provider import NumpyProvider
from hotpath.inference.requests import InferenceRequest
from hotpath.metrics.collector import BidCollector, Readings
from hotpath.metrics.exposition import MetricsServer, Probes
from hotpath.metrics.histogram import Histogram
from hotpath.metrics.timed import TimedProvider
from hotpath.profiles.profiles import ProfileCounts
from hotpath.snapshots import SnapshotCounts

VECTOR: Vector = np.zeros(FEATURES, np.float32)


def test_a_histogram_counts_up_to_each_bound() -> None:
    histogram = Histogram((1.0, 2.0, 5.0))
    for value in (0.5, 1.0, 1.5, 5.0, 6.0):
        histogram.observe(value)
    assert histogram.buckets() == [("1.0", 2.0), ("2.0", 3.0), ("5.0", 4.0), ("+Inf", 5.0)]
    assert histogram.total == 14.0


class Spooled:
    spooled, dropped, lost, commits, failures, waiting = 90, 1, 2, 3, 4, 5


def readings() -> Readings:
    counts = Counts(bids=7)
    counts.answers["bid"] = 5
    counts.refusals["floor"] = 2
    counts.notices["billing", "counted"] = 4
    counts.spend_micros["EUR"] = 1_500
    answers, inference = Histogram((0.01,)), Histogram((0.005,))
    answers.observe(0.002)
    inference.observe(0.007)
    return Readings(
        counts, answers, inference, ProfileCounts(l1_hits=3, unknown=1), {"bids": Spooled()},
        {"bid_shedding": ("Whether.", lambda: 1.0)}, CapCounts(granted=8, overshot=1),
        SnapshotCounts(loaded=2, refused=Counter(broken=1)), lambda: "numpy",
    )  # fmt: skip


@contextmanager
def served(alive: str = "", ready: str = "") -> Iterator[str]:
    registry = CollectorRegistry()
    registry.register(BidCollector(readings()))
    listener = socket.create_server(("127.0.0.1", 0))
    server = MetricsServer(listener, registry, Probes(lambda: alive, lambda: ready))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.close()


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def test_the_port_tells_every_number() -> None:
    with served() as url:
        status, text = get(f"{url}/metrics")
    assert status == 200
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["bid_requests_total", ("result", "bid")] == 5
    assert samples["bid_bids_total",] == 7
    assert samples["bid_no_bids_total", ("reason", "floor")] == 2
    assert samples["bid_notices_total", ("kind", "billing"), ("result", "counted")] == 4
    assert samples["bid_spend_micros_total", ("currency", "EUR")] == 1_500
    assert samples["bid_answer_seconds_bucket", ("le", "0.01")] == 1
    assert samples["bid_answer_seconds_sum",] == 0.002
    assert samples["bid_inference_seconds_bucket", ("le", "0.005")] == 0
    assert samples["bid_inference_seconds_count",] == 1
    assert samples["bid_profile_lookups_total", ("result", "l1_hit")] == 3
    assert samples["bid_profile_hit_rate",] == 0.75
    assert samples["bid_events_total", ("result", "spooled"), ("spool", "bids")] == 90
    assert samples["bid_events_total", ("result", "dropped"), ("spool", "bids")] == 1
    assert samples["bid_events_waiting", ("spool", "bids")] == 5
    assert samples["bid_shedding",] == 1
    assert samples["bid_cap_places_total", ("result", "granted")] == 8
    assert samples["bid_cap_places_total", ("result", "overshot")] == 1
    assert samples["bid_snapshots_total", ("result", "loaded")] == 2
    assert samples["bid_snapshots_total", ("result", "broken")] == 1
    assert samples["bid_inference_info", ("backend", "numpy")] == 1
    assert samples["bid_cpu_load",] >= 0


@pytest.mark.parametrize(
    ("alive", "ready", "health", "readiness"),
    [
        ("", "", (200, "ok\n"), (200, "ok\n")),
        ("", "draining", (200, "ok\n"), (503, "draining\n")),
        ("the loop does not turn", "the loop does not turn", (503, "the loop does not turn\n"),
         (503, "the loop does not turn\n")),
    ],
)  # fmt: skip
def test_health_and_readiness_say_what_is_wrong(
    alive: str, ready: str, health: tuple[int, str], readiness: tuple[int, str]
) -> None:
    with served(alive, ready) as url:
        assert get(f"{url}/healthz") == health
        assert get(f"{url}/readyz?x=1") == readiness
        assert get(f"{url}/other")[0] == 404


def test_a_timed_backend_answers_the_same_and_each_call_is_seen() -> None:
    model = SpikingModel(name="m", offer_ids=("a", "b"), weights=bytes(512), scales=(1.0,) * 2, biases=(0.3, 0.6))
    bare, histogram = NumpyProvider(model), Histogram((1_000.0,))
    timed = TimedProvider(bare, histogram)
    timed.warm_up()
    assert histogram.counts == [0, 0]
    assert timed.predict(VECTOR, ("a", "b")) == bare.predict(VECTOR, ("a", "b"))
    batch = [InferenceRequest(VECTOR, ("b",))] * 3
    assert timed.predict_batch(batch) == bare.predict_batch(batch)
    assert histogram.counts == [2, 0]
    assert (timed.provider_name, timed.max_batch_size, timed.supports_batching) == (
        bare.provider_name, bare.max_batch_size, bare.supports_batching,
    )  # fmt: skip
