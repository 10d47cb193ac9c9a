"""Reading requests and writing responses: types, defaults, tolerance, and what is no request at all."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotpath.openrtb.codec import MalformedRequest, decode_request, encode_response
from hotpath.openrtb.requests import BidRequest
from hotpath.openrtb.responses import Bid, BidResponse, SeatBid


def body(**changes: Any) -> bytes:
    """A least request, changed; None takes an attribute away."""
    request = {"id": "r1", "imp": [{"id": "1", "banner": {"w": 300, "h": 250}}], **changes}
    return json.dumps({name: value for name, value in request.items() if value is not ...}).encode()


def test_defaults_are_the_specifications() -> None:
    request = decode_request(
        body(imp=[{"id": "1", "video": {"mimes": ["video/mp4"]}, "pmp": {"deals": [{"id": "d"}]}}])
    )
    assert (request.at, request.cur, request.test, request.tmax, request.cattax) == (2, (), 0, 0, 1)
    (imp,) = request.imp
    assert (imp.bidfloor, imp.bidfloorcur, imp.instl, imp.clickbrowser) == (0.0, "USD", 0, 0)
    assert imp.video is not None
    assert imp.video.boxingallowed == 1
    assert imp.pmp is not None
    assert imp.pmp.private_auction == 0
    assert imp.pmp.deals[0].bidfloorcur == "USD"


def test_a_deals_floor_does_not_inherit_the_impressions_currency() -> None:
    imp = {"id": "1", "banner": {}, "bidfloorcur": "EUR", "pmp": {"deals": [{"id": "d", "bidfloor": 2}]}}
    (read,) = decode_request(body(imp=[imp])).imp
    assert read.pmp is not None
    assert (read.bidfloorcur, read.pmp.deals[0].bidfloorcur) == ("EUR", "USD")


def test_unknown_fields_and_unknown_values_of_lists_are_tolerated() -> None:
    request = decode_request(body(at=99, nosuch={"deep": [1]}, ext={"any": 1}, device={"devicetype": 77, "x": None}))
    assert request.at == 99
    assert request.device is not None
    assert request.device.devicetype == 77


@pytest.mark.parametrize(
    ("changes", "read"),
    [
        ({"at": "1"}, 1),
        ({"at": 1.0}, 1),
        ({"at": True}, 1),
        ({"at": None}, 2),
    ],
)
def test_spellings_that_lose_no_meaning_are_read(changes: dict[str, Any], read: int) -> None:
    assert decode_request(body(**changes)).at == read


def test_what_an_extension_keeps_survives_the_second_reading() -> None:
    request = decode_request(
        body(tmax=None, regs={"ext": {"gdpr": 1}}, user={"ext": {"consent": "CP"}, "keywords": ["a"]})
    )
    assert request.regs is not None
    assert request.regs.ext is not None
    assert msgspec.json.decode(request.regs.ext.gdpr) == 1
    assert request.user is not None
    assert request.user.ext is not None
    assert msgspec.json.decode(request.user.ext.consent) == "CP"


def test_a_list_of_keywords_is_its_text() -> None:
    request = decode_request(body(site={"keywords": ["a", "b"]}))
    assert request.site is not None
    assert request.site.keywords == "a,b"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        b'{"id":"\xc3\x28","imp":[{"id":"1","banner":{}}]}',
        b"{}",
        b"[" * 100_000,
        body()[:-1],
        body() + b"x",
        body(id=7),
        body(imp={}),
        body(regs={"ext": "text"}),
        body(imp=[{"id": "1", "banner": []}]),
        body(imp=[{"id": "1", "native": {"request": {"assets": []}}}]),
        body(imp=[{"id": "1", "banner": {}, "bidfloor": "nan"}]),
        body(imp=[{"id": "1", "banner": {}, "metric": [{"type": "viewability"}]}]),
        body(source={"schain": {"complete": 1, "nodes": [{"asi": "a.example"}], "ver": "1.0"}}),
        body(source={"schain": {"complete": 1, "ver": "1.0"}}),
    ],
)
def test_what_is_no_request_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedRequest):
        decode_request(data)


def test_a_response_says_only_what_is_not_the_default() -> None:
    answer = BidResponse(id="r", seatbid=(SeatBid(seat="s", bid=(Bid(id="b", impid="1", price=0.0, mtype=1),)),))
    assert json.loads(encode_response(answer)) == {
        "id": "r",
        "seatbid": [{"seat": "s", "bid": [{"id": "b", "impid": "1", "price": 0.0, "mtype": 1}]}],
    }
    assert json.loads(encode_response(BidResponse(id="r", nbr=0))) == {"id": "r", "nbr": 0}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(list(BidRequest.__struct_fields__)), JSON), JSON)
def test_any_json_is_a_request_or_malformed(changes: dict[str, Any], imp: Any) -> None:
    data = json.dumps({"id": "r", "imp": [{"id": "1", "banner": {}, "video": imp}], **changes}).encode(
        "utf-8", "replace"
    )
    try:
        request = decode_request(data)
    except MalformedRequest:
        return
    # What was read can be written and is read as the same.
    assert decode_request(msgspec.json.encode(request)) == request


@given(st.binary(max_size=200))
def test_any_bytes_are_malformed(data: bytes) -> None:
    with pytest.raises(MalformedRequest):
        decode_request(data)
