"""What the bid process holds in memory, and that it does not grow: `make soak-bid`, or `python -m bench.bid_memory`.

First what is held per campaign, per cached profile and per bid that nobody has settled, each in a process of its own,
with the hot modules as they were compiled; and the books alone through ten minutes of bids. Then a soak: the process of
the command line under 13,889 offers a second for ten minutes, or as many seconds as the first argument says. No notice
is sent, which is the worst case: a bid holds its place and its money for 300 s (`exp`), or what the second argument
says, so what is held rises for so long and has to stay there afterwards. EXTERNAL_DATA has the requests.
"""

import gc
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Event, Thread

import numpy as np

from bench.bid import BACKEND, MUST_PER_S, free_port, resident_mib, scraped, server
from bench.bid_load import closed_loop, constant_rate
from bench.bid_world import bench_bodies, bench_snapshot
from domain.bid_caps import CapLedger
from domain.bid_people import Loyalty, Profile
from domain.bid_snapshot import decode_snapshot, encode_snapshot
from hotpath.engine.budgets import Budgets
from hotpath.engine.engine import prepared
from hotpath.inference.selection import provider_for
from hotpath.profiles.cache import ProfileCache

_SOAK_S = 600.0
_OPEN_S = 300
_LOOKS = 20
#: A process that leaks a hundred bytes a request grows by more than this in the last quarter of ten minutes.
_FLAT = 0.03
_CAMPAIGNS, _PROFILES, _BIDS, _USERS = 10_000, 100_000, 500_000, 500_000


def campaigns() -> str:
    """A snapshot of 10,000 campaigns, as bytes, as objects with their index, and in the backend."""
    content = encode_snapshot(bench_snapshot(_CAMPAIGNS))
    before, began = _held_mib(), time.perf_counter()
    snapshot = decode_snapshot(content)
    ready = prepared(snapshot, provider_for({"CE_BID_INFERENCE": BACKEND}, snapshot.model))
    took_s, held = time.perf_counter() - began, _held_mib() - before
    entries = len(ready.index.entries)
    return f"{_CAMPAIGNS:,} campaigns, {entries:,} creatives: {held:,.0f} MiB, {took_s:.2f} s from file to index"


def profiles() -> str:
    """Cached profiles, each with all that a profile has."""
    rng, cache = np.random.default_rng(1), ProfileCache(_PROFILES, 3_600.0, time.monotonic)
    before = _held_mib()
    for number in range(_PROFILES):
        profile = Profile(
            segments=tuple(rng.integers(0, 4_096, 12).tolist()), interests=tuple(rng.uniform(-1, 1, 64).tolist()),
            device_type="mobile", recency_score=0.5, loyalty=Loyalty(tier="gold", balance=100.0 + number),
        )  # fmt: skip
        cache.put(f"user-{number:032}", profile)
    held = (_held_mib() - before) * 1_000_000 / _PROFILES
    return f"a million cached profiles of 12 segments and 64 interests: {held:,.0f} MiB (from {len(cache):,})"


def bids() -> str:
    """Bids without a notice: a place under caps, and money set aside; of users who are new, then of the same again."""
    ledger, budgets = CapLedger(), Budgets()
    snapshot = bench_snapshot(1_000)
    budgets.load(snapshot.campaigns, 0.0, 0.0)
    held = []
    for first in (0, _BIDS):
        before = _held_mib()
        for number in range(_BIDS):
            token, name = f"0123456789ab-{first + number:x}", snapshot.campaigns[number % 1_000].campaign_id
            now_s = (first + number) / MUST_PER_S
            budgets.reserve(token, name, 1_000_000, expires_s=now_s // 1 + _OPEN_S)
            ledger.reserve(token, f"user-{number // 2:032}", name, now_s, expires_s=now_s // 1 + _OPEN_S)
        held.append((_held_mib() - before) * 2**20 / _BIDS)
    return (
        f"an open bid on a capped campaign, every second one of a new user: {held[0]:,.0f} bytes, "
        f"of users and campaigns that met before: {held[1]:,.0f} (from {_BIDS:,} each)"
    )


def turnover() -> str:
    """Ten minutes of the must without a notice, as the books see it: a bid opens, and from 300 s on one ends for it."""
    ledger, budgets = CapLedger(), Budgets()
    snapshot = bench_snapshot(1_000)
    budgets.load(snapshot.campaigns, 0.0, 0.0)
    before, began, held = _held_mib(), time.process_time(), []
    for number in range(int(_SOAK_S * MUST_PER_S)):
        now_s, user = number / MUST_PER_S, f"user-{number * 7_919 % _USERS:032}"
        token, campaign = f"0123456789ab-{number:x}", snapshot.campaigns[number % 1_000]
        budgets.advance(now_s)
        budgets.reserve(token, campaign.campaign_id, campaign.bid_cpm_micros, expires_s=now_s // 1 + _OPEN_S)
        if campaign.hourly_cap:
            ledger.allows(user, campaign.campaign_id, now_s, hourly_cap=10**6, daily_cap=10**6)
            ledger.reserve(token, user, campaign.campaign_id, now_s, expires_s=now_s // 1 + _OPEN_S)
        if (number + 1) % (30 * MUST_PER_S) == 0:
            held.append(resident_mib(os.getpid()) - before)
    took_us = (time.process_time() - began) * 1e6 / (_SOAK_S * MUST_PER_S)
    minutes = ", ".join(f"{each:,.0f}" for each in held)
    return (
        f"{budgets.open_bids:,} bids open, {ledger.open_bids:,} on capped campaigns, {len(ledger):,} pairs of a "
        f"user and a campaign: {minutes} MiB after each half minute of ten, {took_us:.1f} us a bid from making to end"
    )


def _held_mib() -> float:
    gc.collect()
    return resident_mib(os.getpid())


def soak(folder: Path, data: Path, seconds: float, open_s: int) -> str:
    """Load the process and look at it twenty times; what came of it, in a line."""
    (folder / "bid.snapshot").write_bytes(encode_snapshot(bench_snapshot()))
    bodies, _ = bench_bodies(data)
    port, metrics_port, looks, over = free_port(), free_port(), [], Event()
    settings = {
        "CE_BID_SNAPSHOT": str(folder / "bid.snapshot"), "CE_VAR_DIR": str(folder), "CE_BID_INFERENCE": BACKEND,
        "CE_BID_METRICS_PORT": str(metrics_port), "CE_BID_EXPOSURE_S": str(open_s),
    }  # fmt: skip
    with server(port, sys.executable, "-m", "app", "bid", "--port", str(port), **settings) as pid:
        first = closed_loop(port, bodies, connections=64, seconds=min(5.0, seconds / 4))
        rate = MUST_PER_S * first.requests / max(first.bids, 1)
        began = time.monotonic()

        def look() -> None:
            while not over.wait(seconds / _LOOKS):
                told = scraped(metrics_port)
                looks.append(resident_mib(pid))
                print(
                    f"{time.monotonic() - began:6.0f} s {looks[-1]:7,.0f} MiB, {told['bid_bids_total']:12,.0f} bids, "
                    f"{told['bid_open_bids']:10,.0f} of them open, {told['bid_capped_pairs']:9,.0f} users' campaigns",
                    flush=True,
                )

        looking = Thread(target=look)
        looking.start()
        try:
            tally = constant_rate(port, bodies, connections=256, seconds=seconds, per_second=rate)
        finally:
            over.set()
            looking.join()
    quarter = max(1, len(looks) // 4)
    last, before = np.mean(looks[-quarter:]), np.mean(looks[-2 * quarter : -quarter])
    grown = float(last / before) - 1
    verdict = "flat" if grown < _FLAT else "NOT flat"
    if seconds < 2 * open_s:
        verdict = f"which says little: the bids of the first {open_s} s are still open"
    return f"{tally.bids / tally.seconds:,.0f} offers/s; the last quarter to the one before: {grown:+.1%}, {verdict}"


def main() -> None:
    """Print what is held, then soak."""
    parts = {"campaigns": campaigns, "profiles": profiles, "bids": bids, "turnover": turnover}
    if sys.argv[1:2] and sys.argv[1] in parts:
        print(parts[sys.argv[1]]())
        return
    data = os.environ.get("EXTERNAL_DATA")
    if data is None:
        raise SystemExit("EXTERNAL_DATA names no folder with openrtb/: there are no real requests to send")
    for part in parts:
        subprocess.run((sys.executable, "-m", "bench.compiled", "bench.bid_memory", part), check=True)
    with tempfile.TemporaryDirectory() as folder:
        seconds = float(sys.argv[1]) if len(sys.argv) > 1 else _SOAK_S
        open_s = int(sys.argv[2]) if len(sys.argv) > 2 else _OPEN_S
        print(soak(Path(folder), Path(data) / "openrtb", seconds, open_s))


if __name__ == "__main__":
    main()
