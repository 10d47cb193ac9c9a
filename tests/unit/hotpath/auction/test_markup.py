"""What goes into `adm`: escaped, of the right size, in the version that the impression takes."""

import json
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest

from domain.bid_snapshot import Campaign, Creative, CreativeKind, Offer
from hotpath.auction.markup import markup as marked
from hotpath.auction.markup import protocol, size
from hotpath.engine.entries import Entry
from hotpath.openrtb.impressions import Imp

ODD = "https://cdn.example/a?b=1&c=\"<x>'"


def entry(kind: CreativeKind, **fields: Any) -> Entry:
    creative = Creative(creative_id="c<1>", kind=kind, **{"url": ODD, **fields})
    offer = Offer(offer_id='Big & "new"', creatives=(creative,))
    campaign = Campaign(
        campaign_id="k", seat="s", offers=(offer,), bid_cpm_micros=1, daily_budget_micros=1, domains=("brand.example",)
    )
    return Entry(campaign, offer, creative)


def imp(**fields: Any) -> Imp:
    return msgspec.convert({"id": "1", **fields}, Imp)


def video(**fields: Any) -> Imp:
    return imp(video={"mimes": ["video/webm", "video/mp4"], "w": 640, "h": 360, **fields})


def markup(shown: Entry, asked: Imp, bid_id: str) -> str:
    return marked(shown, asked, bid_id, size(shown, asked))


@pytest.mark.parametrize("kind", CreativeKind)
def test_markup_of_its_own_is_sent_as_it_is(kind: CreativeKind) -> None:
    assert markup(entry(kind, markup="<own/>"), imp(), "b") == "<own/>"


def test_a_banner_is_a_linked_image_of_the_impressions_first_size() -> None:
    asked = imp(banner={"format": [{"w": 320, "h": 50}, {"w": 300, "h": 250}]})
    html = markup(entry(CreativeKind.BANNER), asked, "b").replace('alt="">', 'alt=""/>')
    link = ET.fromstring(html)
    (image,) = link
    assert link.get("href") == "https://brand.example/"
    assert (image.get("src"), image.get("width"), image.get("height")) == (ODD, "320", "50")


@pytest.mark.parametrize(
    ("shown", "asked", "found"),
    [
        (entry(CreativeKind.BANNER, width=300, height=250), imp(banner={"w": 728, "h": 90}), (300, 250)),
        (entry(CreativeKind.BANNER), imp(banner={"w": 728, "h": 90}), (728, 90)),
        (entry(CreativeKind.BANNER), imp(banner={}), (0, 0)),
        (entry(CreativeKind.VIDEO), video(), (640, 360)),
        (entry(CreativeKind.VIDEO), video(w=-1), (0, 360)),
        (entry(CreativeKind.AUDIO), imp(audio={"mimes": ["a"]}), (0, 0)),
    ],
)
def test_what_is_said_of_the_size(shown: Entry, asked: Imp, found: tuple[int, int]) -> None:
    assert size(shown, asked) == found


@pytest.mark.parametrize(
    ("protocols", "number", "version"),
    [
        ([], 7, "4.0"),
        ([2, 3, 5, 6], 3, "3.0"),
        ([2], 2, "2.0"),
        ([2, 7], 7, "4.0"),
        ([11], 11, "4.1"),
        ([3, 13], 13, "4.2"),
    ],
)
def test_a_spot_is_vast_in_the_version_asked_for(protocols: list[int], number: int, version: str) -> None:
    shown, asked = entry(CreativeKind.VIDEO, duration_s=3_725), video(protocols=protocols)
    assert protocol(shown, asked) == number
    vast = ET.fromstring(markup(shown, asked, "bid-1"))
    assert vast.get("version") == version
    (ad,) = vast
    assert (ad.get("id"), ad.findtext(".//AdTitle")) == ("bid-1", 'Big & "new"')
    assert ad.find(".//Creative").get("id") == "c<1>"
    assert ad.findtext(".//Duration") == "01:02:05"
    file = ad.find(".//MediaFile")
    assert (file.text, file.get("type"), file.get("width"), file.get("height")) == (ODD, "video/webm", "640", "360")
    assert ad.findtext(".//ClickThrough") == "https://brand.example/"
    assert (ad.find(".//UniversalAdId") is None) == (number in {2, 3})
    assert (ad.findtext(".//AdServingId") == "bid-1") == (number in {11, 13})


def test_audio_says_so_where_the_version_knows_of_it() -> None:
    shown = entry(CreativeKind.AUDIO, mime="audio/ogg")
    for protocols, kind in (([11], "audio"), ([7], None)):
        (ad,) = ET.fromstring(markup(shown, imp(audio={"mimes": ["audio/mp4"], "protocols": protocols}), "b"))
        assert ad.get("adType") == kind
        assert ad.find(".//MediaFile").get("type") == "audio/ogg"


@pytest.mark.parametrize(
    ("spoken", "asked", "number"), [((), [2], 0), ((2, 3), [3], 3), ((2, 3), [], 2), ((2,), [7], 2)]
)
def test_its_own_markup_says_which_protocol_it_speaks(spoken: tuple[int, ...], asked: list[int], number: int) -> None:
    assert protocol(entry(CreativeKind.VIDEO, markup="<VAST/>", protocols=spoken), video(protocols=asked)) == number


def test_what_is_no_spot_speaks_no_protocol() -> None:
    assert protocol(entry(CreativeKind.BANNER), imp(banner={})) == 0


def test_an_address_cannot_end_its_section() -> None:
    shown = entry(CreativeKind.VIDEO, url="https://cdn.example/]]></MediaFile>")
    assert ET.fromstring(markup(shown, video(), "b")).findtext(".//MediaFile") == "https://cdn.example/]]></MediaFile>"


def test_a_spot_for_an_impression_without_its_medium_is_a_fault() -> None:
    with pytest.raises(ValueError, match="takes no video"):
        markup(entry(CreativeKind.VIDEO), imp(banner={}), "b")


def test_native_assets_are_filled_in_their_places() -> None:
    assets = [
        {"id": 7, "required": 1, "title": {"len": 3}},
        {"img": {"type": 3, "wmin": 300, "hmin": 200}},
        {"id": 9, "data": {"type": 2, "len": 0}},
        {"id": 4, "video": {"mimes": ["v"], "minduration": 1, "maxduration": 2, "protocols": [2]}},
        {"id": 5, "img": {"type": 1, "w": 80, "h": 80}},
    ]
    asked = imp(native={"request": json.dumps({"assets": assets})})
    assert json.loads(markup(entry(CreativeKind.NATIVE), asked, "b")) == {
        "link": {"url": "https://brand.example/"},
        "assets": [
            {"id": 7, "required": 1, "title": {"text": "Big"}},
            {"id": 1, "img": {"url": ODD, "type": 3, "w": 300, "h": 200}},
            {"id": 9, "data": {"value": 'Big & "new"', "type": 2}},
            {"id": 5, "img": {"url": ODD, "type": 1, "w": 80, "h": 80}},
        ],
    }
