"""The sections of a Global Privacy Platform string by their numbers. Must not read what a section says.

Source: IAB Tech Lab, Global Privacy Platform, header section: type and version of six bits each, a count of twelve,
then the numbers of the sections that follow, each as its distance from the one before, in Fibonacci code.
"""

from base64 import urlsafe_b64decode
from binascii import Error
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

_TYPE: Final = 3
_COUNT_AT: Final = 12
_IDS_AT: Final = 24
#: The highest number that is believed; a range could else name millions.
_MOST: Final = 64


@lru_cache(maxsize=4096)
def sections_of(text: str) -> dict[int, str]:
    """The sections, still encoded, by their numbers; none where the header cannot be read or names another count."""
    header, *sections = text.split("~")
    try:
        octets = urlsafe_b64decode(header + "=" * (-len(header) % 4))
        numbers = tuple(_numbers("".join(f"{octet:08b}" for octet in octets)))
    except (Error, ValueError, IndexError):
        return {}
    return dict(zip(numbers, sections, strict=True)) if len(numbers) == len(sections) else {}


def _numbers(bits: str) -> Iterator[int]:
    if int(bits[:6], 2) != _TYPE:
        raise ValueError("no header")
    at, last = _IDS_AT, 0
    for _ in range(int(bits[_COUNT_AT:_IDS_AT], 2)):
        is_range = bits[at] == "1"
        first, at = _fibonacci(bits, at + 1)
        first += last
        last = first
        if is_range:
            length, at = _fibonacci(bits, at)
            last = first + length
        if last > _MOST:
            raise ValueError("no such section")
        yield from range(first, last + 1)


def _fibonacci(bits: str, at: int) -> tuple[int, int]:
    """A number that ends with its first pair of ones, and the place behind it."""
    total, here, following, before = 0, 1, 2, "0"
    while True:
        if bits[at] == before == "1":
            return total, at + 1
        before = bits[at]
        total += here if before == "1" else 0
        here, following, at = following, here + following, at + 1
