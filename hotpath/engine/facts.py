"""Ways to fill an impression, and deals, free of how the request was written. Must not hold behaviour.

All floors are CPM micros of the currency beside them. Structs, as these are keys of what is remembered: never compiled.
"""

from enum import StrEnum
from typing import Final

import msgspec

from domain.bid_snapshot import CreativeKind

#: OpenRTB's device types as the model's classes; what is not here is unknown.
DEVICE_CLASSES: Final = {1: "mobile", 2: "desktop", 4: "mobile", 5: "tablet"}


class NoBid(StrEnum):
    """Why an impression got no bid, in the order in which the reasons are looked for."""

    TARGETING = "targeting"
    SUPPLY = "supply"
    BLOCKED = "blocked"
    FORMAT = "format"
    PRIVATE_AUCTION = "private_auction"
    SEAT = "seat"
    CURRENCY = "currency"
    FLOOR = "floor"
    CONSENT = "consent"
    CAP = "cap"
    PACING = "pacing"
    BUDGET = "budget"
    SCORE = "score"


class FormatFacts(msgspec.Struct, frozen=True, gc=False):
    """One way to fill an impression. No sizes and ratios, mimes, protocols: any. A framework not in `apis`: none.

    Durations in seconds, a most of 0 is no limit. Ratios are width, height and the least width in pixels. `linearity`
    is OpenRTB's: 1 for linear, 2 for not, 0 for both.
    """

    kind: CreativeKind
    sizes: tuple[tuple[int, int], ...] = ()
    mimes: tuple[str, ...] = ()
    blocked_attributes: tuple[int, ...] = ()
    least_duration_s: int = 0
    most_duration_s: int = 0
    ratios: tuple[tuple[int, int, int], ...] = ()
    protocols: tuple[int, ...] = ()
    apis: tuple[int, ...] = ()
    linearity: int = 0
    blocked_types: tuple[int, ...] = ()


class DurationFloor(msgspec.Struct, frozen=True, gc=False):
    """A floor for spots from `least_s` to `most_s` seconds (0: without end); `per_second`: times their seconds."""

    least_s: int
    most_s: int
    floor_micros: int
    per_second: bool = False


class DealFacts(msgspec.Struct, frozen=True, gc=False):
    """A deal of an impression, for these seats and advertiser domains alone where any are named.

    `auction` is OpenRTB's type where it is not the request's: 1 first price, 2 second, 3 the floor is the price.
    """

    deal_id: str
    floor_micros: int = 0
    floor_currency: str = "USD"
    seats: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    auction: int = 0
    duration_floors: tuple[DurationFloor, ...] = ()
