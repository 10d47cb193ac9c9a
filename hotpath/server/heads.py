"""Heads of requests that were parsed before: a client sends the same one again and again.

A parser between two messages gives the same for the same bytes. So a chunk that is a known head, and as many bytes as
that head announces, needs no parsing. Only what the parser itself took, whole and in one chunk, is remembered. Must not
parse.
"""

from typing import Final, final

#: Beyond, all are forgotten; longer ones are not remembered.
MOST_HEADS: Final = 4_096
MOST_BYTES: Final = 2_048
_END: Final = b"\r\n\r\n"


@final
class Head:
    """What a head says. The headers are shared by all requests with it, and not to be written to."""

    __slots__ = ("body_bytes", "headers", "method", "target")

    def __init__(self, method: bytes, target: bytes, headers: dict[bytes, bytes], body_bytes: int) -> None:
        """Hold these."""
        self.method = method
        self.target = target
        self.headers = headers
        self.body_bytes = body_bytes


class Heads:
    """The heads of one server's clients."""

    def __init__(self) -> None:
        """None is known."""
        self._known: dict[bytes, Head] = {}

    def __len__(self) -> int:
        return len(self._known)

    def find(self, data: bytes) -> tuple[Head, bytes] | None:
        """The head and the body of a chunk that is one whole request with a known head."""
        at = data.find(_END, 0, MOST_BYTES) + len(_END)
        head = self._known.get(data[:at])
        return (head, data[at:]) if head is not None and len(data) == at + head.body_bytes else None

    def learn(self, data: bytes, head: Head) -> None:
        """Remember the head of a chunk that the parser took as one whole request, which keeps its connection open."""
        at = data.find(_END, 0, MOST_BYTES) + len(_END)
        headers = head.headers
        if len(data) != at + head.body_bytes or b"transfer-encoding" in headers or b"expect" in headers:
            return
        if len(self._known) >= MOST_HEADS:
            self._known.clear()
        self._known[data[:at]] = head
