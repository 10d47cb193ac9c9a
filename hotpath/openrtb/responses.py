"""A bid response: OpenRTB 2.6 section 4.2, and the no-bid reasons. Holds data alone."""

from enum import IntEnum

from hotpath.openrtb.base import Extension, Wire


class NoBidReason(IntEnum):
    """Why a whole request got no bid (OpenRTB 3.0's list, as 2.6 refers to it)."""

    UNKNOWN = 0
    TECHNICAL = 1
    INVALID = 2
    CRAWLER = 3
    NON_HUMAN = 4
    PROXY = 5
    DEVICE = 6
    BLOCKED_PUBLISHER = 7
    UNMATCHED_USER = 8
    DAILY_USER_CAP = 9
    DAILY_DOMAIN_CAP = 10
    INSUFFICIENT_TIME = 15
    SCHAIN_INCOMPLETE = 16
    SCHAIN_BLOCKED = 17


class MarkupType(IntEnum):
    """`mtype`: what `adm` is."""

    BANNER = 1
    VIDEO = 2
    AUDIO = 3
    NATIVE = 4


class Bid(Wire):
    """4.2.3. `id`, `impid` and `price` (CPM in the response's currency) are required."""

    id: str
    impid: str
    price: float
    nurl: str = ""
    burl: str = ""
    lurl: str = ""
    adm: str = ""
    adid: str = ""
    adomain: tuple[str, ...] = ()
    bundle: str = ""
    iurl: str = ""
    cid: str = ""
    crid: str = ""
    tactic: str = ""
    cattax: int = 1
    cat: tuple[str, ...] = ()
    attr: tuple[int, ...] = ()
    apis: tuple[int, ...] = ()
    api: int = 0
    protocol: int = 0
    qagmediarating: int = 0
    language: str = ""
    langb: str = ""
    dealid: str = ""
    w: int = 0
    h: int = 0
    wratio: int = 0
    hratio: int = 0
    exp: int = 0
    dur: int = 0
    mtype: int = 0
    slotinpod: int = 0
    ext: Extension | None = None


class SeatBid(Wire):
    """4.2.2."""

    bid: tuple[Bid, ...]
    seat: str = ""
    group: int = 0
    ext: Extension | None = None


class BidResponse(Wire):
    """4.2.1. `id` is required; seats with bids, or a reason for none."""

    id: str
    seatbid: tuple[SeatBid, ...] = ()
    bidid: str = ""
    cur: str = "USD"
    customdata: str = ""
    nbr: int | None = None
    ext: Extension | None = None
