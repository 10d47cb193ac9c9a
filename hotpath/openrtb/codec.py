"""Bytes to a checked bid request, and a bid response to bytes. Must not know HTTP.

Read leniently where meaning is not lost: digits in quotes are numbers, 1.0 and true are 1, null is an attribute left
out, and a list of keywords is its text.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from hotpath.openrtb.requests import BidRequest, SupplyChain
from hotpath.openrtb.responses import BidResponse
from hotpath.openrtb.rules import broken_rule


class MalformedRequest(ValueError):
    """No bid request; the message says what is wrong with it."""


class Codec(NamedTuple):
    """One way in which requests and responses are written; a request is checked, or MalformedRequest is raised."""

    decode: Callable[[bytes], BidRequest]
    encode: Callable[[BidResponse], bytes]


_REQUEST: Final = msgspec.json.Decoder(BidRequest, strict=False)
_CHAIN: Final = msgspec.json.Decoder(SupplyChain, strict=False)
_FAULTS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)
_ENCODER: Final = msgspec.json.Encoder()


class _Identified(msgspec.Struct):
    id: str = ""


_IDENTIFIED: Final = msgspec.json.Decoder(_Identified)


def decode_request(body: bytes) -> BidRequest:
    """A bid request that has all that the specification requires.

    Raises:
        MalformedRequest: not JSON, an attribute of another type, or one of the rules of `rules.py` broken.
    """
    try:
        request = _REQUEST.decode(body)
    except _FAULTS as error:
        request = _mended(body, error)
    return checked(request)


def checked(request: BidRequest) -> BidRequest:
    """The request itself, if it breaks none of the rules of `rules.py`; else MalformedRequest is raised."""
    broken = broken_rule(request)
    if broken:
        raise MalformedRequest(broken)
    return request


def id_of(body: bytes) -> str:
    """The id in a body of which nothing else is known, to be told in a log; empty where none can be read."""
    try:
        return _IDENTIFIED.decode(body).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def encode_response(response: BidResponse) -> bytes:
    """The response as JSON."""
    return _ENCODER.encode(response)


JSON: Final = Codec(decode_request, encode_response)


def decode_chain(raw: msgspec.Raw | msgspec.UnsetType) -> SupplyChain | None:
    """A supply chain that an extension holds; None where there is none, or none that can be read."""
    if raw is msgspec.UNSET:
        return None
    try:
        return _CHAIN.decode(raw)
    except _FAULTS:
        return None


def _mended(body: bytes, first: Exception) -> BidRequest:
    """A second, slower reading without nulls and truth values; only a typed reading that failed comes here."""
    if not isinstance(first, msgspec.ValidationError):
        raise MalformedRequest(str(first)) from first
    try:
        # Written and read once more, since what extensions keep unread is a piece of JSON.
        return _REQUEST.decode(_ENCODER.encode(_pruned(msgspec.json.decode(body))))
    except (*_FAULTS, TypeError) as error:
        raise MalformedRequest(str(error)) from error


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _keyed(name, inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, bool):
        # The specification has no truth values: its flags are 0 and 1, and some exchanges forget it.
        return int(value)
    if isinstance(value, list):
        return [_pruned(inner) for inner in value if inner is not None]
    return value


def _keyed(name: str, value: Any) -> Any:
    """Keywords were a list once; 2.6 has them in one text, divided by commas."""
    if name == "keywords" and isinstance(value, list):
        return ",".join(map(str, value))
    return _pruned(value)
