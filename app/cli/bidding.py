"""The command `bid`: the bid process, beside the API and without its database. Must not import the ORM or GraphQL."""

import asyncio
import secrets
import socket
from pathlib import Path
from typing import Annotated

import typer

from app.cli.listening import STOP_SIGNALS, Host, Port, bound, log_to_stderr, logger, run_on_uvloop
from app.cli.main import app, fail
from app.settings import Settings, address, authority
from domain.bid_snapshot import Snapshot
from hotpath.auction.bidder import BidderSettings
from hotpath.demo import demo_snapshot
from hotpath.grpc.service import AddressTaken
from hotpath.process import run_bid_process
from hotpath.server.protocol import Limits


@app.command()
def bid(
    host: Host = None,
    port: Port = None,
    *,
    demo: Annotated[bool, typer.Option(help="Bid with the demo's campaigns, without any worker's snapshot.")] = False,
) -> None:
    """Answer OpenRTB bid requests, with the snapshot that the worker keeps; before there is one, with no bid.

    Example: `campaign-express bid --port 8001`
    """
    settings = Settings()
    log_to_stderr()
    where, snapshots = host or settings.bid_host, demo_snapshot() if demo else settings.snapshot_path
    over_grpc = authority(where, settings.bid_grpc_port) if settings.bid_grpc_port else ""
    with bound(where, settings.bid_port if port is None else port, "CE_BID_PORT") as listener:
        try:
            run_on_uvloop(_bid(listener, snapshots, over_grpc))
        except AddressTaken as error:
            raise fail(f"{error}; set CE_BID_GRPC_PORT to another port, or to 0") from error


async def _bid(listener: socket.socket, snapshots: Path | Snapshot, grpc_address: str) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for each in STOP_SIGNALS:
        loop.add_signal_handler(each, stop.set)
    where = address(*listener.getsockname()[:2])
    logger.info("bidding at %s%s", where, f", and over gRPC at {grpc_address}" if grpc_address else "")
    # The key lives as long as the process: so do the bids that its notices are about.
    await run_bid_process(
        listener,
        snapshots,
        stop,
        key=secrets.token_bytes(32),
        base_url=where,
        limits=Limits(),
        settings=BidderSettings(),
        grpc_address=grpc_address,
    )
    logger.info("drained")
