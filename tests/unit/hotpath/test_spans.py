"""Runs of entries as sets of bits, and that every campaign's entries are one run."""

from hypothesis import given
from hypothesis import strategies as st

from bench.bid_world import bench_snapshot
from hotpath.engine.spans import NO_ENTRIES, bits_of, together
from hotpath.engine.targeting import TargetingIndex, bits

SPANS = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 9)))


def test_a_run_is_its_bits() -> None:
    assert bits_of((0, 1)) == 0b1
    assert bits_of((3, 2)) == 0b11000
    assert bits_of(NO_ENTRIES) == 0
    assert list(bits(bits_of((70, 3)))) == [70, 71, 72]


@given(SPANS)
def test_runs_together_are_the_sum_of_their_bits(spans: list[tuple[int, int]]) -> None:
    expected = 0
    for span in spans:
        expected |= bits_of(span)
    assert together(iter(spans)) == expected


def test_each_campaigns_entries_are_one_run() -> None:
    index = TargetingIndex(bench_snapshot(200))

    for campaign_id, span in index.of_campaign.items():
        numbers = [at for at, entry in enumerate(index.entries) if entry.campaign.campaign_id == campaign_id]
        assert list(bits(bits_of(span))) == numbers
    capped = [at for at, one in enumerate(index.entries) if one.campaign.hourly_cap or one.campaign.daily_cap]
    assert list(bits(index.capped)) == capped
