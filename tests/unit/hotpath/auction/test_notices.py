"""Tokens of notices: what was signed comes back, what was not is nothing, and what a cleared price is worth."""

from base64 import urlsafe_b64decode
from hashlib import blake2b

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotpath.auction.notices import Tickets, cleared_house_micros
from hotpath.auction.ticket import BidTicket

TICKETS = Tickets(b"k" * 32, "http://bid.example")
TICKET = BidTicket("t-1", "k", "o", 2_500_000, 2_000_000, False, 1_000)


def test_what_was_signed_comes_back() -> None:
    token = TICKETS.token(TICKET)
    assert token.replace("-", "").replace("_", "").isalnum()
    assert TICKETS.read(token) == TICKET


def test_another_key_reads_nothing() -> None:
    assert Tickets(b"x" * 32, "http://bid.example").read(TICKETS.token(TICKET)) is None


def test_every_altered_character_is_seen() -> None:
    token = TICKETS.token(TICKET)
    for at in range(len(token) - 1):
        other = "A" if token[at] != "A" else "B"
        assert TICKETS.read(token[:at] + other + token[at + 1 :]) is None
        assert TICKETS.read(token[:at]) is None


@given(st.text())
def test_any_text_is_no_token(text: str) -> None:
    assert TICKETS.read(text) is None


def test_an_address_holds_what_the_exchange_fills_in() -> None:
    told = TICKETS.addresses("abc")
    win, billing, loss = told.win, told.billing, told.loss
    assert win == "http://bid.example/v1/win?t=abc&p=${AUCTION_PRICE}"
    assert billing == "http://bid.example/v1/billing?t=abc&p=${AUCTION_PRICE}"
    assert loss == "http://bid.example/v1/loss?t=abc&l=${AUCTION_LOSS}"


def test_a_token_is_signed_by_keyed_blake2b_over_its_body() -> None:
    """Known by another way to the same MAC: a token stays good when the code that signs it changes."""
    data = urlsafe_b64decode(TICKETS.token(TICKET) + "==")
    assert data[:16] == blake2b(data[16:], key=b"k" * 32, digest_size=16).digest()
    assert msgspec.msgpack.decode(data[16:]) == ["t-1", "k", "o", 2_500_000, 2_000_000, False, 1_000, "", False]


@pytest.mark.parametrize(
    ("price", "house_micros"),
    [
        ("1.0", 1_250_000),
        ("0", 0),
        ("2", 2_500_000),
        ("2.5", 2_500_000),
        ("-1", 2_500_000),
        ("", 2_500_000),
        ("${AUCTION_PRICE}", 2_500_000),
        ("nan", 2_500_000),
        ("inf", 2_500_000),
        ("1e-9", 0),
    ],
)
def test_a_cleared_price_is_believed_up_to_the_bid(price: str, house_micros: int) -> None:
    assert cleared_house_micros(TICKET, price) == house_micros
