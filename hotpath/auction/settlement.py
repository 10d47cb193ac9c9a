"""Counts notices: each win, billing and loss once, whatever arrives twice, before a restart or after it.

A notice is kept first, then charged, then remembered: what fails in between may come again and is counted then. Until a
notice is committed (`hotpath/events/spool.py`) a killed process forgets it, and counts it when it comes again. Must not
know HTTP.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from domain.bid_events import NoticeEvent
from domain.bid_pacing import impression_micros
from hotpath.auction.notices import NoticeKind, Tickets, cleared_house_micros
from hotpath.auction.ticket import BidTicket
from hotpath.events.settled import SettledNotices
from hotpath.events.sink import EventSink

logger = logging.getLogger("campaign_express.bid")

_US: Final = 1_000_000
#: Loss reasons have at most four; more is nonsense.
_LOSS_DIGITS: Final = 6


class NoticeResult(Enum):
    """What became of a notice. `POSTPONED`: it could not be counted, and may come again."""

    COUNTED = "counted"
    REPEATED = "repeated"
    EXPIRED = "expired"
    REFUSED = "refused"
    POSTPONED = "postponed"


class Books(Protocol):
    """The engine's, as far as notices move them."""

    def lost(self, token: str) -> None:
        """The bid's place and money are free."""
        ...

    def billed(self, token: str, campaign_id: str, house_micros: int) -> None:
        """The bid's impression was shown, at this price."""
        ...

    def recall(self, campaign_id: str, at_s: float, cost_micros: int) -> None:
        """What a process before this one was charged at a moment."""
        ...


@dataclass
class NoticeCounts:
    """What the metrics read: notices by kind and result, and what they charged, micros by currency."""

    notices: Counter[tuple[str, str]] = field(default_factory=Counter)
    spend_micros: Counter[str] = field(default_factory=Counter)


class Settlement:
    """The notices of one process."""

    def __init__(
        self, books: Books, tickets: Tickets, sink: EventSink, counts: NoticeCounts, now_s: Callable[[], float]
    ) -> None:
        """`now_s` gives seconds since 1970, never back."""
        self._books = books
        self._tickets = tickets
        self._sink = sink
        self._counts = counts
        self._now_s = now_s
        self._settled = SettledNotices()

    def recall(self, notices: Iterable[NoticeEvent]) -> int:
        """Remember what processes before this one counted, each notice once; how many that are."""
        count, now_s = 0, self._now_s()
        for notice in notices:
            if self._settled.has(notice.kind, notice.bid_id, notice.expires_s):
                continue
            self._settled.add(notice.kind, notice.bid_id, notice.expires_s, now_s)
            if notice.cost_micros:
                self._books.recall(notice.campaign_id, notice.at_us / _US, notice.cost_micros)
            count += 1
        return count

    def count(self, kind: NoticeKind, token: str, price: str, loss: str) -> NoticeResult:
        """Count a notice.

        Args:
            kind: which.
            token: as it went out with the bid.
            price: the clearing price, CPM of the bid's currency, as the exchange wrote it.
            loss: OpenRTB's loss reason, as the exchange wrote it.
        """
        result = self._result(kind, token, price, loss)
        self._counts.notices[kind.value, result.value] += 1
        return result

    def _result(self, kind: NoticeKind, token: str, price: str, loss: str) -> NoticeResult:
        ticket, now_s = self._tickets.read(token), self._now_s()
        if ticket is None:
            return NoticeResult.REFUSED
        if now_s > ticket.expires_s:
            return NoticeResult.EXPIRED
        if self._settled.has(kind.value, ticket.bid_id, ticket.expires_s):
            return NoticeResult.REPEATED
        house_micros = cleared_house_micros(ticket, price)
        charges = not ticket.test and kind is (NoticeKind.WIN if ticket.charged_by_win else NoticeKind.BILLING)
        event = NoticeEvent(
            kind=kind.value,
            bid_id=ticket.bid_id,
            campaign_id=ticket.campaign_id,
            offer_id=ticket.offer_id,
            at_us=int(now_s * _US),
            expires_s=ticket.expires_s,
            house_currency=ticket.house_currency,
            cost_micros=impression_micros(house_micros) if charges else 0,
            price_micros=house_micros,
            loss_reason=int(loss) if loss.isascii() and loss.isdigit() and len(loss) <= _LOSS_DIGITS else 0,
            test=ticket.test,
        )
        try:
            if not self._sink.noticed(event):
                return NoticeResult.POSTPONED
            self._settle(kind, ticket, event, charges=charges)
        except Exception:
            logger.exception("the %s notice of bid %s could not be counted", kind.value, ticket.bid_id)
            return NoticeResult.POSTPONED
        self._settled.add(kind.value, ticket.bid_id, ticket.expires_s, now_s)
        return NoticeResult.COUNTED

    def _settle(self, kind: NoticeKind, ticket: BidTicket, event: NoticeEvent, *, charges: bool) -> None:
        if ticket.test:
            return
        if charges:
            self._books.billed(ticket.bid_id, ticket.campaign_id, event.price_micros)
            self._counts.spend_micros[ticket.house_currency] += event.cost_micros
        elif kind is NoticeKind.LOSS:
            self._books.lost(ticket.bid_id)
