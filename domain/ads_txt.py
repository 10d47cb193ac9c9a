"""The lines of an ads.txt or app-ads.txt that say who may sell a publisher's inventory. Must not fetch anything.

Source: IAB Tech Lab, ads.txt specification 1.1: advertising system, account, DIRECT or RESELLER, and perhaps a
certification id; comments after `#`, extensions after `;`; variables such as OWNERDOMAIN are no sellers.
"""

from collections.abc import Iterator
from typing import Final

from domain.bid_snapshot import Seller

_RELATIONS: Final = {"DIRECT", "RESELLER"}


def sellers_in(text: str) -> tuple[Seller, ...]:
    """The sellers, each once, in the file's order; lines that break the form are left out, as it is specified."""
    return tuple(dict.fromkeys(_sellers(text)))


def _sellers(text: str) -> Iterator[Seller]:
    for line in text.splitlines():
        fields = [field.strip() for field in line.partition("#")[0].partition(";")[0].split(",")]
        if len(fields) < 3 or fields[2].upper() not in _RELATIONS:  # noqa: PLR2004 - system, account, relation
            continue
        system, account = fields[0].lower(), fields[1]
        if "." in system and not set(system) & set(" =/") and account:
            yield Seller(system, account)
