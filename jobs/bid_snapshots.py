"""The job that keeps the bid processes' snapshot up to date. Must not decide what is in it."""

from kit.time import SystemClock
from services.bid_snapshots import Publisher
from services.ports import Ports


async def publish_changes(ports: Ports, publisher: Publisher) -> int | None:
    """Publish a snapshot if what bids has changed; its version.

    By the machine's clock: exchanges live in real time, also while a demo plays another day.
    """
    return await publisher.publish(ports, SystemClock().now_utc())
