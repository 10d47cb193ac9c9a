"""Compiled and interpreted, the bid process says the same to the last byte: answers, events, books."""

import gzip
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hotpath.grpc import openrtb_pb2
from tests.integration.bid_server import REQUEST, http
from tests.integration.test_bid_data import body_of, rows

ROOT = Path(__file__).resolve().parents[2]
#: Of our own, for where no external requests are: what no exchange sends among it.
OWN: list[bytes] = [
    http({**REQUEST, "id": f"r{number}", "user": {"id": f"u{number % 3}"}, "at": 1 + number % 2}) for number in range(70)
] + [
    http({**REQUEST, "imp": []}), http(b"{"), http(b""), http(b"[]"), http(b"\xff\x00"),
    http(gzip.compress(json.dumps(REQUEST).encode(), mtime=0), "content-encoding: gzip", "accept-encoding: gzip"),
    http(b"no gzip", "content-encoding: gzip"), http(REQUEST, "content-encoding: br"),
    http(REQUEST, "content-type: text/html"), http(REQUEST, "x-openrtb-version: 2.5", "connection: close"),
    http(REQUEST, "expect: 100-continue"), http(REQUEST) * 3, http(REQUEST, method="PUT"), http(target="/health", method="GET"),
    http(target="/v1/win?t=forged", method="GET"), http({**REQUEST, "tmax": 5}), http({**REQUEST, "cur": ["XXX"]}),
    http({**REQUEST, "test": 1}), http({**REQUEST, "imp": [{**REQUEST["imp"][0], "bidfloor": 4.9, "bidfloorcur": "GBP"}]}),
    http({**REQUEST, "imp": [{"id": "1", "video": {"mimes": ["video/mp4"], "maxduration": 20}}]}),
    http({**REQUEST, "imp": [{"id": "1", "audio": {"mimes": ["audio/mp3"]}}, {"id": "2", "banner": {}}]}),
    http({**REQUEST, "imp": [{"id": "1", "native": {"request": '{"ver":"1.2","assets":[{"id":1,"img":{}}]}'}}]}),
    http({**REQUEST, "regs": {"gdpr": 1}, "user": {"id": "u", "consent": "COtybn4PA_zT4KjACBENAPCIAEBAAECAAIAAAAAAAAAA"}}),
    b"POST /v1/bid HTTP/1.1\r\nhost: b\r\ncontent-length: 9", b"nonsense\r\n\r\n",
]  # fmt: skip


def real() -> list[bytes]:
    """Every file of the external data, whatever it is, from two users; those that are requests in protobuf as well."""
    bodies = [body_of(row) for row in rows()]
    return [http(body) for body in bodies for _ in range(2)]


def protobuf() -> list[bytes]:
    request = openrtb_pb2.BidRequest(id="p1")
    request.imp.add(id="1").banner.SetInParent()
    return [http(request.SerializeToString(), "content-type: application/x-protobuf")]


def said(which: str, chunks: list[bytes]) -> dict[str, Any]:
    """What a process that runs that way says."""
    ran = subprocess.run(
        (sys.executable, "-m", "tests.integration.bid_answers", which),
        input=json.dumps([chunk.hex() for chunk in chunks]), capture_output=True, text=True, cwd=ROOT, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(
    importlib.util.find_spec("mypyc") is None or shutil.which("cc") is None, reason="nothing compiles here"
)
def test_compiled_and_interpreted_say_the_same() -> None:
    subprocess.run((sys.executable, "scripts/compile_hotpath.py"), cwd=ROOT, check=True)
    chunks = OWN + protobuf() + real()

    interpreted, compiled = said("interpreted", chunks), said("compiled", chunks)

    assert interpreted.pop("compiled") == 0
    assert compiled.pop("compiled") > 25
    assert len(interpreted["answers"]) > len(chunks) + 100
    assert len(interpreted["events"]) > 150
    for at, (one, other) in enumerate(zip(interpreted["answers"], compiled["answers"], strict=True)):
        assert one == other, chunks[at] if at < len(chunks) else "a notice"
    assert interpreted == compiled
