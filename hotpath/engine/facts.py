"""What the engine needs to know of a bid request, free of how the request was written.

The codec maps its objects to these. All floors are CPM micros of the currency beside them. Structs, as one is made in a
tenth of a frozen dataclass's time. Must not hold behaviour beyond reading itself.
"""

from enum import StrEnum
from typing import Final

import msgspec

from domain.bid_features import Privacy
from domain.bid_snapshot import CreativeKind

#: OpenRTB's device types as the model's classes; what is not here is unknown.
DEVICE_CLASSES: Final = {1: "mobile", 2: "desktop", 4: "mobile", 5: "tablet"}


_UNRESTRICTED: Final = Privacy()


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


class ImpressionFacts(msgspec.Struct, frozen=True, gc=False):
    """One impression: how it can be filled, what it costs at least, and under which deals.

    One showing counts, and is paid, as `multiplier` impressions: a screen out of home is seen by many.
    """

    imp_id: str
    formats: tuple[FormatFacts, ...]
    floor_micros: int = 0
    floor_currency: str = "USD"
    deals: tuple[DealFacts, ...] = ()
    private_auction: bool = False
    secure: bool = False
    position: int = 0
    duration_floors: tuple[DurationFloor, ...] = ()
    multiplier: float = 1.0


class RequestFacts(msgspec.Struct, frozen=True, gc=False):
    """One request. No `seats`, `allowed_categories`, `languages`: any. No `currencies`: USD, the specification's.

    `user_key` is empty where nobody can be told apart. `sellers` is the supply chain, system and account of each,
    complete or not; `seller_domain` is where an ads.txt would name them.
    """

    request_id: str
    impressions: tuple[ImpressionFacts, ...]
    first_price: bool = False
    test: bool = False
    currencies: tuple[str, ...] = ()
    seats: tuple[str, ...] = ()
    blocked_seats: tuple[str, ...] = ()
    allowed_categories: tuple[str, ...] = ()
    blocked_categories: tuple[str, ...] = ()
    category_taxonomy: int = 1
    blocked_domains: tuple[str, ...] = ()
    blocked_bundles: tuple[str, ...] = ()
    country: str = ""
    device_type: int = 0
    languages: tuple[str, ...] = ()
    page_categories: tuple[str, ...] = ()
    page_taxonomy: int = 1
    page_domain: str = ""
    sellers: tuple[tuple[str, str], ...] = ()
    whole_chain: bool = False
    seller_domain: str = ""
    user_key: str = ""
    privacy: Privacy = _UNRESTRICTED
