"""An impression and how it may be bought: OpenRTB 2.6 sections 3.2.4, 3.2.5, 3.2.11, 3.2.12, 3.2.31 to 3.2.34.

Holds data alone.
"""

from hotpath.openrtb.base import Extension, Wire
from hotpath.openrtb.media import Audio, Banner, DurFloors, Native, Video


class Metric(Wire):
    """3.2.5. `type` and `value` are required."""

    type: str
    value: float
    vendor: str = ""
    ext: Extension | None = None


class Deal(Wire):
    """3.2.12. `id` is required; the floor's currency is USD unless told, whatever the impression's is."""

    id: str
    bidfloor: float = 0.0
    bidfloorcur: str = "USD"
    at: int = 0
    wseat: tuple[str, ...] = ()
    wadomain: tuple[str, ...] = ()
    guar: int = 0
    mincpmpersec: float = 0.0
    durfloors: tuple[DurFloors, ...] = ()
    ext: Extension | None = None


class Pmp(Wire):
    """3.2.11."""

    private_auction: int = 0
    deals: tuple[Deal, ...] = ()
    ext: Extension | None = None


class Qty(Wire):
    """3.2.31: how many people one showing reaches."""

    multiplier: float
    sourcetype: int = 0
    vendor: str = ""
    ext: Extension | None = None


class RefSettings(Wire):
    """3.2.34: why and how often a slot is filled anew, in seconds."""

    reftype: int = 0
    minint: int = 0
    ext: Extension | None = None


class Refresh(Wire):
    """3.2.33."""

    refsettings: tuple[RefSettings, ...] = ()
    count: int | None = None
    ext: Extension | None = None


class Imp(Wire):
    """3.2.4. `id` is required, and at least one of the four media."""

    id: str
    metric: tuple[Metric, ...] = ()
    banner: Banner | None = None
    video: Video | None = None
    audio: Audio | None = None
    native: Native | None = None
    pmp: Pmp | None = None
    displaymanager: str = ""
    displaymanagerver: str = ""
    instl: int = 0
    tagid: str = ""
    bidfloor: float = 0.0
    bidfloorcur: str = "USD"
    clickbrowser: int = 0
    secure: int = 0
    iframebuster: tuple[str, ...] = ()
    rwdd: int = 0
    ssai: int = 0
    exp: int = 0
    qty: Qty | None = None
    dt: float = 0.0
    refresh: Refresh | None = None
    ext: Extension | None = None
