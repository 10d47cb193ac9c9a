from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DurFloors(_message.Message):
    __slots__ = ("mindur", "maxdur", "bidfloor")
    MINDUR_FIELD_NUMBER: _ClassVar[int]
    MAXDUR_FIELD_NUMBER: _ClassVar[int]
    BIDFLOOR_FIELD_NUMBER: _ClassVar[int]
    mindur: int
    maxdur: int
    bidfloor: float
    def __init__(self, mindur: _Optional[int] = ..., maxdur: _Optional[int] = ..., bidfloor: _Optional[float] = ...) -> None: ...

class Banner(_message.Message):
    __slots__ = ("w", "h", "id", "pos", "btype", "battr", "mimes", "topframe", "expdir", "api", "format", "vcm")
    W_FIELD_NUMBER: _ClassVar[int]
    H_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    POS_FIELD_NUMBER: _ClassVar[int]
    BTYPE_FIELD_NUMBER: _ClassVar[int]
    BATTR_FIELD_NUMBER: _ClassVar[int]
    MIMES_FIELD_NUMBER: _ClassVar[int]
    TOPFRAME_FIELD_NUMBER: _ClassVar[int]
    EXPDIR_FIELD_NUMBER: _ClassVar[int]
    API_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    VCM_FIELD_NUMBER: _ClassVar[int]
    w: int
    h: int
    id: str
    pos: int
    btype: _containers.RepeatedScalarFieldContainer[int]
    battr: _containers.RepeatedScalarFieldContainer[int]
    mimes: _containers.RepeatedScalarFieldContainer[str]
    topframe: bool
    expdir: _containers.RepeatedScalarFieldContainer[int]
    api: _containers.RepeatedScalarFieldContainer[int]
    format: _containers.RepeatedCompositeFieldContainer[Format]
    vcm: bool
    def __init__(self, w: _Optional[int] = ..., h: _Optional[int] = ..., id: _Optional[str] = ..., pos: _Optional[int] = ..., btype: _Optional[_Iterable[int]] = ..., battr: _Optional[_Iterable[int]] = ..., mimes: _Optional[_Iterable[str]] = ..., topframe: _Optional[bool] = ..., expdir: _Optional[_Iterable[int]] = ..., api: _Optional[_Iterable[int]] = ..., format: _Optional[_Iterable[_Union[Format, _Mapping]]] = ..., vcm: _Optional[bool] = ...) -> None: ...

class Format(_message.Message):
    __slots__ = ("w", "h", "wratio", "hratio", "wmin")
    W_FIELD_NUMBER: _ClassVar[int]
    H_FIELD_NUMBER: _ClassVar[int]
    WRATIO_FIELD_NUMBER: _ClassVar[int]
    HRATIO_FIELD_NUMBER: _ClassVar[int]
    WMIN_FIELD_NUMBER: _ClassVar[int]
    w: int
    h: int
    wratio: int
    hratio: int
    wmin: int
    def __init__(self, w: _Optional[int] = ..., h: _Optional[int] = ..., wratio: _Optional[int] = ..., hratio: _Optional[int] = ..., wmin: _Optional[int] = ...) -> None: ...

class Video(_message.Message):
    __slots__ = ("mimes", "linearity", "minduration", "maxduration", "w", "h", "startdelay", "sequence", "battr", "maxextended", "minbitrate", "maxbitrate", "boxingallowed", "playbackmethod", "delivery", "pos", "companionad", "api", "companiontype", "protocols", "skip", "skipmin", "skipafter", "placement", "playbackend", "maxseq", "poddur", "podid", "podseq", "rqddurs", "slotinpod", "mincpmpersec", "plcmt", "durfloors", "poddedupe")
    MIMES_FIELD_NUMBER: _ClassVar[int]
    LINEARITY_FIELD_NUMBER: _ClassVar[int]
    MINDURATION_FIELD_NUMBER: _ClassVar[int]
    MAXDURATION_FIELD_NUMBER: _ClassVar[int]
    W_FIELD_NUMBER: _ClassVar[int]
    H_FIELD_NUMBER: _ClassVar[int]
    STARTDELAY_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    BATTR_FIELD_NUMBER: _ClassVar[int]
    MAXEXTENDED_FIELD_NUMBER: _ClassVar[int]
    MINBITRATE_FIELD_NUMBER: _ClassVar[int]
    MAXBITRATE_FIELD_NUMBER: _ClassVar[int]
    BOXINGALLOWED_FIELD_NUMBER: _ClassVar[int]
    PLAYBACKMETHOD_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    POS_FIELD_NUMBER: _ClassVar[int]
    COMPANIONAD_FIELD_NUMBER: _ClassVar[int]
    API_FIELD_NUMBER: _ClassVar[int]
    COMPANIONTYPE_FIELD_NUMBER: _ClassVar[int]
    PROTOCOLS_FIELD_NUMBER: _ClassVar[int]
    SKIP_FIELD_NUMBER: _ClassVar[int]
    SKIPMIN_FIELD_NUMBER: _ClassVar[int]
    SKIPAFTER_FIELD_NUMBER: _ClassVar[int]
    PLACEMENT_FIELD_NUMBER: _ClassVar[int]
    PLAYBACKEND_FIELD_NUMBER: _ClassVar[int]
    MAXSEQ_FIELD_NUMBER: _ClassVar[int]
    PODDUR_FIELD_NUMBER: _ClassVar[int]
    PODID_FIELD_NUMBER: _ClassVar[int]
    PODSEQ_FIELD_NUMBER: _ClassVar[int]
    RQDDURS_FIELD_NUMBER: _ClassVar[int]
    SLOTINPOD_FIELD_NUMBER: _ClassVar[int]
    MINCPMPERSEC_FIELD_NUMBER: _ClassVar[int]
    PLCMT_FIELD_NUMBER: _ClassVar[int]
    DURFLOORS_FIELD_NUMBER: _ClassVar[int]
    PODDEDUPE_FIELD_NUMBER: _ClassVar[int]
    mimes: _containers.RepeatedScalarFieldContainer[str]
    linearity: int
    minduration: int
    maxduration: int
    w: int
    h: int
    startdelay: int
    sequence: int
    battr: _containers.RepeatedScalarFieldContainer[int]
    maxextended: int
    minbitrate: int
    maxbitrate: int
    boxingallowed: bool
    playbackmethod: _containers.RepeatedScalarFieldContainer[int]
    delivery: _containers.RepeatedScalarFieldContainer[int]
    pos: int
    companionad: _containers.RepeatedCompositeFieldContainer[Banner]
    api: _containers.RepeatedScalarFieldContainer[int]
    companiontype: _containers.RepeatedScalarFieldContainer[int]
    protocols: _containers.RepeatedScalarFieldContainer[int]
    skip: bool
    skipmin: int
    skipafter: int
    placement: int
    playbackend: int
    maxseq: int
    poddur: int
    podid: str
    podseq: int
    rqddurs: _containers.RepeatedScalarFieldContainer[int]
    slotinpod: int
    mincpmpersec: float
    plcmt: int
    durfloors: _containers.RepeatedCompositeFieldContainer[DurFloors]
    poddedupe: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, mimes: _Optional[_Iterable[str]] = ..., linearity: _Optional[int] = ..., minduration: _Optional[int] = ..., maxduration: _Optional[int] = ..., w: _Optional[int] = ..., h: _Optional[int] = ..., startdelay: _Optional[int] = ..., sequence: _Optional[int] = ..., battr: _Optional[_Iterable[int]] = ..., maxextended: _Optional[int] = ..., minbitrate: _Optional[int] = ..., maxbitrate: _Optional[int] = ..., boxingallowed: _Optional[bool] = ..., playbackmethod: _Optional[_Iterable[int]] = ..., delivery: _Optional[_Iterable[int]] = ..., pos: _Optional[int] = ..., companionad: _Optional[_Iterable[_Union[Banner, _Mapping]]] = ..., api: _Optional[_Iterable[int]] = ..., companiontype: _Optional[_Iterable[int]] = ..., protocols: _Optional[_Iterable[int]] = ..., skip: _Optional[bool] = ..., skipmin: _Optional[int] = ..., skipafter: _Optional[int] = ..., placement: _Optional[int] = ..., playbackend: _Optional[int] = ..., maxseq: _Optional[int] = ..., poddur: _Optional[int] = ..., podid: _Optional[str] = ..., podseq: _Optional[int] = ..., rqddurs: _Optional[_Iterable[int]] = ..., slotinpod: _Optional[int] = ..., mincpmpersec: _Optional[float] = ..., plcmt: _Optional[int] = ..., durfloors: _Optional[_Iterable[_Union[DurFloors, _Mapping]]] = ..., poddedupe: _Optional[_Iterable[int]] = ...) -> None: ...

class Audio(_message.Message):
    __slots__ = ("mimes", "minduration", "maxduration", "protocols", "startdelay", "sequence", "battr", "maxextended", "minbitrate", "maxbitrate", "delivery", "companionad", "api", "companiontype", "maxseq", "feed", "stitched", "nvol", "poddur", "rqddurs", "podid", "podseq", "slotinpod", "mincpmpersec", "durfloors")
    MIMES_FIELD_NUMBER: _ClassVar[int]
    MINDURATION_FIELD_NUMBER: _ClassVar[int]
    MAXDURATION_FIELD_NUMBER: _ClassVar[int]
    PROTOCOLS_FIELD_NUMBER: _ClassVar[int]
    STARTDELAY_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    BATTR_FIELD_NUMBER: _ClassVar[int]
    MAXEXTENDED_FIELD_NUMBER: _ClassVar[int]
    MINBITRATE_FIELD_NUMBER: _ClassVar[int]
    MAXBITRATE_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    COMPANIONAD_FIELD_NUMBER: _ClassVar[int]
    API_FIELD_NUMBER: _ClassVar[int]
    COMPANIONTYPE_FIELD_NUMBER: _ClassVar[int]
    MAXSEQ_FIELD_NUMBER: _ClassVar[int]
    FEED_FIELD_NUMBER: _ClassVar[int]
    STITCHED_FIELD_NUMBER: _ClassVar[int]
    NVOL_FIELD_NUMBER: _ClassVar[int]
    PODDUR_FIELD_NUMBER: _ClassVar[int]
    RQDDURS_FIELD_NUMBER: _ClassVar[int]
    PODID_FIELD_NUMBER: _ClassVar[int]
    PODSEQ_FIELD_NUMBER: _ClassVar[int]
    SLOTINPOD_FIELD_NUMBER: _ClassVar[int]
    MINCPMPERSEC_FIELD_NUMBER: _ClassVar[int]
    DURFLOORS_FIELD_NUMBER: _ClassVar[int]
    mimes: _containers.RepeatedScalarFieldContainer[str]
    minduration: int
    maxduration: int
    protocols: _containers.RepeatedScalarFieldContainer[int]
    startdelay: int
    sequence: int
    battr: _containers.RepeatedScalarFieldContainer[int]
    maxextended: int
    minbitrate: int
    maxbitrate: int
    delivery: _containers.RepeatedScalarFieldContainer[int]
    companionad: _containers.RepeatedCompositeFieldContainer[Banner]
    api: _containers.RepeatedScalarFieldContainer[int]
    companiontype: _containers.RepeatedScalarFieldContainer[int]
    maxseq: int
    feed: int
    stitched: bool
    nvol: int
    poddur: int
    rqddurs: _containers.RepeatedScalarFieldContainer[int]
    podid: str
    podseq: int
    slotinpod: int
    mincpmpersec: float
    durfloors: _containers.RepeatedCompositeFieldContainer[DurFloors]
    def __init__(self, mimes: _Optional[_Iterable[str]] = ..., minduration: _Optional[int] = ..., maxduration: _Optional[int] = ..., protocols: _Optional[_Iterable[int]] = ..., startdelay: _Optional[int] = ..., sequence: _Optional[int] = ..., battr: _Optional[_Iterable[int]] = ..., maxextended: _Optional[int] = ..., minbitrate: _Optional[int] = ..., maxbitrate: _Optional[int] = ..., delivery: _Optional[_Iterable[int]] = ..., companionad: _Optional[_Iterable[_Union[Banner, _Mapping]]] = ..., api: _Optional[_Iterable[int]] = ..., companiontype: _Optional[_Iterable[int]] = ..., maxseq: _Optional[int] = ..., feed: _Optional[int] = ..., stitched: _Optional[bool] = ..., nvol: _Optional[int] = ..., poddur: _Optional[int] = ..., rqddurs: _Optional[_Iterable[int]] = ..., podid: _Optional[str] = ..., podseq: _Optional[int] = ..., slotinpod: _Optional[int] = ..., mincpmpersec: _Optional[float] = ..., durfloors: _Optional[_Iterable[_Union[DurFloors, _Mapping]]] = ...) -> None: ...

class Native(_message.Message):
    __slots__ = ("request", "ver", "api", "battr", "request_native")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    VER_FIELD_NUMBER: _ClassVar[int]
    API_FIELD_NUMBER: _ClassVar[int]
    BATTR_FIELD_NUMBER: _ClassVar[int]
    REQUEST_NATIVE_FIELD_NUMBER: _ClassVar[int]
    request: str
    ver: str
    api: _containers.RepeatedScalarFieldContainer[int]
    battr: _containers.RepeatedScalarFieldContainer[int]
    request_native: NativeRequest
    def __init__(self, request: _Optional[str] = ..., ver: _Optional[str] = ..., api: _Optional[_Iterable[int]] = ..., battr: _Optional[_Iterable[int]] = ..., request_native: _Optional[_Union[NativeRequest, _Mapping]] = ...) -> None: ...

class NativeRequest(_message.Message):
    __slots__ = ("ver", "plcmtcnt", "seq", "assets", "context", "contextsubtype", "plcmttype", "aurlsupport", "durlsupport", "eventtrackers", "privacy")
    VER_FIELD_NUMBER: _ClassVar[int]
    PLCMTCNT_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    ASSETS_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    CONTEXTSUBTYPE_FIELD_NUMBER: _ClassVar[int]
    PLCMTTYPE_FIELD_NUMBER: _ClassVar[int]
    AURLSUPPORT_FIELD_NUMBER: _ClassVar[int]
    DURLSUPPORT_FIELD_NUMBER: _ClassVar[int]
    EVENTTRACKERS_FIELD_NUMBER: _ClassVar[int]
    PRIVACY_FIELD_NUMBER: _ClassVar[int]
    ver: str
    plcmtcnt: int
    seq: int
    assets: _containers.RepeatedCompositeFieldContainer[NativeAsset]
    context: int
    contextsubtype: int
    plcmttype: int
    aurlsupport: bool
    durlsupport: bool
    eventtrackers: _containers.RepeatedCompositeFieldContainer[NativeEventTracker]
    privacy: bool
    def __init__(self, ver: _Optional[str] = ..., plcmtcnt: _Optional[int] = ..., seq: _Optional[int] = ..., assets: _Optional[_Iterable[_Union[NativeAsset, _Mapping]]] = ..., context: _Optional[int] = ..., contextsubtype: _Optional[int] = ..., plcmttype: _Optional[int] = ..., aurlsupport: _Optional[bool] = ..., durlsupport: _Optional[bool] = ..., eventtrackers: _Optional[_Iterable[_Union[NativeEventTracker, _Mapping]]] = ..., privacy: _Optional[bool] = ...) -> None: ...

class NativeAsset(_message.Message):
    __slots__ = ("id", "required", "title", "img", "video", "data")
    ID_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    IMG_FIELD_NUMBER: _ClassVar[int]
    VIDEO_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    id: int
    required: bool
    title: NativeTitle
    img: NativeImage
    video: Video
    data: NativeData
    def __init__(self, id: _Optional[int] = ..., required: _Optional[bool] = ..., title: _Optional[_Union[NativeTitle, _Mapping]] = ..., img: _Optional[_Union[NativeImage, _Mapping]] = ..., video: _Optional[_Union[Video, _Mapping]] = ..., data: _Optional[_Union[NativeData, _Mapping]] = ...) -> None: ...

class NativeTitle(_message.Message):
    __slots__ = ("len",)
    LEN_FIELD_NUMBER: _ClassVar[int]
    len: int
    def __init__(self, len: _Optional[int] = ...) -> None: ...

class NativeImage(_message.Message):
    __slots__ = ("type", "w", "h", "wmin", "hmin", "mimes")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    W_FIELD_NUMBER: _ClassVar[int]
    H_FIELD_NUMBER: _ClassVar[int]
    WMIN_FIELD_NUMBER: _ClassVar[int]
    HMIN_FIELD_NUMBER: _ClassVar[int]
    MIMES_FIELD_NUMBER: _ClassVar[int]
    type: int
    w: int
    h: int
    wmin: int
    hmin: int
    mimes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, type: _Optional[int] = ..., w: _Optional[int] = ..., h: _Optional[int] = ..., wmin: _Optional[int] = ..., hmin: _Optional[int] = ..., mimes: _Optional[_Iterable[str]] = ...) -> None: ...

class NativeData(_message.Message):
    __slots__ = ("type", "len")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    LEN_FIELD_NUMBER: _ClassVar[int]
    type: int
    len: int
    def __init__(self, type: _Optional[int] = ..., len: _Optional[int] = ...) -> None: ...

class NativeEventTracker(_message.Message):
    __slots__ = ("event", "methods")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    METHODS_FIELD_NUMBER: _ClassVar[int]
    event: int
    methods: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, event: _Optional[int] = ..., methods: _Optional[_Iterable[int]] = ...) -> None: ...
