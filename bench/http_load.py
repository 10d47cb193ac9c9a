"""A closed-loop HTTP/1.1 load: N keep-alive connections, each sends its next request when the last answer is whole."""

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """What one run measured; times in milliseconds, of the whole answer."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float


def request(path: str, body: bytes | None = None, token: str | None = None) -> bytes:
    """The bytes of a GET, or of a POST of JSON."""
    head = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", "host: bench", "accept: application/json"]
    if token is not None:
        head.append(f"authorization: Bearer {token}")
    if body is not None:
        head += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + (body or b"")


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> bytes:
    writer.write(data)
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"refused: {head!r} {await reader.read(500)!r}")
    lower = head.lower()
    at = lower.index(b"content-length:") + 15
    return await reader.readexactly(int(lower[at : lower.index(b"\r", at)]))


async def once(port: int, data: bytes, must_contain: bytes) -> None:
    """One request on a connection of its own; the answer must contain `must_contain`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = await _exchange(reader, writer, data)
    if must_contain not in body:
        raise RuntimeError(f"not the answer meant: {body[:500]!r}")
    writer.close()


async def run(port: int, requests: Sequence[bytes], connections: int, must_contain: bytes) -> Load:
    """Send every request once over `connections` connections; each answer must contain `must_contain`."""
    waiting: Iterator[bytes] = iter(requests)
    times: list[float] = []

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for data in waiting:
            started = time.perf_counter()
            body = await _exchange(reader, writer, data)
            times.append(time.perf_counter() - started)
            if must_contain not in body:
                raise RuntimeError(f"not the answer meant: {body[:500]!r}")
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    seconds = time.perf_counter() - started
    cuts = statistics.quantiles(times, n=100)
    return Load(len(times), len(times) / seconds, cuts[49] * 1000, cuts[98] * 1000)
