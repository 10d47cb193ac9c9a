"""A campaign's entries as two numbers. All have the campaign's bid, so they stand side by side among the others.

As sets of bits they would take memory, and time to make, that grow with the square of the campaigns.
"""

from collections.abc import Iterable

#: The first entry's number, and how many there are.
Span = tuple[int, int]
NO_ENTRIES: Span = (0, 0)


def bits_of(span: Span) -> int:
    """A run of entries as the targeting index has its sets."""
    first, count = span
    return ((1 << count) - 1) << first


def together(spans: Iterable[Span]) -> int:
    """All entries of several runs; by bytes, since a long integer per run would take time by the square."""
    runs = list(spans)
    octets = bytearray(max([first + count for first, count in runs], default=0) // 8 + 1)
    for first, count in runs:
        for number in range(first, first + count):
            octets[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(octets, "little")
