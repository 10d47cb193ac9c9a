"""How sockets end: cancelled by the client, cut off, expired, revoked, left, shut down. Nothing may stay behind."""

import asyncio
import json
import socket as sockets

import pytest
from uvicorn.protocols.utils import ClientDisconnected
from websockets.exceptions import ConnectionClosedError

from app.graphql_transport.messages import CloseSocketError
from app.graphql_transport.outbox import Outbox


async def until(condition, seconds=5.0):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the conditions are plain counters
            await asyncio.sleep(0.01)


async def hear_all(client):
    while await client.hear():
        pass


async def test_complete_runs_the_generators_finally(serve, client, ledger):
    served = await serve()
    async with served.socket() as socket:
        c = client(socket)
        await c.init()
        await c.subscribe("1", "subscription { idle }")
        await until(lambda: ledger["opened"] == 1)
        await c.say(id="1", type="complete")
        await until(lambda: ledger["closed"] == 1)
        await c.subscribe("2", "{ hello }")
        assert (await c.hear())["id"] == "2"  # and nothing was said about the first


async def test_a_token_closes_4403_when_it_expires_though_idle(serve, client, ledger):
    served = await serve(recheck_seconds=60)
    async with served.socket() as socket:
        c = client(socket)
        await c.init("brief")
        await c.subscribe("1", "subscription { idle }")
        assert await c.close_code() == 4403
    await until(lambda: ledger["opened"] == ledger["closed"] == 1)


async def test_an_expired_token_gets_no_more_events(serve, client):
    served = await serve(recheck_seconds=60)
    async with served.socket() as socket:
        c = client(socket)
        await c.init("brief")
        await c.subscribe("1", "subscription { count(to: 1000, pause: 0.05) }")
        heard = 0
        while heard < 100:
            try:
                await c.hear()
            except Exception:  # noqa: BLE001 - any end of the socket
                break
            heard += 1
        assert await c.close_code() == 4403
        assert heard <= 6


async def test_a_revoked_member_is_closed_4403_though_idle(serve, client, ledger):
    served = await serve(recheck_seconds=0.2)
    async with served.socket() as revoked, served.socket() as staying:
        for socket, token in ((revoked, "ann"), (staying, "bob")):
            await client(socket).init(token)
            await client(socket).subscribe("1", "subscription { idle }")
        await until(lambda: ledger["opened"] == 2)
        served.backend.revoked.add("ann")
        async with asyncio.timeout(30):
            await revoked.wait_closed()
        assert revoked.close_code == 4403
        await client(staying).subscribe("2", "{ hello }")
        assert (await client(staying).hear())["id"] == "2"


async def test_a_revoked_member_gets_no_later_event(serve, client):
    served = await serve(recheck_seconds=60)
    async with served.socket() as socket:
        c = client(socket)
        await c.init("ann")
        await c.subscribe("1", "subscription { count(to: 100, pause: 0.1) }")
        assert (await c.hear())["payload"] == {"data": {"count": 0}}
        served.backend.revoked.add("ann")
        with pytest.raises(ConnectionClosedError):
            await c.hear()
        assert socket.close_code == 4403


async def test_a_context_that_breaks_between_events_asks_to_come_back(serve, client):
    """An event must not be lost in silence: 1013 makes the client connect again and resume."""
    served = await serve()
    async with served.socket() as socket:
        c = client(socket)
        await c.init()
        await c.subscribe("1", "subscription { count(to: 100, pause: 0.1) }")
        await c.hear()
        served.backend.broken = RuntimeError("secret")
        assert await c.close_code() == 1013


async def test_a_paused_reader_is_cut_and_frees_everything(serve, ledger):
    served = await serve(send_buffer_bytes=200_000, close_seconds=0.3, recheck_seconds=60)
    paused = sockets.socket()
    paused.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    paused.connect(("127.0.0.1", served.port))
    paused.setblocking(False)
    loop = asyncio.get_running_loop()
    head = (
        "GET /graphql HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n"
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n"
    )
    await loop.sock_sendall(paused, head.encode())
    await loop.sock_recv(paused, 1_000)
    for message in (
        {"type": "connection_init"},
        {"id": "1", "type": "subscribe", "payload": {"query": "subscription { flood(size: 10000) }"}},
    ):
        body = json.dumps(message).encode()
        await loop.sock_sendall(paused, bytes([0x81, 0x80 | 126]) + len(body).to_bytes(2) + b"\x00" * 4 + body)
    await until(lambda: len(served.server.server_state.connections) == 1)
    # It never reads on: the server must still let go of the connection, close frame answered or not.
    await until(lambda: not served.server.server_state.connections and not served.server.server_state.tasks, 8)
    paused.close()


async def test_a_slow_reader_hears_4413_if_it_reads_on(serve, client):
    served = await serve(send_buffer_bytes=50_000, close_seconds=5)
    async with served.socket(max_queue=1) as socket:
        c = client(socket)
        await c.init()
        await c.subscribe("1", "subscription { flood(size: 20000) }")
        await asyncio.sleep(0.5)
        with pytest.raises(ConnectionClosedError):
            await hear_all(c)
        assert socket.close_code == 4413


async def test_the_outbox_takes_one_large_frame_but_no_pile():
    async def stuck(message):
        await asyncio.Event().wait()

    outbox = Outbox(stuck, 100)
    outbox.put("x" * 500)
    with pytest.raises(CloseSocketError) as cut:
        outbox.put("x")
    assert cut.value.close.code == 4413


async def test_the_outbox_counts_down_as_frames_leave():
    sent = []

    async def send(message):
        sent.append(message["text"])

    outbox = Outbox(send, 100)
    draining = asyncio.create_task(outbox.drain())
    for number in range(50):
        outbox.put(f"{number:050}")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    draining.cancel()
    assert sent == [f"{number:050}" for number in range(50)]


async def test_the_outbox_ends_in_silence_when_the_peer_left():
    async def gone(message):
        raise ClientDisconnected

    outbox = Outbox(gone, 100)
    outbox.put("x")
    await outbox.drain()


async def test_a_peer_that_leaves_while_it_is_written_to_is_no_error(serve, client, ledger, caplog):
    served = await serve()
    for leave in (
        lambda transport: transport.abort(),
        lambda transport: transport.write(b"\x88\x80\0\0\0\0"),  # a close frame without a code
        lambda transport: transport.write(b"\xf1\x80\0\0\0\0"),  # reserved bits: no frame of the protocol
        lambda transport: transport.write(b"\x81\x82\0\0\0\0\xff\xff"),  # text that is no UTF-8
    ):
        ledger.update(opened=0, closed=0)
        async with served.socket() as socket:
            c = client(socket)
            await c.init()
            for operation_id in "123":
                await c.subscribe(operation_id, "subscription { flood(size: 2000) }")
            for _ in range(10):
                await c.hear()
            leave(socket.transport)
            await until(lambda: not served.server.server_state.connections)
    await until(lambda: not served.server.server_state.tasks)
    assert [record for record in caplog.records if record.exc_info] == []


async def test_shutdown_closes_1012_and_ends_generators(serve, client, ledger):
    served = await serve()
    async with served.socket() as socket:
        c = client(socket)
        await c.init()
        await c.subscribe("1", "subscription { idle }")
        await until(lambda: ledger["opened"] == 1)
        served.server.should_exit = True
        assert await c.close_code() == 1012
    await until(lambda: ledger["closed"] == 1)


async def test_nothing_is_left_after_1000_abrupt_disconnects(serve, ledger):
    served = await serve()
    await served.post("{ hello }")
    tasks_before = len(asyncio.all_tasks())

    async def come_and_go(number):
        socket = await served.socket()
        await socket.send('{"type":"connection_init"}')
        await socket.send('{"id":"1","type":"subscribe","payload":{"query":"subscription { idle }"}}')
        await socket.send(
            '{"id":"2","type":"subscribe","payload":{"query":"subscription { count(to: 1000000, pause: 0.01) }"}}'
        )
        for _ in range(number % 4):
            await socket.recv()
        socket.transport.abort()

    for start in range(0, 1_000, 50):
        await asyncio.gather(*(come_and_go(number) for number in range(start, start + 50)))
    await until(lambda: not served.server.server_state.connections, 20)
    await until(lambda: len(asyncio.all_tasks()) <= tasks_before, 10)
    assert ledger["opened"] == ledger["closed"]
    assert ledger["opened"] > 1_000
