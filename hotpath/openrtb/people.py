"""Who sees an impression, and on what: OpenRTB 2.6 sections 3.2.18 to 3.2.22 and 3.2.27 to 3.2.29. Holds data alone."""

from msgspec import UNSET, Raw, UnsetType

from hotpath.openrtb.base import Extension, Wire


class Geo(Wire):
    """3.2.19. `country` is ISO 3166 alpha-3."""

    lat: float | None = None
    lon: float | None = None
    type: int = 0
    accuracy: int = 0
    lastfix: int = 0
    ipservice: int = 0
    country: str = ""
    region: str = ""
    regionfips104: str = ""
    metro: str = ""
    city: str = ""
    zip: str = ""
    utcoffset: int | None = None
    ext: Extension | None = None


class BrandVersion(Wire):
    """3.2.29. `brand` is required."""

    brand: str
    version: tuple[str, ...] = ()
    ext: Extension | None = None


class UserAgent(Wire):
    """3.2.28."""

    browsers: tuple[BrandVersion, ...] = ()
    platform: BrandVersion | None = None
    mobile: int = 0
    architecture: str = ""
    bitness: str = ""
    model: str = ""
    source: int = 0
    ext: Extension | None = None


class Device(Wire):
    """3.2.18."""

    geo: Geo | None = None
    dnt: int = 0
    lmt: int = 0
    ua: str = ""
    sua: UserAgent | None = None
    ip: str = ""
    ipv6: str = ""
    devicetype: int = 0
    make: str = ""
    model: str = ""
    os: str = ""
    osv: str = ""
    hwv: str = ""
    h: int = 0
    w: int = 0
    ppi: int = 0
    pxratio: float = 0.0
    js: int = 0
    geofetch: int = 0
    flashver: str = ""
    language: str = ""
    langb: str = ""
    carrier: str = ""
    mccmnc: str = ""
    connectiontype: int = 0
    ifa: str = ""
    didsha1: str = ""
    didmd5: str = ""
    dpidsha1: str = ""
    dpidmd5: str = ""
    macsha1: str = ""
    macmd5: str = ""
    ext: Extension | None = None


class Segment(Wire):
    """3.2.22."""

    id: str = ""
    name: str = ""
    value: str = ""
    ext: Extension | None = None


class Data(Wire):
    """3.2.21."""

    id: str = ""
    name: str = ""
    segment: tuple[Segment, ...] = ()
    cids: tuple[str, ...] = ()
    ext: Extension | None = None


class UID(Wire):
    """3.2.28: one identifier."""

    id: str = ""
    atype: int = 0
    ext: Extension | None = None


class EID(Wire):
    """3.2.27: identifiers of one source."""

    source: str = ""
    inserter: str = ""
    matcher: str = ""
    mm: int = 0
    uids: tuple[UID, ...] = ()
    ext: Extension | None = None


class UserExt(Wire):
    """Where 2.5 had the consent. Kept unread: nothing in an extension makes a request invalid."""

    consent: Raw | UnsetType = UNSET


class User(Wire):
    """3.2.20."""

    id: str = ""
    buyeruid: str = ""
    yob: int = 0
    gender: str = ""
    keywords: str = ""
    kwarray: tuple[str, ...] = ()
    customdata: str = ""
    geo: Geo | None = None
    data: tuple[Data, ...] = ()
    consent: str = ""
    eids: tuple[EID, ...] = ()
    ext: UserExt | None = None
