"""Where a bidder leaves its events: one protocol, and its two spools on disk. Must not know a request or a store.

What is full is told, never waited for: without room for bid events no bid is made, and without room for a notice it is
not counted, so that the exchange may send it again. No event of a bid that was sent is ever dropped while the process
lives.
"""

from dataclasses import dataclass
from typing import Protocol

from domain.bid_events import BidEvent, NoticeEvent, encode_event
from hotpath.events.spool import Spool


class EventSink(Protocol):
    """The seam behind which events go to a file, a stream, or a test's list."""

    @property
    def has_room(self) -> bool:
        """Whether the event of one more auction can be kept. Asked before the auction."""
        ...

    def answered(self, event: BidEvent) -> None:
        """Keep a request's event; at once, without waiting."""
        ...

    def noticed(self, event: NoticeEvent) -> bool:
        """Keep a notice; False where it cannot be kept and must not count."""
        ...


@dataclass(frozen=True)
class SpoolSink:
    """Bid events in one series of files, notices in another: those are few, and stay until they cannot come again."""

    bids: Spool
    notices: Spool

    @property
    def has_room(self) -> bool:
        """Whether both have room: a bid whose notices could not be counted had better not be made."""
        return self.bids.has_room and self.notices.has_room

    def answered(self, event: BidEvent) -> None:
        """Keep a request's event."""
        self.bids.put(encode_event(event))

    def noticed(self, event: NoticeEvent) -> bool:
        """Keep a notice; False without room."""
        return self.notices.put(encode_event(event), keep_until_s=event.expires_s)

    def close(self) -> None:
        """Write what waits and close the files. Blocks; call it from no loop."""
        self.bids.close()
        self.notices.close()
