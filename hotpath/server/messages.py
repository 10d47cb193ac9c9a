"""A whole HTTP request, an answer as bytes, and gzip both ways. Must not hold a route or a socket."""

import gzip
import zlib
from functools import lru_cache
from typing import Final, final

_VERSIONS: Final = {f"2.{minor}".encode(): f"2.{minor}".encode() for minor in range(7)}
_OURS: Final = b"2.6"
_GZIP_WBITS: Final = 31
_MOST_MEMBERS: Final = 16
#: Below this many bytes an answer fits one packet whether it is packed or not.
_PACKED_FROM: Final = 1_200
_REASONS: Final = {
    200: b"OK", 204: b"No Content", 400: b"Bad Request", 404: b"Not Found", 405: b"Method Not Allowed",
    408: b"Request Timeout", 410: b"Gone", 413: b"Content Too Large", 415: b"Unsupported Media Type",
    431: b"Request Header Fields Too Large", 503: b"Service Unavailable",
}  # fmt: skip


class Unpackable(ValueError):
    """The body is not the gzip that its header promises."""


class TooLarge(ValueError):
    """The body is larger than allowed, once unpacked."""


@final
class HttpRequest:
    """One request. Header names are in lower case; `started_s` is when its first byte came, on the loop's clock."""

    __slots__ = ("body", "headers", "method", "started_s", "target")

    def __init__(
        self, method: bytes, target: bytes, headers: dict[bytes, bytes], body: bytes, started_s: float
    ) -> None:
        """Hold these."""
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.started_s = started_s


@final
class HttpAnswer:
    """What to send; `closes` ends the connection behind it, `timed` has its time counted."""

    __slots__ = ("body", "closes", "content_type", "status", "timed")

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        content_type: bytes = b"application/json",
        closes: bool = False,
        timed: bool = False,
    ) -> None:
        """Hold these."""
        self.status = status
        self.body = body
        self.content_type = content_type
        self.closes = closes
        self.timed = timed


@lru_cache(maxsize=256)
def _head(status: int, version: bytes, content_type: bytes, packing: bytes, close: bytes) -> bytes:
    """A head up to its length; few differ, and each is sent again and again."""
    if content_type:
        packing += b"content-type: %b\r\n" % content_type
    return b"HTTP/1.1 %d %b\r\nx-openrtb-version: %b\r\n%b%bcontent-length: " % (
        status, _REASONS[status], version, packing, close,
    )  # fmt: skip


def answer_bytes(answer: HttpAnswer, headers: dict[bytes, bytes], *, closes: bool) -> bytes:
    """Head and body; packed where the request's headers allow it and it is worth it."""
    version = _VERSIONS.get(headers.get(b"x-openrtb-version", b""), _OURS)
    body, packing, close = answer.body, b"", b"connection: close\r\n" if closes or answer.closes else b""
    if answer.status == 204:  # noqa: PLR2004 - RFC 9110 8.6: a 204 carries no length
        return b"HTTP/1.1 204 No Content\r\nx-openrtb-version: %b\r\n%b\r\n" % (version, close)
    if len(body) >= _PACKED_FROM and takes_gzip(headers.get(b"accept-encoding", b"")):
        body, packing = gzip.compress(body, 1, mtime=0), b"content-encoding: gzip\r\n"
    head = _head(answer.status, version, answer.content_type if body else b"", packing, close)
    return b"%b%d\r\n\r\n%b" % (head, len(body), body)


@lru_cache(maxsize=256)
def takes_gzip(accepted: bytes) -> bool:
    """Whether an Accept-Encoding names gzip, or anything, with a weight above zero."""
    weights = {}
    for part in accepted.lower().split(b","):
        name, _, weight = part.strip().partition(b";")
        digits = weight.replace(b" ", b"").removeprefix(b"q=")
        weights[name.strip()] = digits.strip(b"0.") != b"" if digits else True
    return weights.get(b"gzip", weights.get(b"*", False))


def unpacked(body: bytes, most: int) -> bytes:
    """The content of a gzip body of a few members.

    Raises:
        Unpackable: cut short, no gzip, or of more members than anybody has a reason for: each costs a copy of the rest.
        TooLarge: more than `most` bytes.
    """
    parts: list[bytes] = []
    total = 0
    while body:
        if len(parts) == _MOST_MEMBERS:
            raise Unpackable("too many members")
        unpacker = zlib.decompressobj(_GZIP_WBITS)
        try:
            part = unpacker.decompress(body, most - total + 1)
        except zlib.error as error:
            raise Unpackable(str(error)) from error
        total += len(part)
        if total > most:
            raise TooLarge(f"more than {most} bytes")
        if not unpacker.eof:
            raise Unpackable("it ends too early")
        parts.append(part)
        body = unpacker.unused_data
    return b"".join(parts)
