from hotpath.grpc import media_pb2 as _media_pb2
from hotpath.grpc import surroundings_pb2 as _surroundings_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BidRequest(_message.Message):
    __slots__ = ("id", "imp", "site", "app", "dooh", "device", "user", "test", "at", "tmax", "wseat", "bseat", "allimps", "cur", "wlang", "wlangb", "acat", "bcat", "cattax", "badv", "bapp", "source", "regs")
    ID_FIELD_NUMBER: _ClassVar[int]
    IMP_FIELD_NUMBER: _ClassVar[int]
    SITE_FIELD_NUMBER: _ClassVar[int]
    APP_FIELD_NUMBER: _ClassVar[int]
    DOOH_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    TEST_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    TMAX_FIELD_NUMBER: _ClassVar[int]
    WSEAT_FIELD_NUMBER: _ClassVar[int]
    BSEAT_FIELD_NUMBER: _ClassVar[int]
    ALLIMPS_FIELD_NUMBER: _ClassVar[int]
    CUR_FIELD_NUMBER: _ClassVar[int]
    WLANG_FIELD_NUMBER: _ClassVar[int]
    WLANGB_FIELD_NUMBER: _ClassVar[int]
    ACAT_FIELD_NUMBER: _ClassVar[int]
    BCAT_FIELD_NUMBER: _ClassVar[int]
    CATTAX_FIELD_NUMBER: _ClassVar[int]
    BADV_FIELD_NUMBER: _ClassVar[int]
    BAPP_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    REGS_FIELD_NUMBER: _ClassVar[int]
    id: str
    imp: _containers.RepeatedCompositeFieldContainer[Imp]
    site: _surroundings_pb2.Site
    app: _surroundings_pb2.App
    dooh: _surroundings_pb2.Dooh
    device: _surroundings_pb2.Device
    user: _surroundings_pb2.User
    test: bool
    at: int
    tmax: int
    wseat: _containers.RepeatedScalarFieldContainer[str]
    bseat: _containers.RepeatedScalarFieldContainer[str]
    allimps: bool
    cur: _containers.RepeatedScalarFieldContainer[str]
    wlang: _containers.RepeatedScalarFieldContainer[str]
    wlangb: _containers.RepeatedScalarFieldContainer[str]
    acat: _containers.RepeatedScalarFieldContainer[str]
    bcat: _containers.RepeatedScalarFieldContainer[str]
    cattax: int
    badv: _containers.RepeatedScalarFieldContainer[str]
    bapp: _containers.RepeatedScalarFieldContainer[str]
    source: Source
    regs: Regs
    def __init__(self, id: _Optional[str] = ..., imp: _Optional[_Iterable[_Union[Imp, _Mapping]]] = ..., site: _Optional[_Union[_surroundings_pb2.Site, _Mapping]] = ..., app: _Optional[_Union[_surroundings_pb2.App, _Mapping]] = ..., dooh: _Optional[_Union[_surroundings_pb2.Dooh, _Mapping]] = ..., device: _Optional[_Union[_surroundings_pb2.Device, _Mapping]] = ..., user: _Optional[_Union[_surroundings_pb2.User, _Mapping]] = ..., test: _Optional[bool] = ..., at: _Optional[int] = ..., tmax: _Optional[int] = ..., wseat: _Optional[_Iterable[str]] = ..., bseat: _Optional[_Iterable[str]] = ..., allimps: _Optional[bool] = ..., cur: _Optional[_Iterable[str]] = ..., wlang: _Optional[_Iterable[str]] = ..., wlangb: _Optional[_Iterable[str]] = ..., acat: _Optional[_Iterable[str]] = ..., bcat: _Optional[_Iterable[str]] = ..., cattax: _Optional[int] = ..., badv: _Optional[_Iterable[str]] = ..., bapp: _Optional[_Iterable[str]] = ..., source: _Optional[_Union[Source, _Mapping]] = ..., regs: _Optional[_Union[Regs, _Mapping]] = ...) -> None: ...

class Source(_message.Message):
    __slots__ = ("fd", "tid", "pchain", "schain", "ext")
    FD_FIELD_NUMBER: _ClassVar[int]
    TID_FIELD_NUMBER: _ClassVar[int]
    PCHAIN_FIELD_NUMBER: _ClassVar[int]
    SCHAIN_FIELD_NUMBER: _ClassVar[int]
    EXT_FIELD_NUMBER: _ClassVar[int]
    fd: bool
    tid: str
    pchain: str
    schain: SupplyChain
    ext: SourceExt
    def __init__(self, fd: _Optional[bool] = ..., tid: _Optional[str] = ..., pchain: _Optional[str] = ..., schain: _Optional[_Union[SupplyChain, _Mapping]] = ..., ext: _Optional[_Union[SourceExt, _Mapping]] = ...) -> None: ...

class SourceExt(_message.Message):
    __slots__ = ("schain",)
    SCHAIN_FIELD_NUMBER: _ClassVar[int]
    schain: SupplyChain
    def __init__(self, schain: _Optional[_Union[SupplyChain, _Mapping]] = ...) -> None: ...

class SupplyChain(_message.Message):
    __slots__ = ("complete", "nodes", "ver")
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    VER_FIELD_NUMBER: _ClassVar[int]
    complete: bool
    nodes: _containers.RepeatedCompositeFieldContainer[SupplyChainNode]
    ver: str
    def __init__(self, complete: _Optional[bool] = ..., nodes: _Optional[_Iterable[_Union[SupplyChainNode, _Mapping]]] = ..., ver: _Optional[str] = ...) -> None: ...

class SupplyChainNode(_message.Message):
    __slots__ = ("asi", "sid", "rid", "name", "domain", "hp")
    ASI_FIELD_NUMBER: _ClassVar[int]
    SID_FIELD_NUMBER: _ClassVar[int]
    RID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    HP_FIELD_NUMBER: _ClassVar[int]
    asi: str
    sid: str
    rid: str
    name: str
    domain: str
    hp: bool
    def __init__(self, asi: _Optional[str] = ..., sid: _Optional[str] = ..., rid: _Optional[str] = ..., name: _Optional[str] = ..., domain: _Optional[str] = ..., hp: _Optional[bool] = ...) -> None: ...

class Regs(_message.Message):
    __slots__ = ("coppa", "gpp", "gpp_sid", "gdpr", "us_privacy", "ext")
    COPPA_FIELD_NUMBER: _ClassVar[int]
    GPP_FIELD_NUMBER: _ClassVar[int]
    GPP_SID_FIELD_NUMBER: _ClassVar[int]
    GDPR_FIELD_NUMBER: _ClassVar[int]
    US_PRIVACY_FIELD_NUMBER: _ClassVar[int]
    EXT_FIELD_NUMBER: _ClassVar[int]
    coppa: bool
    gpp: str
    gpp_sid: _containers.RepeatedScalarFieldContainer[int]
    gdpr: bool
    us_privacy: str
    ext: RegsExt
    def __init__(self, coppa: _Optional[bool] = ..., gpp: _Optional[str] = ..., gpp_sid: _Optional[_Iterable[int]] = ..., gdpr: _Optional[bool] = ..., us_privacy: _Optional[str] = ..., ext: _Optional[_Union[RegsExt, _Mapping]] = ...) -> None: ...

class RegsExt(_message.Message):
    __slots__ = ("gdpr", "us_privacy", "gpc")
    GDPR_FIELD_NUMBER: _ClassVar[int]
    US_PRIVACY_FIELD_NUMBER: _ClassVar[int]
    GPC_FIELD_NUMBER: _ClassVar[int]
    gdpr: bool
    us_privacy: str
    gpc: str
    def __init__(self, gdpr: _Optional[bool] = ..., us_privacy: _Optional[str] = ..., gpc: _Optional[str] = ...) -> None: ...

class Imp(_message.Message):
    __slots__ = ("id", "banner", "video", "displaymanager", "displaymanagerver", "instl", "tagid", "bidfloor", "bidfloorcur", "iframebuster", "pmp", "secure", "native", "exp", "audio", "clickbrowser", "metric", "rwdd", "ssai", "qty", "dt", "refresh")
    ID_FIELD_NUMBER: _ClassVar[int]
    BANNER_FIELD_NUMBER: _ClassVar[int]
    VIDEO_FIELD_NUMBER: _ClassVar[int]
    DISPLAYMANAGER_FIELD_NUMBER: _ClassVar[int]
    DISPLAYMANAGERVER_FIELD_NUMBER: _ClassVar[int]
    INSTL_FIELD_NUMBER: _ClassVar[int]
    TAGID_FIELD_NUMBER: _ClassVar[int]
    BIDFLOOR_FIELD_NUMBER: _ClassVar[int]
    BIDFLOORCUR_FIELD_NUMBER: _ClassVar[int]
    IFRAMEBUSTER_FIELD_NUMBER: _ClassVar[int]
    PMP_FIELD_NUMBER: _ClassVar[int]
    SECURE_FIELD_NUMBER: _ClassVar[int]
    NATIVE_FIELD_NUMBER: _ClassVar[int]
    EXP_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    CLICKBROWSER_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    RWDD_FIELD_NUMBER: _ClassVar[int]
    SSAI_FIELD_NUMBER: _ClassVar[int]
    QTY_FIELD_NUMBER: _ClassVar[int]
    DT_FIELD_NUMBER: _ClassVar[int]
    REFRESH_FIELD_NUMBER: _ClassVar[int]
    id: str
    banner: _media_pb2.Banner
    video: _media_pb2.Video
    displaymanager: str
    displaymanagerver: str
    instl: bool
    tagid: str
    bidfloor: float
    bidfloorcur: str
    iframebuster: _containers.RepeatedScalarFieldContainer[str]
    pmp: Pmp
    secure: bool
    native: _media_pb2.Native
    exp: int
    audio: _media_pb2.Audio
    clickbrowser: bool
    metric: _containers.RepeatedCompositeFieldContainer[Metric]
    rwdd: bool
    ssai: int
    qty: Qty
    dt: float
    refresh: Refresh
    def __init__(self, id: _Optional[str] = ..., banner: _Optional[_Union[_media_pb2.Banner, _Mapping]] = ..., video: _Optional[_Union[_media_pb2.Video, _Mapping]] = ..., displaymanager: _Optional[str] = ..., displaymanagerver: _Optional[str] = ..., instl: _Optional[bool] = ..., tagid: _Optional[str] = ..., bidfloor: _Optional[float] = ..., bidfloorcur: _Optional[str] = ..., iframebuster: _Optional[_Iterable[str]] = ..., pmp: _Optional[_Union[Pmp, _Mapping]] = ..., secure: _Optional[bool] = ..., native: _Optional[_Union[_media_pb2.Native, _Mapping]] = ..., exp: _Optional[int] = ..., audio: _Optional[_Union[_media_pb2.Audio, _Mapping]] = ..., clickbrowser: _Optional[bool] = ..., metric: _Optional[_Iterable[_Union[Metric, _Mapping]]] = ..., rwdd: _Optional[bool] = ..., ssai: _Optional[int] = ..., qty: _Optional[_Union[Qty, _Mapping]] = ..., dt: _Optional[float] = ..., refresh: _Optional[_Union[Refresh, _Mapping]] = ...) -> None: ...

class Metric(_message.Message):
    __slots__ = ("type", "value", "vendor")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    VENDOR_FIELD_NUMBER: _ClassVar[int]
    type: str
    value: float
    vendor: str
    def __init__(self, type: _Optional[str] = ..., value: _Optional[float] = ..., vendor: _Optional[str] = ...) -> None: ...

class Qty(_message.Message):
    __slots__ = ("multiplier", "sourcetype", "vendor")
    MULTIPLIER_FIELD_NUMBER: _ClassVar[int]
    SOURCETYPE_FIELD_NUMBER: _ClassVar[int]
    VENDOR_FIELD_NUMBER: _ClassVar[int]
    multiplier: float
    sourcetype: int
    vendor: str
    def __init__(self, multiplier: _Optional[float] = ..., sourcetype: _Optional[int] = ..., vendor: _Optional[str] = ...) -> None: ...

class Refresh(_message.Message):
    __slots__ = ("refsettings", "count")
    REFSETTINGS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    refsettings: _containers.RepeatedCompositeFieldContainer[RefSettings]
    count: int
    def __init__(self, refsettings: _Optional[_Iterable[_Union[RefSettings, _Mapping]]] = ..., count: _Optional[int] = ...) -> None: ...

class RefSettings(_message.Message):
    __slots__ = ("reftype", "minint")
    REFTYPE_FIELD_NUMBER: _ClassVar[int]
    MININT_FIELD_NUMBER: _ClassVar[int]
    reftype: int
    minint: int
    def __init__(self, reftype: _Optional[int] = ..., minint: _Optional[int] = ...) -> None: ...

class Pmp(_message.Message):
    __slots__ = ("private_auction", "deals")
    PRIVATE_AUCTION_FIELD_NUMBER: _ClassVar[int]
    DEALS_FIELD_NUMBER: _ClassVar[int]
    private_auction: bool
    deals: _containers.RepeatedCompositeFieldContainer[Deal]
    def __init__(self, private_auction: _Optional[bool] = ..., deals: _Optional[_Iterable[_Union[Deal, _Mapping]]] = ...) -> None: ...

class Deal(_message.Message):
    __slots__ = ("id", "bidfloor", "bidfloorcur", "wseat", "wadomain", "at", "guar", "mincpmpersec", "durfloors")
    ID_FIELD_NUMBER: _ClassVar[int]
    BIDFLOOR_FIELD_NUMBER: _ClassVar[int]
    BIDFLOORCUR_FIELD_NUMBER: _ClassVar[int]
    WSEAT_FIELD_NUMBER: _ClassVar[int]
    WADOMAIN_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    GUAR_FIELD_NUMBER: _ClassVar[int]
    MINCPMPERSEC_FIELD_NUMBER: _ClassVar[int]
    DURFLOORS_FIELD_NUMBER: _ClassVar[int]
    id: str
    bidfloor: float
    bidfloorcur: str
    wseat: _containers.RepeatedScalarFieldContainer[str]
    wadomain: _containers.RepeatedScalarFieldContainer[str]
    at: int
    guar: int
    mincpmpersec: float
    durfloors: _containers.RepeatedCompositeFieldContainer[_media_pb2.DurFloors]
    def __init__(self, id: _Optional[str] = ..., bidfloor: _Optional[float] = ..., bidfloorcur: _Optional[str] = ..., wseat: _Optional[_Iterable[str]] = ..., wadomain: _Optional[_Iterable[str]] = ..., at: _Optional[int] = ..., guar: _Optional[int] = ..., mincpmpersec: _Optional[float] = ..., durfloors: _Optional[_Iterable[_Union[_media_pb2.DurFloors, _Mapping]]] = ...) -> None: ...
