"""Signed tokens of bids, the addresses in which they go out, and what a notice that comes back means.

Must not count: it only tells a true token from a false one, and what it says.
"""

import hmac
from base64 import urlsafe_b64decode
from binascii import Error, b2a_base64
from enum import StrEnum
from hashlib import blake2b
from math import isfinite
from typing import Final, final

import msgspec

from hotpath.auction.ticket import BidTicket

_MAC_BYTES: Final = 16
_MICROS: Final = 1_000_000
_TO_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


class NoticeKind(StrEnum):
    """What an exchange reports; each is a path under /v1."""

    WIN = "win"
    BILLING = "billing"
    LOSS = "loss"


@final
class Addresses:
    """Where each notice of one bid is sent, with the macros that the exchange fills in."""

    __slots__ = ("billing", "loss", "win")

    def __init__(self, win: str, billing: str, loss: str) -> None:
        """Hold these."""
        self.win = win
        self.billing = billing
        self.loss = loss


class Tickets:
    """Signs and reads tokens with one key.

    By BLAKE2b with a key (RFC 7693), which is a MAC by itself: HMAC over SHA-256 takes six times as long.
    """

    def __init__(self, key: bytes, base_url: str) -> None:
        """`base_url` is where exchanges reach this bidder, without a slash at its end; `key` has at most 64 bytes."""
        self._keyed = blake2b(key=key, digest_size=_MAC_BYTES)
        self._before = Addresses(*[f"{base_url}/v1/{kind}?t=" for kind in ("win", "billing", "loss")])
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(BidTicket)

    def token(self, ticket: BidTicket) -> str:
        """The ticket, signed, in characters that an address may hold."""
        body = self._encoder.encode(ticket)
        text = b2a_base64(self._mac(body) + body, newline=False)
        return text.translate(_TO_URL_SAFE).rstrip(b"=").decode("ascii")

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

    def addresses(self, token: str) -> Addresses:
        """Where the notices of a bid with this token are sent."""
        before = self._before
        return Addresses(
            f"{before.win}{token}&p=${{AUCTION_PRICE}}",
            f"{before.billing}{token}&p=${{AUCTION_PRICE}}",
            f"{before.loss}{token}&l=${{AUCTION_LOSS}}",
        )

    def _mac(self, body: bytes) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(body)
        return keyed.digest()


def cleared_house_micros(ticket: BidTicket, price: str) -> int:
    """The clearing price in house CPM micros; the bid itself where the exchange told none, or more than was bid."""
    try:
        cleared = float(price) * _MICROS
    except ValueError:
        return ticket.house_micros
    if not isfinite(cleared) or not 0 <= cleared < ticket.price_micros:
        return ticket.house_micros
    return round(ticket.house_micros * cleared / ticket.price_micros)
