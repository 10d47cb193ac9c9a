"""Requests, responses and native payloads of the specifications: read, written, read again, and nothing lost.

What requests are answered is in tests/integration/test_bid_data.py.
"""

import json
import os
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from hotpath.grpc import bidder_pb2
from hotpath.grpc.messages import encode_response
from hotpath.openrtb.base import Wire
from hotpath.openrtb.codec import decode_request
from hotpath.openrtb.native import NativeRequest, NativeResponse, read_native, write_native
from hotpath.openrtb.requests import BidRequest
from hotpath.openrtb.responses import BidResponse

DATA = Path(os.environ.get("EXTERNAL_DATA", "/nowhere")) / "openrtb"
RESPONSES = sorted([*DATA.glob("iab-2.6/bid-response/*"), *DATA.glob("prebid-openrtb/openrtb2/bid-response/*/*")])
REQUESTS = sorted([*DATA.glob("iab-2.6/bid-request/*"), *DATA.glob("prebid-openrtb/openrtb2/bid-request/2.6/*")])
ASKED = sorted(DATA.glob("prebid-openrtb/native1/request/*/*"))
ANSWERED = sorted(DATA.glob("prebid-openrtb/native1/response/*/*"))
#: The specification's own examples have two attributes in places where its tables have none.
SLIPS = {"6-2-2-expandable-creative.json": {"value"}, "6-2-4-video.json": {"apis"}}
external = [
    pytest.mark.external_data,
    pytest.mark.skipif(not DATA.is_dir(), reason="EXTERNAL_DATA names no folder with openrtb/"),
]
pytestmark = external


def of(path: Path) -> str:
    return path.relative_to(DATA).as_posix()


def kind_in(annotation: Any) -> type[Wire] | None:
    """The object in an attribute's type, alone, in a list, or in a choice."""
    if isinstance(annotation, type) and issubclass(annotation, Wire):
        return annotation
    return next((found for one in get_args(annotation) if (found := kind_in(one))), None)


def typed(value: Any, kind: type[Wire], dropped: set[str]) -> dict[str, Any]:
    """What of a JSON object has a name here and is not the default; the other names go into `dropped`."""
    known = {field.name: field for field in msgspec.structs.fields(kind)}
    dropped |= set(value) - set(known)
    found = {}
    for name, inner in value.items():
        if name not in known or inner == known[name].default or inner == []:
            continue
        nested = kind_in(known[name].type)
        if nested is None:
            found[name] = inner
        elif isinstance(inner, list):
            found[name] = [typed(one, nested, dropped) for one in inner]
        else:
            found[name] = typed(inner, nested, dropped)
    return found


def check(data: bytes, kind: type[Wire], *, unnamed: set[str]) -> Any:
    """The object, after both ways were taken."""
    read = msgspec.json.decode(data, type=kind, strict=False)
    written = msgspec.json.encode(read)
    assert msgspec.json.decode(written, type=kind) == read
    dropped: set[str] = set()
    # Whether a text that equals the default is written is the encoder's own business.
    assert typed(json.loads(written), kind, set()) == typed(json.loads(data), kind, dropped)
    assert dropped == unnamed
    return read


def test_the_samples_are_there() -> None:
    assert (len(REQUESTS), len(RESPONSES), len(ASKED), len(ANSWERED)) == (10, 12, 5, 5)


@pytest.mark.req("FR-RTB-001")
@pytest.mark.parametrize("path", REQUESTS, ids=of)
def test_a_request(path: Path) -> None:
    request = check(path.read_bytes(), BidRequest, unnamed=SLIPS.get(path.name, set()))
    assert decode_request(path.read_bytes()) == request


@pytest.mark.parametrize("path", RESPONSES, ids=of)
def test_a_response(path: Path) -> None:
    response = check(path.read_bytes(), BidResponse, unnamed=set())
    (bid,) = response.seatbid[0].bid
    message = bidder_pb2.BidResponse.FromString(encode_response(response))
    (told,) = message.seatbid[0].bid
    assert (message.id, told.id, told.impid, told.price) == (response.id, bid.id, bid.impid, bid.price)
    assert (told.adm, told.nurl, list(told.attr), told.dealid) == (bid.adm, bid.nurl, list(bid.attr), bid.dealid)


@pytest.mark.parametrize("path", ASKED, ids=of)
def test_a_native_request(path: Path) -> None:
    request = check(path.read_bytes(), NativeRequest, unnamed=set())
    assert read_native(path.read_text()) == request
    assert read_native(json.dumps({"native": json.loads(path.read_text())})) == request


@pytest.mark.parametrize("path", ANSWERED, ids=of)
def test_a_native_response(path: Path) -> None:
    response = check(path.read_bytes(), NativeResponse, unnamed=set())
    assert json.loads(write_native(response)) == json.loads(msgspec.json.encode(response))
