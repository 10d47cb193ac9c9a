"""The `Bidder` service: a bid request in, what the engine says out, on the loop that also serves HTTP.

Must not decide anything: it hands bytes to the bidder, as the HTTP routes do.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import grpc
import grpc.aio

from hotpath.auction.bidder import Bidder
from hotpath.grpc.bidder_pb2 import DESCRIPTOR
from hotpath.grpc.messages import PROTOBUF
from hotpath.openrtb.codec import MalformedRequest
from hotpath.server.protocol import Limits

_SERVICE: Final = DESCRIPTOR.services_by_name["Bidder"].full_name
_MS: Final = 1_000


class AddressTaken(OSError):
    """Nothing can be served at an address; the message says which."""


class BidService:
    """A bidder as the methods of the service."""

    def __init__(self, bidder: Bidder) -> None:
        """Both protocols may share one bidder: it keeps no state of a connection."""
        self._bidder = bidder

    async def bid(self, body: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        """The serialised response, empty where there is nothing to say. INVALID_ARGUMENT: no bid request."""
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def done(answer: bytes) -> None:
            # A caller that has left has cancelled this.
            if not answered.done():
                answered.set_result(answer)

        try:
            self._bidder.begin(body, 0.0, done, PROTOBUF)
        except MalformedRequest as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return await answered

    def handler(self) -> grpc.GenericRpcHandler:
        """The methods by their names. Bytes are not parsed by gRPC, which would answer a broken message as a fault."""
        return grpc.method_handlers_generic_handler(_SERVICE, {"Bid": grpc.unary_unary_rpc_method_handler(self.bid)})


@asynccontextmanager
async def serving_grpc(
    address: str, bidder: Bidder, stop: asyncio.Event, *, limits: Limits, drain_s: float = 5.0
) -> AsyncIterator[int]:
    """Serve while the block runs, and take nothing new once `stop` is set; gives the port.

    Args:
        address: `host:port`; port 0 is any.
        bidder: answers.
        stop: set from a signal.
        limits: the body's and the head's also hold here, once unpacked; a silent connection is closed as over HTTP.
        drain_s: how long what was begun may still take.

    Raises:
        AddressTaken: the address cannot be listened at.
    """
    server, port = listening(address, bidder, limits)
    await server.start()
    draining = asyncio.create_task(_drain(server, stop, drain_s))
    try:
        yield port
    finally:
        if not stop.is_set():
            draining.cancel()
            await server.stop(None)
        await asyncio.gather(draining, return_exceptions=True)


async def _drain(server: grpc.aio.Server, stop: asyncio.Event, drain_s: float) -> None:
    await stop.wait()
    await server.stop(drain_s)


def listening(address: str, bidder: Bidder, limits: Limits) -> tuple[grpc.aio.Server, int]:
    """A server that is not started, and the port that it has. AddressTaken: it can have none."""
    server = grpc.aio.server(
        options=[
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", limits.body_bytes),
            ("grpc.max_metadata_size", limits.head_bytes),
            ("grpc.max_connection_idle_ms", int(limits.idle_s * _MS)),
        ]
    )
    server.add_generic_rpc_handlers((BidService(bidder).handler(),))
    try:
        return server, server.add_insecure_port(address)
    except RuntimeError as error:
        raise AddressTaken(f"cannot listen at {address}") from error
