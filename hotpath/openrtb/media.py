"""What an impression can be filled with: OpenRTB 2.6 sections 3.2.6 to 3.2.10 and 3.2.35. Holds data alone."""

from hotpath.openrtb.base import Extension, Wire


class Format(Wire):
    """3.2.10: a size, or a ratio with a least width."""

    w: int = 0
    h: int = 0
    wratio: int = 0
    hratio: int = 0
    wmin: int = 0
    ext: Extension | None = None


class Banner(Wire):
    """3.2.6."""

    format: tuple[Format, ...] = ()
    w: int = 0
    h: int = 0
    btype: tuple[int, ...] = ()
    battr: tuple[int, ...] = ()
    pos: int = 0
    mimes: tuple[str, ...] = ()
    topframe: int = 0
    expdir: tuple[int, ...] = ()
    api: tuple[int, ...] = ()
    id: str = ""
    vcm: int = 0
    ext: Extension | None = None


class DurFloors(Wire):
    """3.2.35: a floor for a range of durations in seconds."""

    mindur: int = 0
    maxdur: int = 0
    bidfloor: float = 0.0
    ext: Extension | None = None


class Video(Wire):
    """3.2.7. `mimes` is required; `linearity` 0 means that both are fine."""

    mimes: tuple[str, ...]
    minduration: int = 0
    maxduration: int = 0
    startdelay: int | None = None
    maxseq: int = 0
    poddur: int = 0
    protocols: tuple[int, ...] = ()
    w: int = 0
    h: int = 0
    podid: str | int = ""
    podseq: int = 0
    rqddurs: tuple[int, ...] = ()
    placement: int = 0
    plcmt: int = 0
    linearity: int = 0
    skip: int = 0
    skipmin: int = 0
    skipafter: int = 0
    sequence: int = 0
    slotinpod: int = 0
    mincpmpersec: float = 0.0
    battr: tuple[int, ...] = ()
    maxextended: int = 0
    minbitrate: int = 0
    maxbitrate: int = 0
    boxingallowed: int = 1
    playbackmethod: tuple[int, ...] = ()
    playbackend: int = 0
    delivery: tuple[int, ...] = ()
    pos: int = 0
    companionad: tuple[Banner, ...] = ()
    api: tuple[int, ...] = ()
    companiontype: tuple[int, ...] = ()
    poddedupe: tuple[int, ...] = ()
    durfloors: tuple[DurFloors, ...] = ()
    ext: Extension | None = None


class Audio(Wire):
    """3.2.8. `mimes` is required."""

    mimes: tuple[str, ...]
    minduration: int = 0
    maxduration: int = 0
    poddur: int = 0
    protocols: tuple[int, ...] = ()
    startdelay: int | None = None
    rqddurs: tuple[int, ...] = ()
    podid: str | int = ""
    podseq: int = 0
    sequence: int = 0
    slotinpod: int = 0
    mincpmpersec: float = 0.0
    battr: tuple[int, ...] = ()
    maxextended: int = 0
    minbitrate: int = 0
    maxbitrate: int = 0
    delivery: tuple[int, ...] = ()
    companionad: tuple[Banner, ...] = ()
    api: tuple[int, ...] = ()
    companiontype: tuple[int, ...] = ()
    maxseq: int = 0
    feed: int = 0
    stitched: int = 0
    nvol: int = 0
    durfloors: tuple[DurFloors, ...] = ()
    ext: Extension | None = None


class Native(Wire):
    """3.2.9. `request` is required: a text that `hotpath/openrtb/native.py` reads."""

    request: str
    ver: str = ""
    api: tuple[int, ...] = ()
    battr: tuple[int, ...] = ()
    ext: Extension | None = None
