"""The API as whoever operates it sees it: a process that logs, counts, traces, drains and stops."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from app.cli.serving import Server
from schema.base import global_id
from tests.conftest import House
from tests.integration.cli_process import Cli, free_port

REVIEW = "query Review($w: ID!) { recommendations(workspaceId: $w, first: 5) { nodes { id } } }"
CHANGES = "subscription ($w: ID!) { recommendationChanges(workspaceId: $w) { __typename } }"
DEADLINE_SECONDS = 120


@contextmanager
def collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """An OpenTelemetry collector that keeps what it gets, at an address."""
    got: list[ExportTraceServiceRequest] = []

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            got.append(ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Take)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def spans(got: list[ExportTraceServiceRequest]) -> list[Any]:
    return [
        span
        for request in got
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


async def subscriber(port: int, token: str, workspace_id: str) -> ClientConnection:
    socket = await connect(
        f"ws://127.0.0.1:{port}/graphql", subprotocols=["graphql-transport-ws"], compression=None, proxy=None
    )  # type: ignore[list-item]
    payload = {"query": CHANGES, "variables": {"w": workspace_id}}
    for message in (
        {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}},
        {"type": "subscribe", "id": "s", "payload": payload},
    ):
        await socket.send(json.dumps(message))
    assert json.loads(await socket.recv()) == {"type": "connection_ack"}
    assert json.loads(await socket.recv())["type"] == "next"
    return socket


async def closed(socket: ClientConnection) -> int | None:
    try:
        while True:
            await socket.recv()
    except ConnectionClosed:
        return socket.close_code


async def stream(client: httpx.AsyncClient, workspace_id: str, begun: asyncio.Event) -> str:
    """All that an event stream says until it ends."""
    said = ""
    headers = {"accept": "text/event-stream"}
    body = {"query": CHANGES, "variables": {"w": workspace_id}}
    async with client.stream("POST", "/graphql", json=body, headers=headers) as answer:
        async for text in answer.aiter_text():
            said += text
            if "event: next" in said:
                begun.set()
    return said


@pytest.mark.timeout(300)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_it_logs_counts_and_traces_drains_and_tells_everybody_to_come_back(
    database_url: str, house: House, tmp_path: Path
) -> None:
    workspace_id = global_id("Workspace", house.workspace.id)
    port = free_port()
    with collector() as (otlp_url, got):
        cli = Cli(tmp_path / "var", {"CE_DATABASE_URL": database_url, "CE_API_PORT": str(port)})
        [token] = await asyncio.to_thread(cli.lines, "token", "--user", "owner@acme.test")
        url = f"http://127.0.0.1:{port}"
        settings = {
            "CE_LOG_FORMAT": "json", "CE_OTLP_URL": otlp_url, "CE_DRAIN_SECONDS": "300", "CE_PRODUCTION": "true"
        }  # fmt: skip
        process: subprocess.Popen[str] = await asyncio.to_thread(cli.started, "serve", url=f"{url}/ready", **settings)
        try:
            async with (
                asyncio.timeout(DEADLINE_SECONDS),
                httpx.AsyncClient(
                    base_url=url, headers={"authorization": f"Bearer {token}"}, trust_env=False, timeout=60
                ) as client,
            ):
                body = {"query": REVIEW, "variables": {"w": workspace_id}}
                answer = await client.post("/graphql", json=body, headers={"x-request-id": "r-1"})
                assert len(answer.json()["data"]["recommendations"]["nodes"]) == 4
                counted = (await client.get("/metrics")).text
                assert (
                    'graphql_operations_total{kind="query",operation="Review",outcome="ok"} 1.0' in counted.splitlines()
                )
                assert (await client.get("/schema.graphql")).text.startswith('"""')
                stranger = await client.get("/schema.graphql", headers={"authorization": ""})
                assert (stranger.status_code, stranger.text) == (401, "sign in to read the schema")

                socket = await subscriber(port, token, workspace_id)
                begun = asyncio.Event()
                streaming = asyncio.create_task(stream(client, workspace_id, begun))
                await begun.wait()
                process.send_signal(signal.SIGTERM)
                while (await client.get("/ready")).status_code != 503:  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.01)
                # Told to stop, and still serving.
                assert (await client.get("/health")).status_code == 200
                assert "errors" not in (await client.post("/graphql", json=body)).json()
                process.send_signal(signal.SIGTERM)
                assert await closed(socket) == 1012
                assert "event: complete" not in await streaming
                out, told = await asyncio.to_thread(process.communicate)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()

    assert (process.returncode, out) == (0, "")
    lines = [json.loads(line) for line in told.splitlines()]
    assert [line["level"] for line in lines if line["level"] not in {"INFO", "WARNING"}] == []
    asked = next(line for line in lines if line.get("operation") == "Review")
    assert (asked["requestId"], asked["outcome"], asked["codes"]) == ("r-1", "ok", [])
    # The last spans left before the process did: one trace from the request over the operation to the statements.
    trace = [span for span in spans(got) if span.trace_id.hex() == asked["traceId"]]
    by_id = {span.span_id: span for span in trace}
    [operation] = [span for span in trace if span.name == "query Review"]
    assert operation.span_id.hex() == asked["spanId"]
    assert by_id[operation.parent_span_id].name == "POST"
    assert "SELECT" in {span.name for span in trace if span.parent_span_id == operation.span_id}


async def test_the_time_to_drain_ends_by_itself() -> None:
    stopping = asyncio.Event()
    server = Server(uvicorn.Config("nothing:app"), stopping, drain_seconds=0.05)
    with server.capture_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await stopping.wait()
            assert not server.should_exit
            while not server.should_exit:  # noqa: ASYNC110 - uvicorn's own flag
                await asyncio.sleep(0.01)
    assert not server.force_exit


def test_without_a_collector_nothing_is_wrapped_and_no_exporter_is_loaded(tmp_path: Path) -> None:
    """Traces that nobody asked for must not cost anything: the libraries stay as they were."""
    script = """
import sys, httpx
from tortoise.backends.sqlite.client import SqliteClient
before = (httpx.AsyncClient.send, SqliteClient.execute_query)
from app.tracing import tracing
from app.operation_metrics import OperationMetrics
from opentelemetry import trace
provider = trace.get_tracer_provider()
with tracing("x", ""):
    assert before == (httpx.AsyncClient.send, SqliteClient.execute_query)
    assert trace.get_tracer_provider() is provider
assert not [name for name in sys.modules if name.startswith("opentelemetry.exporter")]
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
