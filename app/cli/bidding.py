"""The command `bid`: the bid process, beside the API and without its database. Must not import the ORM or GraphQL."""

import asyncio
import secrets
import socket
import sqlite3
from pathlib import Path
from typing import Annotated, Final

import typer

from adapters.secret_files import SecretFile
from app.cli.listening import STOP_SIGNALS, Host, Port, bound, logger, run_on_uvloop
from app.cli.main import app, fail
from app.logs import log_to_stderr
from app.settings import Settings, address, authority
from domain.bid_snapshot import Snapshot
from domain.errors import InvalidInput
from hotpath.auction.bidder import BidderSettings
from hotpath.demo import demo_snapshot
from hotpath.events.spool import SpoolSettings
from hotpath.grpc.service import AddressTaken
from hotpath.inference.provider import BackendUnavailable
from hotpath.operations import Operations
from hotpath.process import run_bid_process
from hotpath.server.protocol import Limits
from hotpath.server.shedding import SheddingSettings
from hotpath.stores import StoreAddresses
from kit import compiled

_KEY_BYTES: Final = 32
_MS_PER_S: Final = 1_000


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
    log_to_stderr(settings.log_format)
    host = host or settings.bid_host
    snapshots = demo_snapshot() if demo else settings.snapshot_path
    over_grpc = authority(host, settings.bid_grpc_port) if settings.bid_grpc_port else ""
    with (
        bound(host, settings.bid_port if port is None else port, "CE_BID_PORT") as listener,
        bound(host, settings.metrics_port, "CE_BID_METRICS_PORT") as metrics,
    ):
        try:
            run_on_uvloop(_bid(listener, metrics, settings, snapshots, over_grpc))
        except BackendUnavailable as error:
            raise fail(str(error)) from error
        except AddressTaken as error:
            raise fail(f"{error}; set CE_BID_GRPC_PORT to another port, or to 0") from error
        except (OSError, sqlite3.Error) as error:
            what = f"cannot write to {settings.spool_dir} ({error})"
            raise fail(f"{what}: set CE_BID_SPOOL_DIR to another folder") from error


async def _bid(
    listener: socket.socket,
    metrics: socket.socket,
    settings: Settings,
    snapshots: Path | Snapshot,
    grpc_address: str,
) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for each in STOP_SIGNALS:
        loop.add_signal_handler(each, stop.set)
    key = signing_key(settings)
    where = address(*listener.getsockname()[:2])
    over_grpc = f", over gRPC at {grpc_address}" if grpc_address else ""
    _tell_what_runs()
    logger.info("bidding at %s%s, metrics at %s/metrics", where, over_grpc, address(*metrics.getsockname()[:2]))
    late_s = settings.bid_shed_ms / _MS_PER_S
    await run_bid_process(
        listener,
        snapshots,
        stop,
        key=key,
        base_url=(settings.bid_url or where).rstrip("/"),
        limits=Limits(),
        settings=BidderSettings(
            vendor_id=settings.bid_vendor_id,
            exposure_s=settings.bid_exposure_s,
            charged_by_win=settings.bid_charged_by_win,
        ),
        operations=Operations(
            spools=settings.spool_dir,
            metrics=metrics,
            spool=SpoolSettings(most_waiting=settings.bid_spool_events),
            shedding=SheddingSettings(late_s, late_s * 7 / 8) if late_s else None,
        ),
        grpc_address=grpc_address,
        stores=StoreAddresses(settings.bid_profiles_url, settings.bid_caps_url),
    )
    logger.info("drained")


def _tell_what_runs() -> None:
    if compiled.interpreted_because:
        logger.warning(
            "the hot path runs interpreted, at about two thirds of its speed: %s; `make compile` compiles it",
            compiled.interpreted_because,
        )
    else:
        logger.info("the hot path runs compiled: %d modules", compiled.compiled_modules())


def signing_key(settings: Settings) -> bytes:
    """What signs notices: CE_BID_KEY, else a file made once in var_dir, mode 0600; bids outlive the process.

    Raises:
        InvalidInput: it is no such key.
    """
    text = settings.bid_key.get_secret_value()
    if text:
        return _key(text)
    path = settings.var_dir / "keys" / "bid.key"
    return SecretFile(path, lambda: secrets.token_hex(_KEY_BYTES), _key).current()


def _key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise InvalidInput(f"CE_BID_KEY, or the key's file, must hold {_KEY_BYTES} bytes in hexadecimal")
    return key
