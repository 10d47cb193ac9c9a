"""The bid process under load, beside what the machine can do at all: `make bench-bid`, or `python -m bench.bid`.

1,000 campaigns, real request bodies from EXTERNAL_DATA in rotation, the process that the command line starts pinned to
one core, the load on the other. An offer is one bid object returned. Two runs: a closed loop of 64 connections, and a
constant rate, a little above what 13,889 offers a second take, of 60 s or as many as the argument says (`python -m
bench.bid 10`, `make bench-bid LASTS=10`). CE_BID_INFERENCE (litert) is the backend.

All that a bid process does is on: targeting, caps, pacing, budgets, scoring, signed notices, and an event of every
answer in the spool on the disk. The generator is `bench/bid_load.py`, for every row the same.
"""

import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.bid_load import Tally, closed_loop, constant_rate
from bench.bid_world import Body, bench_bodies, bench_snapshot
from domain.bid_snapshot import encode_snapshot

MUST_PER_S, MUST_P99_MS, MUST_INFERENCE_S = 13_889, 10.0, 0.005
AIM_PER_S, AIM_P99_MS = 30_000, 3.0
SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 and __name__ == "__main__" else 60.0
BACKEND = os.environ.get("CE_BID_INFERENCE", "litert")
_SERVER_CORE, _LOAD_CORE = 0, 1
_CONNECTIONS = 64
#: Times what must be bid. Bids per request vary, and what is refused in a slow moment of a machine that others share
#: has to be made up for in the fast ones: what counts is what was bid in 60 s.
_ASKED = 1.04
_TICKS = os.sysconf("SC_CLK_TCK")
_NGINX = """daemon off; pid {folder}/nginx.pid; error_log stderr crit; worker_processes 1;
events {{ worker_connections 1024; }}
http {{ access_log off; client_body_temp_path {folder}; keepalive_requests 100000000;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 "ok"; }} }} }}"""


def free_port() -> int:
    """A port that nobody has now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def server(port: int, *command: str, **environment: str) -> Iterator[int]:
    """A server on its core, answering on the port; gives its process id."""
    pinned = ("taskset", "-c", str(_SERVER_CORE), *command)
    process = subprocess.Popen(pinned, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise RuntimeError(f"{command} ended: {process.stderr.read() if process.stderr else ''}")
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        process.communicate(timeout=30)


def cpu_s(pid: int) -> float:
    """Processor seconds that a process has used, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_mib(pid: int) -> float:
    """What a process holds in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def row(name: str, tally: Tally, server_cpu_s: float, *, bids: bool) -> str:
    """One line of the table."""
    half, high, higher, most = tally.quantiles_ms()
    per_s = f"{tally.bids / tally.seconds:9,.0f} {tally.impressions / tally.seconds:9,.0f}" if bids else f"{'':19}"
    return (
        f"{name:34} {tally.requests / tally.seconds:9,.0f} {per_s} {half:7.2f} {high:7.2f} {higher:7.2f} {most:7.1f} "
        f"{server_cpu_s / tally.seconds:6.0%} {tally.own_cpu_s / tally.seconds:6.0%}"
    )


def floors(bodies: list[Body], folder: Path) -> None:
    """Print what servers do that decide nothing."""
    for name, label in (("bare", "asyncio.Protocol + httptools, echo"), ("asgi", "raw ASGI on uvicorn, echo")):
        port = free_port()
        with server(port, sys.executable, "-m", "bench.bid_floor", name, str(port)) as pid:
            before = cpu_s(pid)
            tally = closed_loop(port, bodies, connections=_CONNECTIONS, seconds=min(SECONDS, 5))
            print(row(label, tally, cpu_s(pid) - before, bids=False), flush=True)
    nginx, port = shutil.which("nginx"), free_port()
    if nginx is None:
        print(f"{'nginx, fixed answer':34} not installed here")
        return
    settings = folder / "nginx.conf"
    settings.write_text(_NGINX.format(folder=folder, port=port))
    with server(port, nginx, "-c", str(settings)) as pid:
        # One worker does the work: the master's child.
        worker = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
        before = cpu_s(worker)
        tally = closed_loop(port, bodies, connections=_CONNECTIONS, seconds=min(SECONDS, 5))
        print(row("nginx, fixed answer", tally, cpu_s(worker) - before, bids=False), flush=True)


def scraped(port: int) -> dict[str, float]:
    """The process's metrics by name and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def below(metrics: dict[str, float], before: dict[str, float], bound_s: float) -> float:
    """The share of inference calls that took at most so long, since `before`."""
    name, total = f'bid_inference_seconds_bucket{{le="{bound_s}"}}', 'bid_inference_seconds_bucket{le="+Inf"}'
    calls = metrics[total] - before[total]
    return (metrics[name] - before[name]) / calls if calls else 0.0


def since(metrics: dict[str, float], before: dict[str, float], name: str) -> str:
    """What a counter has counted since `before`, by label."""
    counted = {
        key.partition("{")[2].rstrip("}").replace('"', ""): int(value - before.get(key, 0))
        for key, value in metrics.items()
        if key.startswith(name)
    }
    return ", ".join(f"{label} {count:,}" for label, count in counted.items() if count)


def bid_rows(bodies: list[Body], folder: Path) -> list[str]:
    """Print the bid process's rows; gives what was missed of the musts."""
    (folder / "bid.snapshot").write_bytes(encode_snapshot(bench_snapshot()))
    port, metrics_port = free_port(), free_port()
    command = (sys.executable, "-m", "app", "bid", "--port", str(port))
    settings = {
        "CE_BID_SNAPSHOT": str(folder / "bid.snapshot"), "CE_VAR_DIR": str(folder), "CE_BID_INFERENCE": BACKEND,
        "CE_BID_METRICS_PORT": str(metrics_port),
    }  # fmt: skip
    with server(port, *command, **settings) as pid:
        # Until the snapshot is loaded, and once round all bodies, so that nothing is new.
        closed_loop(port, bodies, connections=_CONNECTIONS, seconds=5)
        before, metrics = cpu_s(pid), scraped(metrics_port)
        compiled = int(metrics["bid_compiled_modules"])
        print(f"  the hot path runs {f'compiled: {compiled} modules' if compiled else 'interpreted'}")
        tally = closed_loop(port, bodies, connections=_CONNECTIONS, seconds=min(SECONDS, 10))
        print(row(f"bid process ({BACKEND}), closed loop", tally, cpu_s(pid) - before, bids=True), flush=True)
        after, most = scraped(metrics_port), tally.bids / tally.seconds
        # Of those that were decided: who is turned away says nothing of what the others ask for.
        per_request = tally.bids / decided(after, metrics)
        print(f"  {per_request:.3f} bids an auction, answers by status: {shares(tally)}")
        print(f"  bid_requests_total {since(after, metrics, 'bid_requests_total')}")
        before, metrics = cpu_s(pid), scraped(metrics_port)
        asked = _ASKED * MUST_PER_S / per_request
        tally = constant_rate(port, bodies, connections=4 * _CONNECTIONS, seconds=SECONDS, per_second=asked)
        print(row(f"bid process ({BACKEND}), constant rate", tally, cpu_s(pid) - before, bids=True), flush=True)
        after = scraped(metrics_port)
        calls = after["bid_inference_seconds_count"] - metrics["bid_inference_seconds_count"]
        fast = below(after, metrics, MUST_INFERENCE_S)
        refused = after.get(_answered("overloaded"), 0) - metrics.get(_answered("overloaded"), 0)
        print(
            f"  asked for {_ASKED:.2f} times the must, {refused / tally.requests:.1%} refused; "
            f"{tally.bids / tally.requests:.2f} bids a request, answers by status: {shares(tally)}; "
            f"{resident_mib(pid):,.0f} MiB resident"
        )
        print(
            f"  inference: {decided(after, metrics) / max(calls, 1):.1f} auctions a call, {fast:.4%} of the calls "
            f"within 5 ms, {below(after, metrics, 0.0005):.2%} within 0.5 ms"
        )
        for name in ("bid_requests_total", "bid_no_bids_total", "bid_events_total"):
            print(f"  {name} {since(after, metrics, name)}")
        print(
            f"  aims: {AIM_PER_S:,} offers/s at most, {most:,.0f} reached; p99 below {AIM_P99_MS:.0f} ms at "
            f"{MUST_PER_S:,}, {tally.quantiles_ms()[1]:.1f} ms reached"
        )
    return missed(tally, fast)


def decided(metrics: dict[str, float], before: dict[str, float]) -> float:
    """How many auctions were held since `before`."""
    names = [name for name in map(_answered, ("bid", "no_bid")) if name in metrics]
    return sum(metrics[name] - before.get(name, 0) for name in names)


def _answered(result: str) -> str:
    return f'bid_requests_total{{result="{result}"}}'


def shares(tally: Tally) -> str:
    """Answers by status."""
    return ", ".join(f"{status.decode()} {count:,}" for status, count in sorted(tally.statuses.items()))


def missed(tally: Tally, fast: float) -> list[str]:
    """Which of the musts the constant-rate run did not reach."""
    offers, high = tally.bids / tally.seconds, tally.quantiles_ms()[1]
    found = []
    if offers < MUST_PER_S:
        found.append(f"{offers:,.0f} offers/s of {MUST_PER_S:,}")
    if high >= MUST_P99_MS:
        found.append(f"p99 {high:.1f} ms of {MUST_P99_MS:.0f}")
    if fast < 0.99:
        found.append(f"inference within 5 ms in {fast:.2%} of its calls")
    if SECONDS < 60:
        found.append(f"a run of {SECONDS:.0f} s of 60")
    return found


def main() -> None:
    """Print the table."""
    data = os.environ.get("EXTERNAL_DATA")
    if data is None:
        raise SystemExit("EXTERNAL_DATA names no folder with openrtb/: there are no real requests to send")
    os.sched_setaffinity(0, {_LOAD_CORE})
    bodies, files = bench_bodies(Path(data) / "openrtb")
    size = sum(len(body.data) for body in bodies) / len(bodies)
    impressions = sum(body.impressions for body in bodies) / len(bodies)
    print(
        f"{files} real requests, each from {len(bodies) // files} users: {size:,.0f} bytes and {impressions:.2f} "
        f"impressions in the mean; load before the run {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}"
    )
    print(
        f"{'':34} {'requests/s':>9} {'bids/s':>8} {'imps/s':>9} {'p50 ms':>7} {'p99':>7} {'p99.9':>7} {'most':>7} "
        f"{'CPU':>6} {'load':>6}"
    )
    with tempfile.TemporaryDirectory() as folder:
        floors(bodies, Path(folder))
        short = bid_rows(bodies, Path(folder))
    print("MUST met" if not short else f"MUST missed: {'; '.join(short)}")


if __name__ == "__main__":
    main()
