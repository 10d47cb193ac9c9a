"""A bid request: OpenRTB 2.6 sections 3.2.1 to 3.2.3, 3.2.25 and 3.2.26. Holds data alone."""

from msgspec import UNSET, Raw, UnsetType

from hotpath.openrtb.base import Extension, Wire
from hotpath.openrtb.impressions import Imp
from hotpath.openrtb.inventory import App, Dooh, Site
from hotpath.openrtb.people import Device, User


class SupplyChainNode(Wire):
    """3.2.26. `asi` and `sid` are required."""

    asi: str
    sid: str
    rid: str = ""
    name: str = ""
    domain: str = ""
    hp: int = 0
    ext: Extension | None = None


class SupplyChain(Wire):
    """3.2.25. All three are required."""

    complete: int
    nodes: tuple[SupplyChainNode, ...]
    ver: str
    ext: Extension | None = None


class SourceExt(Wire):
    """Where 2.5 had the supply chain. Kept unread: nothing in an extension makes a request invalid."""

    schain: Raw | UnsetType = UNSET


class Source(Wire):
    """3.2.2."""

    fd: int = 0
    tid: str = ""
    pchain: str = ""
    schain: SupplyChain | None = None
    ext: SourceExt | None = None


class RegsExt(Wire):
    """Where 2.5 had the law, and a browser's Global Privacy Control. Kept unread: an extension breaks no request."""

    gdpr: Raw | UnsetType = UNSET
    us_privacy: Raw | UnsetType = UNSET
    gpp_sid: Raw | UnsetType = UNSET
    gpc: Raw | UnsetType = UNSET


class Regs(Wire):
    """3.2.3. `gdpr` is None where the exchange does not say."""

    coppa: int = 0
    gdpr: int | None = None
    us_privacy: str = ""
    gpp: str = ""
    gpp_sid: tuple[int, ...] = ()
    ext: RegsExt | None = None


class BidRequest(Wire):
    """3.2.1. `id` and one impression at least are required."""

    id: str
    imp: tuple[Imp, ...]
    site: Site | None = None
    app: App | None = None
    dooh: Dooh | None = None
    device: Device | None = None
    user: User | None = None
    test: int = 0
    at: int = 2
    tmax: int = 0
    wseat: tuple[str, ...] = ()
    bseat: tuple[str, ...] = ()
    allimps: int = 0
    cur: tuple[str, ...] = ()
    wlang: tuple[str, ...] = ()
    wlangb: tuple[str, ...] = ()
    acat: tuple[str, ...] = ()
    bcat: tuple[str, ...] = ()
    cattax: int = 1
    badv: tuple[str, ...] = ()
    bapp: tuple[str, ...] = ()
    source: Source | None = None
    regs: Regs | None = None
    ext: Extension | None = None
