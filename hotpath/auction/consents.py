"""Whether a TCF consent string lets this bidder use what it knows of a person. Must not know requests.

Source: IAB Europe, Transparency and Consent String, core segment of version 2: offsets in bits from its start.
"""

from base64 import urlsafe_b64decode
from binascii import Error
from functools import lru_cache
from typing import Final

_VERSION: Final = 2
_PURPOSES_AT: Final = 152
_VENDORS_AT: Final = 213
#: Store on a device, create a profile, select by a profile.
_PURPOSES: Final = (1, 3, 4)


class _Bits:
    """A row of bits, read from any place; places beyond its end raise IndexError."""

    def __init__(self, data: bytes) -> None:
        self._text = "".join(f"{octet:08b}" for octet in data)

    def number(self, at: int, width: int) -> int:
        if at + width > len(self._text):
            raise IndexError(at)
        return int(self._text[at : at + width], 2)


@lru_cache(maxsize=4096)
def consents(text: str, vendor_id: int) -> bool:
    """Whether the person agreed to the three purposes and to this vendor. What cannot be read is no consent.

    Args:
        text: the consent string.
        vendor_id: this bidder's number on the global vendor list; 0 for none, to whom nobody has agreed.
    """
    if not vendor_id or not text:
        return False
    core = text.partition(".")[0]
    try:
        bits = _Bits(urlsafe_b64decode(core + "=" * (-len(core) % 4)))
        if bits.number(0, 6) != _VERSION:
            return False
        agreed = all(bits.number(_PURPOSES_AT + purpose - 1, 1) for purpose in _PURPOSES)
        return agreed and _names_vendor(bits, vendor_id)
    except (Error, ValueError, IndexError):
        return False


def _names_vendor(bits: _Bits, vendor_id: int) -> bool:
    if vendor_id > bits.number(_VENDORS_AT, 16):
        return False
    at = _VENDORS_AT + 17
    if not bits.number(at - 1, 1):
        return bits.number(at + vendor_id - 1, 1) == 1
    entries, at = bits.number(at, 12), at + 12
    for _ in range(entries):
        is_range, first = bits.number(at, 1), bits.number(at + 1, 16)
        last = bits.number(at + 17, 16) if is_range else first
        if first <= vendor_id <= last:
            return True
        at += 33 if is_range else 17
    return False
