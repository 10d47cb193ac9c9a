"""Each choice of docs/openrtb.md, from a request's bytes to the answer's: what is bid, for how much, or why not.

One campaign, one impression of a banner in the campaign's size, one attribute changed; `ask` says what changes.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from domain.bid_caps import CapLedger
from domain.bid_people import Loyalty, Profile
from domain.bid_snapshot import Campaign, Creative, CreativeKind, Offer, Seller, Targeting
from hotpath.auction.bidder import Bidder, BidderSettings
from hotpath.auction.notices import Tickets
from hotpath.engine.engine import Engine, EngineSettings
from hotpath.inference.numpy_provider import NumpyProvider
from tests.integration.bid_server import ListSink
from tests.unit.hotpath.auction.test_consents import core
from tests.unit.hotpath.test_engine import NOON_S, campaign, snapshot

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "openrtb.md"
KNOWN, SEGMENT, VENDOR = "known", 7, 9
ADS_TXT = {"news.example": (Seller("ssp.example", "1"), Seller("exchange.example", "2"))}
BANNER: dict[str, Any] = {"w": 300, "h": 250}
VIDEO: dict[str, Any] = {"mimes": ["video/mp4"], "w": 640, "h": 360}


class Memory:
    """Knows one user."""

    def at_once(self, user_key: str) -> Profile | None:
        return Profile(segments=(SEGMENT,), loyalty=Loyalty(tier="gold")) if user_key == KNOWN else None

    def soon(self, user_key: str, wait_s: float, known: Callable[[Profile], None]) -> None:
        raise AssertionError("the tests ask at once")


@dataclass
class Asked:
    """What came of one request: its bids, and the reasons of those impressions that got none."""

    response: dict[str, Any]
    refusals: Mapping[str, int]
    engine: Engine

    @property
    def bid(self) -> dict[str, Any]:
        assert self.refusals == {}
        ((bid,),) = [seat["bid"] for seat in self.response["seatbid"]]
        made: dict[str, Any] = bid
        return made

    @property
    def result(self) -> str:
        """`bid`, or the one reason."""
        if self.response.get("seatbid"):
            return "bid"
        assert "nbr" not in self.response, self.response
        ((reason, count),) = self.refusals.items()
        assert count == 1
        return reason


@dataclass
class Case:
    """`row` is a row of the document's table."""

    row: str
    expected: str
    request: dict[str, Any] = field(default_factory=dict)
    imp: dict[str, Any] = field(default_factory=dict)
    campaign: dict[str, Any] = field(default_factory=dict)
    creative: dict[str, Any] = field(default_factory=dict)


def made_campaign(fields: dict[str, Any], creative: dict[str, Any]) -> Campaign:
    made: Campaign = campaign(**fields)
    if not creative:
        return made
    base = made.offers[0].creatives[0]
    changed: Creative = msgspec.structs.replace(base, **creative)
    return msgspec.structs.replace(made, offers=(Offer(offer_id="k-o", creatives=(changed,)),))


def ask(case: Case) -> Asked:
    held = snapshot(made_campaign(case.campaign, case.creative), ads_txt=ADS_TXT)
    engine = Engine(
        held, NumpyProvider(held.model), NOON_S, token_prefix="t", caps=CapLedger(), settings=EngineSettings()
    )
    bidder = Bidder(
        engine, Tickets(b"k" * 32, "http://bid.example"), profiles=Memory(), sink=ListSink(), clock=lambda: NOON_S,
        settings=BidderSettings(vendor_id=VENDOR),
    )  # fmt: skip
    imp = {"id": "1", "banner": BANNER, **case.imp}
    body = {"id": "r", "imp": [{name: value for name, value in imp.items() if value is not None}], **case.request}
    answer = bidder.answer(json.dumps(body).encode())
    assert bidder.counts.answers["technical"] == 0
    return Asked(json.loads(answer or b"{}"), dict(bidder.counts.refusals), engine)


def pmp(*deals: dict[str, Any], private: int = 1) -> dict[str, Any]:
    return {"pmp": {"private_auction": private, "deals": [{"id": "d", **deal} for deal in deals]}}


def video(**fields: Any) -> dict[str, Any]:
    return {"banner": None, "video": {**VIDEO, **fields}}


def native(**asset: Any) -> dict[str, Any]:
    return {"banner": None, "native": {"request": json.dumps({"assets": [{"id": 1, **asset}]})}}


def schain(complete: int, *sellers: tuple[str, str]) -> dict[str, Any]:
    nodes = [{"asi": system, "sid": account, "hp": 1} for system, account in sellers]
    return {
        "source": {"schain": {"complete": complete, "ver": "1.0", "nodes": nodes}}, "site": {"domain": "news.example"},
    }  # fmt: skip


NATIVE_VIDEO = {"mimes": ["video/mp4"], "minduration": 5, "maxduration": 30, "protocols": [2]}
SPOT = {"kind": CreativeKind.VIDEO, "width": 0, "height": 0, "duration_s": 30}
STILL = {"kind": CreativeKind.NATIVE, "width": 0, "height": 0}
SHOES = {"categories": ("IAB18-2",)}
TAXONOMY_2 = {"categories": ("53",), "category_taxonomy": 2}
BRAND = {"domains": ("shop.brand.example",), "bundle": "com.brand"}
ANY_DEAL = {"targeting": Targeting(any_deal=True)}
OTHER_DEAL = {"targeting": Targeting(deals=("other",))}
THIS_DEAL = {"targeting": Targeting(deals=("d",))}
WHOLE = {"targeting": Targeting(whole_chain=True)}
AUTHORISED = {"targeting": Targeting(authorised_sellers=True)}
SPORT = {"targeting": Targeting(categories=("IAB17",))}
NO_SPORT = {"targeting": Targeting(excluded_categories=("IAB17",))}

BLOCKS, DOMAINS, SEATS, LANGUAGES = (
    "`bcat`, `acat`, `cattax`", "`badv`, `bapp`, `wadomain`", "`wseat`, `bseat`, `deal.wseat`", "`wlang`, `wlangb`",
)  # fmt: skip
FLOORS, LENGTH_FLOORS, KINDS = "`bidfloor`, `bidfloorcur`", "`durfloors`, `mincpmpersec`", "`at`, `deal.at`"
SIZES, ABILITIES = "banner `format`, `w`/`h`, `wratio`/`hratio`/`wmin`", "`battr`, `mimes`, `api`"
PROTOCOLS = "video and audio `protocols`"
LENGTHS = "`minduration`, `maxduration`, `rqddurs`, `maxextended`, `poddur`"
ABOUT = "`site.cat` and the like"
UNDECIDED = (
    "`instl`, `rwdd`, `exp`, `placement`, `plcmt`, `playbackmethod`, `skip`, `delivery`, `pos` of video, bitrates, "
    "`companionad`, `metric`, `content`, `user.data`, `user.eids`, `keywords`"
)

CASES = [
    Case(BLOCKS, "bid", {"bcat": ["IAB17"]}, campaign=SHOES),
    Case(BLOCKS, "blocked", {"bcat": ["IAB18"]}, campaign=SHOES),
    Case(BLOCKS, "blocked", {"bcat": ["IAB18-2"]}, campaign=SHOES),
    Case(BLOCKS, "bid", {"bcat": ["IAB18-3"]}, campaign=SHOES),
    Case(BLOCKS, "blocked", {"bcat": ["1"], "cattax": 2}, campaign=SHOES),
    Case(BLOCKS, "blocked", {"bcat": ["53"], "cattax": 2}, campaign=TAXONOMY_2),
    Case(BLOCKS, "bid", {"bcat": ["54"], "cattax": 2}, campaign=TAXONOMY_2),
    Case(BLOCKS, "bid", {"bcat": ["IAB18"]}),
    Case(BLOCKS, "bid", {"acat": ["IAB18"]}, campaign=SHOES),
    Case(BLOCKS, "blocked", {"acat": ["IAB17"]}, campaign=SHOES),
    Case(BLOCKS, "blocked", {"acat": ["IAB18"]}, campaign={"categories": ("IAB18-2", "IAB1")}),
    Case(BLOCKS, "blocked", {"acat": ["IAB18"]}),
    Case(BLOCKS, "blocked", {"acat": ["IAB18"], "cattax": 2}, campaign=SHOES),
    Case(DOMAINS, "blocked", {"badv": ["brand.example"]}, campaign=BRAND),
    Case(DOMAINS, "blocked", {"badv": ["shop.brand.example"]}, campaign=BRAND),
    Case(DOMAINS, "bid", {"badv": ["a.shop.brand.example", "rand.example"]}, campaign=BRAND),
    Case(DOMAINS, "blocked", {"bapp": ["com.brand"]}, campaign=BRAND),
    Case(DOMAINS, "bid", {"bapp": ["com.brands"]}, campaign=BRAND),
    Case(DOMAINS, "bid", imp=pmp({"wadomain": ["brand.example"]}), campaign={**BRAND, **ANY_DEAL}),
    Case(DOMAINS, "private_auction", imp=pmp({"wadomain": ["else.example"]}), campaign={**BRAND, **ANY_DEAL}),
    Case(SEATS, "bid", {"wseat": ["s2", "s1"]}),
    Case(SEATS, "seat", {"wseat": ["s2"]}),
    Case(SEATS, "seat", {"bseat": ["s1"]}),
    Case(SEATS, "bid", imp=pmp({"wseat": ["s1"]}), campaign=ANY_DEAL),
    Case(SEATS, "private_auction", imp=pmp({"wseat": ["s2"]}), campaign=ANY_DEAL),
    Case(LANGUAGES, "bid", {"wlang": ["de", "en"]}, creative={"language": "en"}),
    Case(LANGUAGES, "blocked", {"wlang": ["de"]}, creative={"language": "en"}),
    Case(LANGUAGES, "bid", {"wlangb": ["en"]}, creative={"language": "en-GB"}),
    Case(LANGUAGES, "blocked", {"wlangb": ["en-US"]}, creative={"language": "en-GB"}),
    Case(LANGUAGES, "bid", {"wlang": ["de"]}),
    Case("`cur`", "bid", {"cur": ["GBP", "EUR"]}),
    Case("`cur`", "currency", {"cur": ["GBP"]}),
    Case(FLOORS, "bid", imp={"bidfloor": 2.0}),
    Case(FLOORS, "floor", imp={"bidfloor": 2.000001}),
    Case(FLOORS, "bid", imp={"bidfloor": 1.6, "bidfloorcur": "EUR"}),
    Case(FLOORS, "floor", imp={"bidfloor": 1.600001, "bidfloorcur": "EUR"}),
    Case(FLOORS, "bid", {"cur": ["EUR"]}, {**pmp({"bidfloor": 1.9}), "bidfloorcur": "EUR"}, ANY_DEAL),
    Case(LENGTH_FLOORS, "bid", imp=video(mincpmpersec=0.05), creative=SPOT),
    Case(LENGTH_FLOORS, "floor", imp=video(mincpmpersec=0.07), creative=SPOT),
    Case(LENGTH_FLOORS, "floor", imp=video(durfloors=[{"mindur": 20, "bidfloor": 2.1}]), creative=SPOT),
    Case(LENGTH_FLOORS, "bid", imp=video(durfloors=[{"mindur": 31, "bidfloor": 2.1}]), creative=SPOT),
    Case(
        LENGTH_FLOORS,
        "floor",
        imp=video(durfloors=[{"mindur": 0, "maxdur": 30, "bidfloor": 1}, {"mindur": 30, "maxdur": 60, "bidfloor": 3}]),
        creative=SPOT,
    ),
    Case(KINDS, "bid", {"at": 1}),
    Case("`pmp`", "bid", imp=pmp({}), campaign=THIS_DEAL),
    Case("`pmp`", "private_auction", imp=pmp({}), campaign=OTHER_DEAL),
    Case("`pmp`", "private_auction", imp=pmp({}), campaign={}),
    Case("`pmp`", "bid", imp=pmp({}, private=0), campaign={}),
    Case("`pmp`", "targeting", imp=pmp({}, private=0), campaign=OTHER_DEAL),
    Case(SIZES, "bid", imp={"banner": {"format": [{"w": 728, "h": 90}, {"w": 300, "h": 250}], "w": 1, "h": 1}}),
    Case(SIZES, "format", imp={"banner": {"w": 728, "h": 90}}),
    Case(SIZES, "bid", imp={"banner": {}}),
    Case(SIZES, "bid", imp={"banner": {"format": [{"wratio": 6, "hratio": 5, "wmin": 300}]}}),
    Case(SIZES, "format", imp={"banner": {"format": [{"wratio": 6, "hratio": 5, "wmin": 301}]}}),
    Case(SIZES, "format", imp={"banner": {"format": [{"wratio": 5, "hratio": 6}]}}),
    Case("`btype`", "format", imp={"banner": {**BANNER, "btype": [2]}}),
    Case("`btype`", "bid", imp={"banner": {**BANNER, "btype": [1, 3, 4]}}),
    Case("`btype`", "format", imp={"banner": {**BANNER, "btype": [4]}}, creative={"markup": "<p>", "banner_type": 4}),
    Case("`btype`", "bid", imp={"banner": {**BANNER, "btype": [2]}}, creative={"markup": "<p>"}),
    Case(ABILITIES, "format", imp={"banner": {**BANNER, "battr": [3]}}, creative={"attributes": (3, 4)}),
    Case(ABILITIES, "bid", imp={"banner": {**BANNER, "battr": [1]}}, creative={"attributes": (3, 4)}),
    Case(ABILITIES, "format", imp={"banner": {**BANNER, "mimes": ["image/gif"]}}, creative={"mime": "image/png"}),
    Case(ABILITIES, "bid", imp={"banner": {**BANNER, "mimes": ["image/png"]}}, creative={"mime": "image/png"}),
    Case(ABILITIES, "format", creative={"apis": (5,)}),
    Case(ABILITIES, "format", imp={"banner": {**BANNER, "api": [5]}}, creative={"apis": (5, 7)}),
    Case(ABILITIES, "bid", imp={"banner": {**BANNER, "api": [5, 7]}}, creative={"apis": (5, 7)}),
    Case(PROTOCOLS, "bid", imp=video(protocols=[2]), creative=SPOT),
    Case(PROTOCOLS, "format", imp=video(protocols=[1, 5]), creative=SPOT),
    Case(PROTOCOLS, "bid", imp=video(), creative=SPOT),
    Case(PROTOCOLS, "bid", imp=video(protocols=[5]), creative={**SPOT, "markup": "<V/>", "protocols": (5,)}),
    Case(PROTOCOLS, "format", imp=video(protocols=[2]), creative={**SPOT, "markup": "<V/>", "protocols": (5,)}),
    Case(LENGTHS, "bid", imp=video(minduration=30, maxduration=30), creative=SPOT),
    Case(LENGTHS, "format", imp=video(minduration=31), creative=SPOT),
    Case(LENGTHS, "format", imp=video(maxduration=29), creative=SPOT),
    Case(LENGTHS, "bid", imp=video(maxduration=20, maxextended=10), creative=SPOT),
    Case(LENGTHS, "format", imp=video(maxduration=20, maxextended=9), creative=SPOT),
    Case(LENGTHS, "bid", imp=video(maxduration=20, maxextended=-1), creative=SPOT),
    Case(LENGTHS, "bid", imp=video(rqddurs=[15, 30]), creative=SPOT),
    Case(LENGTHS, "format", imp=video(rqddurs=[15, 60]), creative=SPOT),
    Case(LENGTHS, "format", imp=video(poddur=20), creative=SPOT),
    Case("`linearity`", "bid", imp=video(linearity=1), creative=SPOT),
    Case("`linearity`", "format", imp=video(linearity=2), creative=SPOT),
    Case("`linearity`", "format", imp=video(linearity=1), creative={**SPOT, "linear": False, "markup": "<V/>"}),
    Case("`linearity`", "bid", imp=video(linearity=2), creative={**SPOT, "linear": False, "markup": "<V/>"}),
    Case("native", "bid", imp=native(title={"len": 2}), creative=STILL),
    Case("native", "bid", imp=native(video=NATIVE_VIDEO), creative=STILL),
    Case("native", "format", imp=native(video={"mimes": ["video/mp4"]}), creative=STILL),
    Case("native", "format", imp=native(required=1, video=NATIVE_VIDEO), creative=STILL),
    Case("`secure`", "bid", imp={"secure": 1}),
    Case("`secure`", "bid", imp={"secure": 0}, creative={"secure": False, "url": "http://a.test/c"}),
    Case("`secure`", "format", imp={"secure": 1}, creative={"secure": False, "url": "http://a.test/c"}),
    Case("`qty`", "bid", imp={"qty": {"multiplier": 14.2}}),
    Case("`schain`", "bid", schain(0, ("ssp.example", "9"))),
    Case("`schain`", "supply", schain(0, ("ssp.example", "1")), campaign=WHOLE),
    Case("`schain`", "bid", schain(1, ("ssp.example", "9")), campaign=WHOLE),
    Case("`schain`", "supply", {}, campaign=WHOLE),
    Case("`schain`", "bid", schain(1, ("SSP.example", "1"), ("exchange.example", "2")), campaign=AUTHORISED),
    Case("`schain`", "supply", schain(0, ("ssp.example", "1"), ("exchange.example", "2")), campaign=AUTHORISED),
    Case("`schain`", "supply", schain(1, ("ssp.example", "1"), ("exchange.example", "3")), campaign=AUTHORISED),
    Case("`schain`", "supply", {"site": {"domain": "news.example"}}, campaign=AUTHORISED),
    Case(
        "`schain`", "supply", {**schain(1, ("ssp.example", "1")), "site": {"domain": "else.example"}},
        campaign=AUTHORISED,
    ),
    Case(
        "`schain`", "bid",
        {**schain(1, ("ssp.example", "1")), "site": {"domain": "a", "inventorypartnerdomain": "news.example"}},
        campaign=AUTHORISED,
    ),
    Case("`test`", "bid", {"test": 1}),
    Case("`tmax`", "bid", {"tmax": 10}),
    Case(ABOUT, "bid", {"site": {"sectioncat": ["IAB17-2"]}}, campaign=SPORT),
    Case(ABOUT, "targeting", {"site": {"cat": ["IAB1"]}}, campaign=SPORT),
    Case(ABOUT, "targeting", {"site": {"cat": ["IAB17"], "cattax": 2}}, campaign=SPORT),
    Case(ABOUT, "targeting", {"app": {"pagecat": ["IAB17-2"]}}, campaign=NO_SPORT),
    Case(ABOUT, "targeting", {"app": {"cat": ["1"], "cattax": 2}}, campaign=NO_SPORT),
    Case(ABOUT, "bid", {"app": {"cat": ["IAB1"]}}, campaign=NO_SPORT),
    Case(
        UNDECIDED, "bid",
        {"site": {"keywords": "a,b", "content": {"title": "t", "len": 9}},
         "user": {"id": "u", "keywords": "k", "data": [{"id": "1", "segment": [{"id": "7"}]}],
                  "eids": [{"source": "s", "uids": [{"id": "x"}]}]}},
        {**video(placement=1, plcmt=2, playbackmethod=[1], skip=1, delivery=[1], pos=7, minbitrate=1, maxbitrate=2,
                 companionad=[{"w": 1, "h": 1}]),
         "instl": 1, "rwdd": 1, "exp": 5, "metric": [{"type": "viewability", "value": 0.1}]},
        creative=SPOT,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.row}-{case.expected}")
def test_a_choice(case: Case) -> None:
    assert ask(case).result == case.expected


def test_every_row_of_the_document_has_its_cases() -> None:
    text = DOCUMENT.read_text("utf-8").partition("## What a request may ask, and what is done")[2]
    rows = re.findall(r"^\| (.+?) \| .* \|$", text.partition("\n## ")[0], re.MULTILINE)
    assert rows[0] == "attribute"
    assert set(rows[1:]) == {case.row for case in CASES}


# --- what the answers say ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_fields", "imp", "price"),
    [
        ({"at": 2}, {}, 2.0),
        ({}, {}, 2.0),
        # Four who bid: three quarters of the value where nothing is asked.
        ({"at": 1}, {}, 1.5),
        ({"at": 500}, {}, 1.5),
        ({"at": 1}, {"bidfloor": 2.0}, 2.0),
        ({"at": 1}, pmp({"at": 2}), 2.0),
        ({"at": 2}, pmp({"at": 1}), 1.5),
        ({"at": 1}, pmp({"at": 3, "bidfloor": 1.2}), 1.2),
        ({"at": 2, "cur": ["EUR"]}, {}, 1.6),
        ({"at": 2, "cur": ["EUR", "USD"]}, {}, 2.0),
    ],
)
def test_what_is_bid(request_fields: dict[str, Any], imp: dict[str, Any], price: float) -> None:
    deal = {"targeting": Targeting(any_deal=True)}
    assert ask(Case("", "", request_fields, imp, deal)).bid["price"] == price


def test_impressions_in_several_currencies_have_one_in_the_answer() -> None:
    """Floors may be in any; the response says one currency, and every price in it is of that one."""
    case = Case("", "", {"cur": ["EUR"]})
    imps = [
        {"id": "1", "banner": BANNER, "bidfloor": 1.5, "bidfloorcur": "EUR"},
        {"id": "2", "banner": BANNER, "bidfloor": 2.0, "bidfloorcur": "USD"},
        {"id": "3", "banner": BANNER, "bidfloor": 1.9, "bidfloorcur": "EUR"},
        {"id": "4", "banner": BANNER, "bidfloor": 1.0, "bidfloorcur": "GBP"},
    ]
    case.request["imp"] = imps
    asked = ask(case)
    assert asked.response["cur"] == "EUR"
    assert [(bid["impid"], bid["price"]) for seat in asked.response["seatbid"] for bid in seat["bid"]] == [
        ("1", 1.6), ("2", 1.6),
    ]  # fmt: skip
    assert asked.refusals == {"floor": 1, "currency": 1}


def test_a_deal_is_named_and_goes_before_the_open_auction() -> None:
    imp = {"bidfloor": 0.5, **pmp({"bidfloor": 1.0}, private=0)}
    assert ask(Case("", "", {}, imp, ANY_DEAL)).bid["dealid"] == "d"
    assert "dealid" not in ask(Case("", "", {}, imp)).bid


def test_the_version_of_vast_is_the_one_asked_for() -> None:
    for protocols, version in (([2], "2.0"), ([3], "3.0"), ([7], "4.0"), ([11], "4.1"), ([13], "4.2"), ([], "4.0")):
        bid = ask(Case("", "", {}, video(protocols=protocols), creative=SPOT)).bid
        assert bid["adm"].startswith(f'<VAST version="{version}">')


def test_one_impression_of_several_formats_gets_one_bid() -> None:
    several = {"banner": BANNER, "video": VIDEO, "native": {"request": '{"assets":[{"id":1,"title":{"len":9}}]}'}}
    for creative, mtype in (({}, 1), (SPOT, 2), (STILL, 4)):
        assert ask(Case("", "", {}, several, creative=creative)).bid["mtype"] == mtype


def test_a_native_title_is_cut_and_an_image_is_the_creatives() -> None:
    bid = ask(Case("", "", {}, native(title={"len": 2}), creative=STILL)).bid
    assert json.loads(bid["adm"])["assets"] == [{"id": 1, "title": {"text": "k-"}}]
    bid = ask(Case("", "", {}, native(img={"type": 3, "wmin": 90}), creative=STILL)).bid
    assert json.loads(bid["adm"])["assets"][0]["img"]["url"] == "https://a.test/c"


def test_a_screen_that_many_see_sets_aside_what_many_cost() -> None:
    assert ask(Case("", "")).engine.budgets.standing("k")[1] == 2_000
    assert ask(Case("", "", {}, {"qty": {"multiplier": 14.2}})).engine.budgets.standing("k")[1] == 28_400


@pytest.mark.parametrize("flag", [1, 2])
def test_a_test_sets_nothing_aside(flag: int) -> None:
    asked = ask(Case("", "", {"test": flag}))
    assert asked.bid["price"] == 2.0
    assert asked.engine.budgets.standing("k") == (0, 0, 1.0)


def test_too_little_time_is_a_reason() -> None:
    assert ask(Case("", "", {"tmax": 9})).response == {"id": "r", "nbr": 15}


# --- what may be used of a person -------------------------------------------------------------------------------------

AGREED, NOT_AGREED = core(vendors="0000000010"), core(vendors="0000000001")
CONTEXTUAL: list[dict[str, Any]] = [
    {"regs": {"coppa": 1}},
    {"regs": {"ext": {"gpc": "1"}}},
    {"regs": {"gdpr": 1}},
    {"regs": {"gdpr": 7}},
    {"regs": {"ext": {"gdpr": 1}}},
    {"regs": {"gdpr": 1}, "user": {"id": KNOWN, "consent": NOT_AGREED}},
    {"regs": {"gdpr": 1}, "user": {"id": KNOWN, "consent": "nonsense"}},
    {"regs": {"gpp_sid": [2], "gpp": "nonsense"}},
    {"regs": {"us_privacy": "1YYN"}},
    {"regs": {"ext": {"us_privacy": "1YYN"}}},
    {"regs": {"gpp_sid": [7], "gpp": "DBABLA~BVQqAAAAAgA"}},
    {"regs": {"coppa": 1}, "user": {"id": KNOWN, "consent": AGREED}},
    {"device": {"dnt": 1}},
    {"device": {"lmt": 1}},
    {"user": {}, "device": {"ifa": "00000000-0000-0000-0000-000000000000"}},
]  # fmt: skip
PERSONAL: list[dict[str, Any]] = [
    {},
    {"regs": {"gdpr": 0}},
    {"regs": {"us_privacy": "1YNN"}},
    {"regs": {"gdpr": 1}, "user": {"id": KNOWN, "consent": AGREED}},
    {"regs": {"ext": {"gdpr": 1}}, "user": {"id": KNOWN, "ext": {"consent": AGREED}}},
    {"user": {}, "device": {"ifa": KNOWN}},
    {"user": {"id": "else", "buyeruid": KNOWN}},
]
#: What each of the three looks at: who they are, how loyal they are, how often they saw it.
OF_PERSONS = {
    "targeting": {"targeting": Targeting(segments=(SEGMENT,))},
    "score": {"least_score": 0.6},
    "consent": {"daily_cap": 3},
}


@pytest.mark.parametrize("reason", OF_PERSONS)
@pytest.mark.parametrize("fields", CONTEXTUAL, ids=json.dumps)
def test_without_consent_only_the_page_counts(fields: dict[str, Any], reason: str) -> None:
    known = {"user": {"id": KNOWN}, **fields}
    assert ask(Case("", "", known, campaign=OF_PERSONS[reason])).result == reason
    assert ask(Case("", "", known)).result == "bid"


@pytest.mark.parametrize("reason", OF_PERSONS)
@pytest.mark.parametrize("fields", PERSONAL, ids=json.dumps)
def test_with_consent_the_person_counts(fields: dict[str, Any], reason: str) -> None:
    known = {"user": {"id": KNOWN}, **fields}
    assert ask(Case("", "", known, campaign=OF_PERSONS[reason])).result == "bid"
