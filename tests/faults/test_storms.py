"""Survival row 6: ten virtual minutes of 429 and 5xx on six platforms, each with its quota; nothing over, all drains."""

from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from domain.adjustments import AdjustmentStatus
from domain.dispatch_times import DISPATCH_TIMES
from domain.quotas import Quota, per_window
from jobs.dispatch import sweep
from kit.time import FixedClock
from models.adjustments import AdjustmentTable
from sandbox import meta as sandbox_meta
from services.ports import Ports
from tests.conftest import House
from tests.faults.dispatch_worker import at_rest
from tests.faults.harness import Bench, size
from tests.faults.sandbox_process import roster
from tests.faults.virtual import VirtualSandbox, virtual_sandbox

STORM = timedelta(minutes=10)
BUDGETS = 120 if size(1) == 1 else 1_200
SCALE = BUDGETS // 120
#: What the sandbox counts and refuses, and what we allow ourselves below it.
META_SCORE = 300 * SCALE
LIMITS = {
    "linkedin_calls_per_day": 150 * SCALE,
    "amazon_calls_per_second": 8 * SCALE,
    "microsoft_calls_per_minute": 60 * SCALE,
}
QUOTAS = {
    "META": Quota(META_SCORE * 0.8, META_SCORE * 0.8 / 300, read=1, write=3, per_account=True),
    "GOOGLE": Quota(5_000 * SCALE),
    "TIKTOK": per_window(20, 1),
    "LINKEDIN": Quota(LIMITS["linkedin_calls_per_day"] * 0.9),
    "AMAZON": replace(per_window(LIMITS["amazon_calls_per_second"], 1), adapts=True),
    "MICROSOFT": per_window(LIMITS["microsoft_calls_per_minute"], 60),
}


@pytest.fixture
async def storm(
    ports: Ports, house: House, clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Bench, VirtualSandbox]]:
    monkeypatch.setattr(sandbox_meta, "_MAX_SCORE", META_SCORE)
    rng = Random(20266)
    async with virtual_sandbox(tmp_path / "sandbox.db", clock, rng, roster=roster(BUDGETS)) as sandbox:
        (await sandbox.control.post("/control/options", json=LIMITS)).raise_for_status()
        ports.platforms.update(sandbox.platforms)
        bench = Bench(ports, house, "", "", sandbox.control, sandbox.platforms)
        await bench.bring_budgets()
        await bench.queue(range(BUDGETS), at_utc=clock.now_utc())
        yield bench, sandbox


async def next_moment(bench: Bench, now: datetime) -> datetime:
    """When something may be due again, at least a second ahead: leases, waits, second looks."""
    rows = await bench.ports.database.read(bench.house.tenant_id).of(AdjustmentTable).all()
    moments = [row.recheck_at_utc for row in rows if row.recheck_at_utc is not None]
    moments += [row.not_before_utc for row in rows if row.status == "PENDING"]
    moments += [max(row.lease_until_utc, row.not_before_utc) for row in rows if row.lease_until_utc is not None]
    return max(min(moments, default=now), now + timedelta(seconds=1))


@pytest.mark.slow
@pytest.mark.timeout(300 * SCALE)
@pytest.mark.req("RB-E2", "RB-F4")
async def test_a_storm_of_refusals_passes_and_everything_arrives_within_the_quotas(
    storm: tuple[Bench, VirtualSandbox], clock: FixedClock
) -> None:
    bench, sandbox = storm
    weather = sandbox.weather
    weather.refuse, weather.fail, weather.lose = 0.25, 0.3, 0.2
    begun, jitter = clock.now_utc(), Random(1)
    while not await at_rest(bench.ports.database, bench.house.tenant_id):
        if clock.now_utc() - begun > STORM:
            weather.calm()
        await sweep(bench.ports, jitter, DISPATCH_TIMES, QUOTAS)
        clock.advance(await next_moment(bench, clock.now_utc()) - clock.now_utc())
        assert clock.now_utc() - begun < timedelta(days=2)

    assert weather.refusals == []  # 0 over quota, as the sandbox counts
    assert weather.impatient == []  # every Retry-After was heeded, by all
    assert {change.status for _, change in await bench.changes()} == {AdjustmentStatus.CONFIRMED}
    assert await bench.violations() == []
    await assert_jittered(bench)


async def assert_jittered(bench: Bench) -> None:
    """Exponential with full jitter: spread over the whole range below a ceiling that doubles."""
    waits: dict[int, list[float]] = defaultdict(list)
    for event in await bench.events():
        after = event.after
        if event.entry.kind == "adjustment.postponed" and after is not None and after["failure_code"] == "503":
            until = datetime.fromisoformat(after["not_before_utc"])
            waits[after["attempts"]].append((until - event.entry.at_utc).total_seconds())
    assert max(waits) >= 4
    for attempts, seconds in waits.items():
        assert max(seconds) <= 2.0 ** min(attempts, 10)
        if len(seconds) >= 20:
            assert len({round(each, 3) for each in seconds}) > 0.9 * len(seconds)
            shares = sorted(each / 2.0**attempts for each in seconds)
            assert shares[0] < 0.2
            assert shares[-1] > 0.8
            assert 0.3 < sum(shares) / len(shares) < 0.7
