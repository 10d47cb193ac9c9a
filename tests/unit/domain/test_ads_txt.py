"""Who may sell, line by line."""

from hypothesis import given
from hypothesis import strategies as st

from domain.ads_txt import sellers_in
from domain.bid_snapshot import Seller

FILE = """\ufeff# made by hand
ownerdomain=news.example
SSP.Example, 1234 , DIRECT, f08c47fec0942fa0 # our own
exchange.example,ab-1,reseller;note
exchange.example,ab-1,RESELLER
contact=ads@news.example, x, DIRECT

nodomain, 1, DIRECT
https://full.example/path, 1, DIRECT
ssp.example, , DIRECT
ssp.example, 1
ssp.example, 1, BOTH
last.example\t,\t7,direct"""


def test_sellers_are_the_lines_of_the_form() -> None:
    assert sellers_in(FILE) == (
        Seller("ssp.example", "1234"),
        Seller("exchange.example", "ab-1"),
        Seller("last.example", "7"),
    )


@given(st.text())
def test_any_text_has_sellers_or_none(text: str) -> None:
    assert all(one.system and one.account for one in sellers_in(text))
