"""Messages and objects: nothing lost either way, the same rules as for JSON, and numbers that others rely on."""

import json
from typing import Any

import msgspec
import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from hotpath.grpc import bidder_pb2, openrtb_pb2
from hotpath.grpc.messages import decode_request, encode_response, write
from hotpath.openrtb.codec import MalformedRequest
from hotpath.openrtb.codec import decode_request as decode_json
from hotpath.openrtb.requests import BidRequest
from hotpath.openrtb.responses import Bid, BidResponse, SeatBid
from scripts.generate_protos import outdated


def message(**changes: Any) -> openrtb_pb2.BidRequest:
    found = openrtb_pb2.BidRequest(id="r", **changes)
    if not found.imp:
        found.imp.add(id="1").banner.SetInParent()
    return found


def read(found: Message) -> BidRequest:
    return decode_request(found.SerializeToString())


def as_message(request: BidRequest) -> openrtb_pb2.BidRequest:
    found = openrtb_pb2.BidRequest()
    write(request, found)
    return found


def test_the_generated_code_is_what_the_files_say() -> None:
    assert outdated() == []


def test_numbers_are_those_of_the_specifications_schema() -> None:
    """Bytes written by hand, as another implementation writes them: number and wire type, then the value."""
    imp = b"\x0a\x011" + b"\x12\x06" + b"\x08\xac\x02\x10\xfa\x01" + b"\x41" + b"\x00" * 6 + b"\xf8\x3f"
    site = b"\x1a\x07" + b"a.examp"
    body = (
        b"\x0a\x02r1"
         b"\x12" + bytes([len(imp)]) + imp
        + b"\x1a" + bytes([len(site)]) + site
        + b"\x38\x01"  # at
        + b"\x5a\x03EUR"  # cur
        + b"\x78\x01"  # test
        + b"\xba\x01\x04IAB1"  # acat, 23
    )  # fmt: skip
    assert json.loads(msgspec.json.encode(decode_request(body))) == {
        "id": "r1",
        "imp": [{"id": "1", "banner": {"w": 300, "h": 250}, "bidfloor": 1.5}],
        "site": {"domain": "a.examp"},
        "at": 1,
        "cur": ["EUR"],
        "test": 1,
        "acat": ["IAB1"],
    }


def test_what_was_not_sent_is_the_default_and_what_was_is_not() -> None:
    found = message()
    found.imp[0].video.mimes.append("video/mp4")
    (imp,) = read(found).imp
    assert imp.video is not None
    assert (read(found).at, imp.video.boxingallowed, imp.video.startdelay, imp.bidfloorcur) == (2, 1, None, "USD")
    found.at = 0
    found.imp[0].video.boxingallowed = False
    found.imp[0].video.startdelay = 0
    (imp,) = read(found).imp
    assert imp.video is not None
    assert (read(found).at, imp.video.boxingallowed, imp.video.startdelay) == (0, 0, 0)


def test_extensions_of_2_5_are_read() -> None:
    found = message()
    found.regs.ext.gdpr = True
    found.regs.ext.us_privacy = "1YYN"
    found.user.ext.consent = "CP"
    chain = found.source.ext.schain
    chain.complete, chain.ver = True, "1.0"
    chain.nodes.add(asi="a", sid="1", hp=True)
    request = read(found)
    assert request.regs is not None
    assert request.regs.ext is not None
    assert (bytes(request.regs.ext.gdpr), bytes(request.regs.ext.us_privacy)) == (b"1", b'"1YYN"')
    assert request.source is not None
    assert request.source.ext is not None
    assert msgspec.json.decode(request.source.ext.schain) == {
        "complete": 1, "ver": "1.0", "nodes": [{"asi": "a", "sid": "1", "hp": 1}],
    }  # fmt: skip


def test_a_native_request_may_be_a_message() -> None:
    found = openrtb_pb2.BidRequest(id="r")
    native = found.imp.add(id="1").native
    native.request_native.assets.add(id=7, required=True).title.len = 25
    (imp,) = read(found).imp
    assert imp.native is not None
    assert json.loads(imp.native.request) == {"assets": [{"id": 7, "required": 1, "title": {"len": 25}}]}


def without(name: str) -> openrtb_pb2.BidRequest:
    found = message(site=openrtb_pb2.BidRequest().site)
    found.ClearField("site")
    found.imp[0].metric.add(type="x", value=0.0)
    found.source.schain.complete = False
    found.source.schain.ver = "1.0"
    found.source.schain.nodes.add(asi="a", sid="1")
    at, _, field = name.rpartition(".")
    place: Any = found
    for step in filter(None, at.split(".")):
        place = getattr(place, step)
        place = place[0] if not isinstance(place, Message) else place
    place.ClearField(field)
    return found


def test_the_whole_one_is_a_request() -> None:
    assert read(without("tmax")).id == "r"


@pytest.mark.parametrize(
    "name",
    [
        "id", "imp", "imp.id", "imp.banner", "imp.metric.type", "imp.metric.value", "source.schain.complete",
        "source.schain.ver", "source.schain.nodes.asi", "source.schain.nodes.sid",
    ],
)  # fmt: skip
def test_what_lacks_a_required_value_is_malformed(name: str) -> None:
    with pytest.raises(MalformedRequest):
        read(without(name))


def test_the_rules_of_json_hold() -> None:
    found = message(wseat=["a"], bseat=["b"])
    with pytest.raises(MalformedRequest, match="exclude each other"):
        read(found)
    found = message()
    found.site.id = "s"
    found.app.id = "a"
    with pytest.raises(MalformedRequest, match="at most one"):
        read(found)
    found = message()
    found.imp[0].bidfloor = float("nan")
    with pytest.raises(MalformedRequest, match="bidfloor"):
        read(found)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_malformed(data: bytes) -> None:
    try:
        decode_request(data)
    except MalformedRequest:
        return


def test_a_response_says_only_what_is_not_the_default() -> None:
    bid = Bid(id="b", impid="1", price=0.0, cat=("IAB1",), apis=(7,), mtype=1, exp=300)
    response = BidResponse(id="r", cur="EUR", seatbid=(SeatBid(seat="s", bid=(bid,), group=1),))
    found = bidder_pb2.BidResponse.FromString(encode_response(response))
    assert (found.id, found.cur, found.HasField("nbr")) == ("r", "EUR", False)
    (seat,) = found.seatbid
    assert (seat.seat, seat.group) == ("s", True)
    (one,) = seat.bid
    assert (one.id, one.impid, one.price, list(one.cat), list(one.apis)) == ("b", "1", 0.0, ["IAB1"], [7])
    assert (one.HasField("price"), one.HasField("w"), one.mtype, one.exp) == (True, False, 1, 300)
    reason = bidder_pb2.BidResponse.FromString(encode_response(BidResponse(id="r", nbr=0)))
    assert (reason.HasField("nbr"), reason.nbr) == (True, 0)


def _objects(kind: Any, depth: int) -> st.SearchStrategy[Any]:
    """What both ways can say, as JSON has it, by the message's description: flags are 0 and 1, numbers have 32 bits."""
    fields = {}
    for field in kind.fields:
        if field.name in {"ext", "request_native", "genres"}:
            continue
        if field.message_type is not None:
            if depth > 2:
                continue
            one = _objects(field.message_type, depth + 1)
        elif field.type == field.TYPE_BOOL:
            one = st.sampled_from([0, 1])
        elif field.type == field.TYPE_INT32:
            one = st.integers(-(2**31), 2**31 - 1)
        elif field.type == field.TYPE_DOUBLE:
            one = st.floats(allow_nan=False, allow_infinity=False)
        else:
            one = st.text(max_size=4)
        fields[field.name] = st.lists(one, min_size=1, max_size=2) if field.is_repeated else one
    return st.fixed_dictionaries({}, optional=fields)


@settings(max_examples=150, deadline=None)
@given(_objects(openrtb_pb2.BidRequest.DESCRIPTOR, 0))
def test_a_json_request_is_the_same_request_as_a_message(plain: dict[str, Any]) -> None:
    plain = {**plain, "id": "r", "imp": plain.get("imp") or [{"id": "1", "banner": {}}]}
    try:
        request = decode_json(json.dumps(plain).encode())
    except MalformedRequest:
        return
    assert decode_request(as_message(request).SerializeToString()) == request
