"""A request as facts: what is taken from where, and what is left out because it means nothing."""

import json
from typing import Any

import pytest

from domain.bid_snapshot import CreativeKind
from hotpath.auction.facts import floor_micros, request_facts
from hotpath.engine.facts import DealFacts, DurationFloor, FormatFacts
from hotpath.engine.request_facts import ImpressionFacts, RequestFacts
from hotpath.openrtb.codec import decode_request
from hotpath.openrtb.requests import BidRequest

NATIVE = '{"assets":[{"id":1,"title":{"len":9}}]}'
CHAIN = {"complete": 1, "ver": "1.0", "nodes": [{"asi": "A.example", "sid": "1"}, {"asi": "b.example", "sid": "x2"}]}


def read(**changes: Any) -> BidRequest:
    body = {"id": "r", "imp": [{"id": "1", "banner": {}}], **changes}
    return decode_request(json.dumps(body).encode())


def facts(**changes: Any) -> RequestFacts:
    return request_facts(read(**changes), 0)


def impression(**changes: Any) -> ImpressionFacts:
    (one,) = facts(imp=[{"id": "1", **changes}]).impressions
    return one


def only_format(**changes: Any) -> FormatFacts:
    (one,) = impression(**changes).formats
    return one


def video(**changes: Any) -> FormatFacts:
    return only_format(video={"mimes": ["video/mp4"], **changes})


def values(found: RequestFacts | ImpressionFacts) -> dict[str, object]:
    return {name: getattr(found, name) for name in found.__slots__}


def test_a_least_request_asks_for_nothing() -> None:
    banner = ImpressionFacts("1", (FormatFacts(CreativeKind.BANNER),))
    found = facts()
    (impression,) = found.impressions
    assert values(impression) == values(banner)
    assert values(found) == values(RequestFacts(request_id="r", impressions=(impression,)))


def test_what_a_request_allows_and_blocks() -> None:
    found = facts(
        cur=["eur", "USD"], bseat=["s2"], bcat=["IAB1"], cattax=2, badv=["a.com"], bapp=["com.x"], wlang=["en"], test=1,
    )  # fmt: skip
    assert (found.currencies, found.blocked_seats, found.blocked_categories) == (("EUR", "USD"), ("s2",), ("IAB1",))
    assert (found.category_taxonomy, found.blocked_domains, found.blocked_bundles) == (2, ("a.com",), ("com.x",))
    assert (found.languages, found.test) == (("en",), True)
    other = facts(wseat=["s1"], acat=["IAB2"], wlangb=["en-US"])
    assert (other.seats, other.allowed_categories, other.languages) == (("s1",), ("IAB2",), ("en-US",))


@pytest.mark.parametrize(("at", "first"), [(1, True), (2, False), (0, True), (3, True), (500, True)])
def test_an_auction_is_of_the_second_price_only_where_it_says_so(at: int, first: bool) -> None:
    assert facts(at=at).first_price is first


@pytest.mark.parametrize(
    ("place", "domain", "seller"),
    [
        ({"site": {"domain": "News.example."}}, "news.example", "news.example"),
        ({"site": {"domain": "www.n.example"}}, "www.n.example", "n.example"),
        ({"site": {"page": "https://www.n.example:8443/a?b"}}, "www.n.example", "n.example"),
        ({"site": {"page": "https://[broken/"}}, "", ""),
        ({"site": {}}, "", ""),
        ({"app": {"domain": "dev.example"}}, "dev.example", "dev.example"),
        ({"app": {"domain": "dev.example", "inventorypartnerdomain": "Owner.example"}}, "dev.example", "owner.example"),
        ({"dooh": {"domain": "screens.example"}}, "screens.example", "screens.example"),
        ({}, "", ""),
    ],
)
def test_whose_page_it_is(place: dict[str, Any], domain: str, seller: str) -> None:
    found = facts(**place)
    assert (found.page_domain, found.seller_domain) == (domain, seller)


def test_what_a_page_is_about_counts_with_what_it_stands_under() -> None:
    found = facts(site={"cat": ["IAB1-2", "IAB1"], "sectioncat": ["IAB3"], "pagecat": ["IAB3-1"], "cattax": 7})
    assert found.page_categories == ("IAB1-2", "IAB1", "IAB3", "IAB3-1")
    assert found.page_taxonomy == 7


@pytest.mark.parametrize("source", [{"schain": CHAIN}, {"ext": {"schain": CHAIN}}])
def test_the_supply_chain_stands_in_either_place(source: dict[str, Any]) -> None:
    found = facts(source=source)
    assert found.sellers == (("a.example", "1"), ("b.example", "x2"))
    assert found.whole_chain


@pytest.mark.parametrize(
    "source",
    [{}, {"ext": {}}, {"ext": {"schain": "x"}}, {"ext": {"schain": {"complete": 1}}}, {"schain": {**CHAIN, "complete": 0}}],
)  # fmt: skip
def test_a_chain_that_is_not_whole(source: dict[str, Any]) -> None:
    assert not facts(source=source).whole_chain


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"user": {"buyeruid": "b", "id": "i"}, "device": {"ifa": "f"}}, "b"),
        ({"user": {"id": "i"}, "device": {"ifa": "f"}}, "i"),
        ({"user": {}, "device": {"ifa": "f"}}, "f"),
        ({"device": {"ifa": "00000000-0000-0000-0000-000000000000"}}, ""),
        ({"user": {"id": "i"}, "device": {"dnt": 1}}, ""),
        ({"user": {"id": "i"}, "device": {"lmt": 1}}, ""),
        ({"device": {}}, ""),
        ({}, ""),
    ],
)
def test_by_what_a_user_is_known(changes: dict[str, Any], key: str) -> None:
    assert facts(**changes).user_key == key


def test_where_and_on_what() -> None:
    found = facts(device={"devicetype": 4, "geo": {"country": "deu"}})
    assert (found.country, found.device_type) == ("DEU", 4)


def test_floors_deals_and_security_of_an_impression() -> None:
    deals = [
        {"id": "d", "bidfloor": 2, "bidfloorcur": "eur", "wseat": ["s"], "wadomain": ["a.com"], "at": 3},
        {"id": "e"},
    ]
    found = impression(
        banner={"pos": 3}, bidfloor=0.1000001, bidfloorcur="", secure=1, pmp={"private_auction": 1, "deals": deals},
        qty={"multiplier": 14.2},
    )  # fmt: skip
    assert (found.floor_micros, found.floor_currency, found.secure, found.private_auction) == (
        100_001,
        "USD",
        True,
        True,
    )
    assert found.deals == (DealFacts("d", 2_000_000, "EUR", ("s",), ("a.com",), 3), DealFacts("e"))
    assert (found.position, found.multiplier) == (3, 14.2)


@pytest.mark.parametrize(
    ("floor", "micros"), [(0, 0), (-1, 0), (1.5, 1_500_000), (0.1 + 0.2, 300_000), (1e-7, 1), (float("inf"), 0)]
)
def test_a_floor_is_never_rounded_down(floor: float, micros: int) -> None:
    assert floor_micros(floor) == micros


@pytest.mark.parametrize("multiplier", [0, -2, "nan", "inf"])
def test_a_showing_that_counts_for_nothing_sensible_counts_once(multiplier: object) -> None:
    assert impression(banner={}, qty={"multiplier": multiplier}).multiplier == 1.0


def test_a_banners_sizes_ratios_and_what_it_cannot_show() -> None:
    found = only_format(
        banner={
            "format": [{"w": 300, "h": 250}, {"w": -1, "h": 50}, {"wratio": 16, "hratio": 9, "wmin": 320}],
            "w": 728, "h": 90, "mimes": ["image/png"], "battr": [1], "api": [5], "btype": [3],
        }
    )  # fmt: skip
    assert found == FormatFacts(
        CreativeKind.BANNER, ((300, 250),), ("image/png",), (1,), ratios=((16, 9, 320),), apis=(5,), blocked_types=(3,)
    )
    assert only_format(banner={"w": 728, "h": 90}).sizes == ((728, 90),)
    assert only_format(banner={"w": -728, "h": 90}).sizes == ()


def test_how_long_and_in_what_a_spot_may_be() -> None:
    found = video(minduration=5, maxduration=30, protocols=[2, 7], api=[7], battr=[13], linearity=1)
    assert found == FormatFacts(
        CreativeKind.VIDEO, (), ("video/mp4",), (13,), 5, 30, protocols=(2, 7), apis=(7,), linearity=1
    )
    audio = only_format(audio={"mimes": ["audio/mp4"], "maxduration": 15, "protocols": [9], "api": [7]})
    assert audio == FormatFacts(CreativeKind.AUDIO, (), ("audio/mp4",), (), 0, 15, protocols=(9,), apis=(7,))


@pytest.mark.parametrize(
    ("changes", "span"),
    [
        ({}, (0, 0)),
        ({"minduration": -5, "maxduration": -1}, (0, 0)),
        ({"maxduration": 30, "maxextended": 10}, (0, 40)),
        ({"maxduration": 30, "maxextended": -1}, (0, 0)),
        ({"maxextended": 10}, (0, 0)),
        ({"maxduration": 30, "poddur": 20}, (0, 20)),
        ({"maxduration": 30, "poddur": 90}, (0, 30)),
        ({"poddur": 90}, (0, 90)),
        ({"maxduration": 30, "maxextended": -1, "poddur": 60}, (0, 60)),
    ],
)
def test_the_longest_spot(changes: dict[str, Any], span: tuple[int, int]) -> None:
    found = video(**changes)
    assert (found.least_duration_s, found.most_duration_s) == span


def test_exact_durations_are_a_format_each() -> None:
    found = impression(video={"mimes": ["video/mp4"], "rqddurs": [15, 30, -1]}).formats
    assert [(one.least_duration_s, one.most_duration_s) for one in found] == [(15, 15), (30, 30)]


def test_floors_that_hang_on_the_length() -> None:
    ranges = [{"maxdur": 15, "bidfloor": 5}, {"mindur": 16, "bidfloor": 10}]
    found = impression(
        video={"mimes": ["video/mp4"], "durfloors": ranges, "mincpmpersec": 0.5},
        pmp={"deals": [{"id": "d", "durfloors": ranges[:1]}]},
    )
    first = DurationFloor(0, 15, 5_000_000)
    assert found.duration_floors == (
        first,
        DurationFloor(16, 0, 10_000_000),
        DurationFloor(0, 0, 500_000, per_second=True),
    )
    assert found.deals[0].duration_floors == (first,)


def test_each_medium_is_a_format_and_a_native_request_must_be_readable() -> None:
    media = {"banner": {}, "video": {"mimes": ["a"]}, "audio": {"mimes": ["b"]}, "native": {"request": NATIVE}}
    assert [one.kind for one in impression(**media).formats] == list(CreativeKind)
    found = impression(**{**media, "native": {"request": "{}"}})
    assert CreativeKind.NATIVE not in {one.kind for one in found.formats}
    film = {"mimes": ["video/mp4"], "minduration": 1, "maxduration": 9, "protocols": [2]}
    for required, formats in ((1, 0), (0, 1)):
        asked = json.dumps({"assets": [{"id": 1, "required": required, "video": film}]})
        assert len(impression(native={"request": asked, "battr": [3], "api": [7]}).formats) == formats
    assert only_format(native={"request": NATIVE, "battr": [3], "api": [7]}) == FormatFacts(
        CreativeKind.NATIVE, (), (), (3,), apis=(7,)
    )
