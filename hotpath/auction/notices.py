"""Signed tokens of bids, the addresses in which they go out, and what a notice that comes back means.

Must not count: it only tells a true token from a false one, and what it says.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from enum import StrEnum
from hashlib import sha256
from math import isfinite
from typing import Final

import msgspec

_MAC_BYTES: Final = 16
_MICROS: Final = 1_000_000


class NoticeKind(StrEnum):
    """What an exchange reports; each is a path under /v1."""

    WIN = "win"
    BILLING = "billing"
    LOSS = "loss"


class BidTicket(msgspec.Struct, frozen=True, array_like=True):
    """What a token holds: whose bid it was, for how much, in both currencies, and until when it is believed.

    `charged_by_win`: its exchange sends no billing notice. Fields are only ever added at the end: a key outlives a
    release.
    """

    bid_id: str
    campaign_id: str
    offer_id: str
    house_micros: int
    price_micros: int
    test: bool
    expires_s: int
    house_currency: str = ""
    charged_by_win: bool = False


class Tickets:
    """Signs and reads tokens with one key."""

    def __init__(self, key: bytes, base_url: str) -> None:
        """`base_url` is where exchanges reach this bidder, without a slash at its end."""
        self._key = key
        self._base = base_url
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(BidTicket)

    def token(self, ticket: BidTicket) -> str:
        """The ticket, signed, in characters that an address may hold."""
        body = self._encoder.encode(ticket)
        return urlsafe_b64encode(self._mac(body) + body).rstrip(b"=").decode()

    def read(self, token: str) -> BidTicket | None:
        """The ticket of a token, however old; None where it was not signed by this key."""
        try:
            data = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (Error, ValueError):
            return None
        if not hmac.compare_digest(data[:_MAC_BYTES], self._mac(data[_MAC_BYTES:])):
            return None
        try:
            return self._decoder.decode(data[_MAC_BYTES:])
        except msgspec.MsgspecError:
            return None

    def address(self, kind: NoticeKind, token: str) -> str:
        """Where a notice is sent, with the macros that the exchange fills in."""
        tail = "&l=${AUCTION_LOSS}" if kind is NoticeKind.LOSS else "&p=${AUCTION_PRICE}"
        return f"{self._base}/v1/{kind}?t={token}{tail}"

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, sha256)[:_MAC_BYTES]


def cleared_house_micros(ticket: BidTicket, price: str) -> int:
    """The clearing price in house CPM micros; the bid itself where the exchange told none, or more than was bid."""
    try:
        cleared = float(price) * _MICROS
    except ValueError:
        return ticket.house_micros
    if not isfinite(cleared) or not 0 <= cleared < ticket.price_micros:
        return ticket.house_micros
    return round(ticket.house_micros * cleared / ticket.price_micros)
