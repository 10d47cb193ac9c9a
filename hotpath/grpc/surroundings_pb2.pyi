from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Site(_message.Message):
    __slots__ = ("id", "name", "domain", "cat", "sectioncat", "pagecat", "page", "privacypolicy", "ref", "search", "publisher", "content", "keywords", "mobile", "cattax", "inventorypartnerdomain", "kwarray")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    CAT_FIELD_NUMBER: _ClassVar[int]
    SECTIONCAT_FIELD_NUMBER: _ClassVar[int]
    PAGECAT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    PRIVACYPOLICY_FIELD_NUMBER: _ClassVar[int]
    REF_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    PUBLISHER_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    KEYWORDS_FIELD_NUMBER: _ClassVar[int]
    MOBILE_FIELD_NUMBER: _ClassVar[int]
    CATTAX_FIELD_NUMBER: _ClassVar[int]
    INVENTORYPARTNERDOMAIN_FIELD_NUMBER: _ClassVar[int]
    KWARRAY_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    domain: str
    cat: _containers.RepeatedScalarFieldContainer[str]
    sectioncat: _containers.RepeatedScalarFieldContainer[str]
    pagecat: _containers.RepeatedScalarFieldContainer[str]
    page: str
    privacypolicy: bool
    ref: str
    search: str
    publisher: Publisher
    content: Content
    keywords: str
    mobile: bool
    cattax: int
    inventorypartnerdomain: str
    kwarray: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., domain: _Optional[str] = ..., cat: _Optional[_Iterable[str]] = ..., sectioncat: _Optional[_Iterable[str]] = ..., pagecat: _Optional[_Iterable[str]] = ..., page: _Optional[str] = ..., privacypolicy: _Optional[bool] = ..., ref: _Optional[str] = ..., search: _Optional[str] = ..., publisher: _Optional[_Union[Publisher, _Mapping]] = ..., content: _Optional[_Union[Content, _Mapping]] = ..., keywords: _Optional[str] = ..., mobile: _Optional[bool] = ..., cattax: _Optional[int] = ..., inventorypartnerdomain: _Optional[str] = ..., kwarray: _Optional[_Iterable[str]] = ...) -> None: ...

class App(_message.Message):
    __slots__ = ("id", "name", "domain", "cat", "sectioncat", "pagecat", "ver", "bundle", "privacypolicy", "paid", "publisher", "content", "keywords", "storeurl", "cattax", "inventorypartnerdomain", "kwarray")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    CAT_FIELD_NUMBER: _ClassVar[int]
    SECTIONCAT_FIELD_NUMBER: _ClassVar[int]
    PAGECAT_FIELD_NUMBER: _ClassVar[int]
    VER_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    PRIVACYPOLICY_FIELD_NUMBER: _ClassVar[int]
    PAID_FIELD_NUMBER: _ClassVar[int]
    PUBLISHER_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    KEYWORDS_FIELD_NUMBER: _ClassVar[int]
    STOREURL_FIELD_NUMBER: _ClassVar[int]
    CATTAX_FIELD_NUMBER: _ClassVar[int]
    INVENTORYPARTNERDOMAIN_FIELD_NUMBER: _ClassVar[int]
    KWARRAY_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    domain: str
    cat: _containers.RepeatedScalarFieldContainer[str]
    sectioncat: _containers.RepeatedScalarFieldContainer[str]
    pagecat: _containers.RepeatedScalarFieldContainer[str]
    ver: str
    bundle: str
    privacypolicy: bool
    paid: bool
    publisher: Publisher
    content: Content
    keywords: str
    storeurl: str
    cattax: int
    inventorypartnerdomain: str
    kwarray: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., domain: _Optional[str] = ..., cat: _Optional[_Iterable[str]] = ..., sectioncat: _Optional[_Iterable[str]] = ..., pagecat: _Optional[_Iterable[str]] = ..., ver: _Optional[str] = ..., bundle: _Optional[str] = ..., privacypolicy: _Optional[bool] = ..., paid: _Optional[bool] = ..., publisher: _Optional[_Union[Publisher, _Mapping]] = ..., content: _Optional[_Union[Content, _Mapping]] = ..., keywords: _Optional[str] = ..., storeurl: _Optional[str] = ..., cattax: _Optional[int] = ..., inventorypartnerdomain: _Optional[str] = ..., kwarray: _Optional[_Iterable[str]] = ...) -> None: ...

class Dooh(_message.Message):
    __slots__ = ("id", "name", "venuetype", "venuetypetax", "publisher", "domain", "keywords", "content")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VENUETYPE_FIELD_NUMBER: _ClassVar[int]
    VENUETYPETAX_FIELD_NUMBER: _ClassVar[int]
    PUBLISHER_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    KEYWORDS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    venuetype: _containers.RepeatedScalarFieldContainer[str]
    venuetypetax: int
    publisher: Publisher
    domain: str
    keywords: str
    content: Content
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., venuetype: _Optional[_Iterable[str]] = ..., venuetypetax: _Optional[int] = ..., publisher: _Optional[_Union[Publisher, _Mapping]] = ..., domain: _Optional[str] = ..., keywords: _Optional[str] = ..., content: _Optional[_Union[Content, _Mapping]] = ...) -> None: ...

class Publisher(_message.Message):
    __slots__ = ("id", "name", "cat", "domain", "cattax")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CAT_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    CATTAX_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    cat: _containers.RepeatedScalarFieldContainer[str]
    domain: str
    cattax: int
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., cat: _Optional[_Iterable[str]] = ..., domain: _Optional[str] = ..., cattax: _Optional[int] = ...) -> None: ...

class Producer(_message.Message):
    __slots__ = ("id", "name", "cat", "domain", "cattax")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CAT_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    CATTAX_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    cat: _containers.RepeatedScalarFieldContainer[str]
    domain: str
    cattax: int
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., cat: _Optional[_Iterable[str]] = ..., domain: _Optional[str] = ..., cattax: _Optional[int] = ...) -> None: ...

class Network(_message.Message):
    __slots__ = ("id", "name", "domain")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    domain: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., domain: _Optional[str] = ...) -> None: ...

class Channel(_message.Message):
    __slots__ = ("id", "name", "domain")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    domain: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., domain: _Optional[str] = ...) -> None: ...

class Content(_message.Message):
    __slots__ = ("id", "episode", "title", "series", "season", "url", "cat", "keywords", "contentrating", "userrating", "livestream", "sourcerelationship", "producer", "len", "qagmediarating", "embeddable", "language", "context", "artist", "genre", "album", "isrc", "prodq", "cattax", "data", "langb", "network", "channel", "kwarray", "gtax", "genres")
    ID_FIELD_NUMBER: _ClassVar[int]
    EPISODE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    SEASON_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    CAT_FIELD_NUMBER: _ClassVar[int]
    KEYWORDS_FIELD_NUMBER: _ClassVar[int]
    CONTENTRATING_FIELD_NUMBER: _ClassVar[int]
    USERRATING_FIELD_NUMBER: _ClassVar[int]
    LIVESTREAM_FIELD_NUMBER: _ClassVar[int]
    SOURCERELATIONSHIP_FIELD_NUMBER: _ClassVar[int]
    PRODUCER_FIELD_NUMBER: _ClassVar[int]
    LEN_FIELD_NUMBER: _ClassVar[int]
    QAGMEDIARATING_FIELD_NUMBER: _ClassVar[int]
    EMBEDDABLE_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ARTIST_FIELD_NUMBER: _ClassVar[int]
    GENRE_FIELD_NUMBER: _ClassVar[int]
    ALBUM_FIELD_NUMBER: _ClassVar[int]
    ISRC_FIELD_NUMBER: _ClassVar[int]
    PRODQ_FIELD_NUMBER: _ClassVar[int]
    CATTAX_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    LANGB_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    KWARRAY_FIELD_NUMBER: _ClassVar[int]
    GTAX_FIELD_NUMBER: _ClassVar[int]
    GENRES_FIELD_NUMBER: _ClassVar[int]
    id: str
    episode: int
    title: str
    series: str
    season: str
    url: str
    cat: _containers.RepeatedScalarFieldContainer[str]
    keywords: str
    contentrating: str
    userrating: str
    livestream: bool
    sourcerelationship: bool
    producer: Producer
    len: int
    qagmediarating: int
    embeddable: bool
    language: str
    context: int
    artist: str
    genre: str
    album: str
    isrc: str
    prodq: int
    cattax: int
    data: _containers.RepeatedCompositeFieldContainer[Data]
    langb: str
    network: Network
    channel: Channel
    kwarray: _containers.RepeatedScalarFieldContainer[str]
    gtax: int
    genres: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., episode: _Optional[int] = ..., title: _Optional[str] = ..., series: _Optional[str] = ..., season: _Optional[str] = ..., url: _Optional[str] = ..., cat: _Optional[_Iterable[str]] = ..., keywords: _Optional[str] = ..., contentrating: _Optional[str] = ..., userrating: _Optional[str] = ..., livestream: _Optional[bool] = ..., sourcerelationship: _Optional[bool] = ..., producer: _Optional[_Union[Producer, _Mapping]] = ..., len: _Optional[int] = ..., qagmediarating: _Optional[int] = ..., embeddable: _Optional[bool] = ..., language: _Optional[str] = ..., context: _Optional[int] = ..., artist: _Optional[str] = ..., genre: _Optional[str] = ..., album: _Optional[str] = ..., isrc: _Optional[str] = ..., prodq: _Optional[int] = ..., cattax: _Optional[int] = ..., data: _Optional[_Iterable[_Union[Data, _Mapping]]] = ..., langb: _Optional[str] = ..., network: _Optional[_Union[Network, _Mapping]] = ..., channel: _Optional[_Union[Channel, _Mapping]] = ..., kwarray: _Optional[_Iterable[str]] = ..., gtax: _Optional[int] = ..., genres: _Optional[_Iterable[str]] = ...) -> None: ...

class Device(_message.Message):
    __slots__ = ("dnt", "ua", "ip", "geo", "didsha1", "didmd5", "dpidsha1", "dpidmd5", "ipv6", "carrier", "language", "make", "model", "os", "osv", "js", "connectiontype", "devicetype", "flashver", "ifa", "macsha1", "macmd5", "lmt", "hwv", "w", "h", "ppi", "pxratio", "geofetch", "mccmnc", "sua", "langb")
    DNT_FIELD_NUMBER: _ClassVar[int]
    UA_FIELD_NUMBER: _ClassVar[int]
    IP_FIELD_NUMBER: _ClassVar[int]
    GEO_FIELD_NUMBER: _ClassVar[int]
    DIDSHA1_FIELD_NUMBER: _ClassVar[int]
    DIDMD5_FIELD_NUMBER: _ClassVar[int]
    DPIDSHA1_FIELD_NUMBER: _ClassVar[int]
    DPIDMD5_FIELD_NUMBER: _ClassVar[int]
    IPV6_FIELD_NUMBER: _ClassVar[int]
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    MAKE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    OS_FIELD_NUMBER: _ClassVar[int]
    OSV_FIELD_NUMBER: _ClassVar[int]
    JS_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONTYPE_FIELD_NUMBER: _ClassVar[int]
    DEVICETYPE_FIELD_NUMBER: _ClassVar[int]
    FLASHVER_FIELD_NUMBER: _ClassVar[int]
    IFA_FIELD_NUMBER: _ClassVar[int]
    MACSHA1_FIELD_NUMBER: _ClassVar[int]
    MACMD5_FIELD_NUMBER: _ClassVar[int]
    LMT_FIELD_NUMBER: _ClassVar[int]
    HWV_FIELD_NUMBER: _ClassVar[int]
    W_FIELD_NUMBER: _ClassVar[int]
    H_FIELD_NUMBER: _ClassVar[int]
    PPI_FIELD_NUMBER: _ClassVar[int]
    PXRATIO_FIELD_NUMBER: _ClassVar[int]
    GEOFETCH_FIELD_NUMBER: _ClassVar[int]
    MCCMNC_FIELD_NUMBER: _ClassVar[int]
    SUA_FIELD_NUMBER: _ClassVar[int]
    LANGB_FIELD_NUMBER: _ClassVar[int]
    dnt: bool
    ua: str
    ip: str
    geo: Geo
    didsha1: str
    didmd5: str
    dpidsha1: str
    dpidmd5: str
    ipv6: str
    carrier: str
    language: str
    make: str
    model: str
    os: str
    osv: str
    js: bool
    connectiontype: int
    devicetype: int
    flashver: str
    ifa: str
    macsha1: str
    macmd5: str
    lmt: bool
    hwv: str
    w: int
    h: int
    ppi: int
    pxratio: float
    geofetch: bool
    mccmnc: str
    sua: UserAgent
    langb: str
    def __init__(self, dnt: _Optional[bool] = ..., ua: _Optional[str] = ..., ip: _Optional[str] = ..., geo: _Optional[_Union[Geo, _Mapping]] = ..., didsha1: _Optional[str] = ..., didmd5: _Optional[str] = ..., dpidsha1: _Optional[str] = ..., dpidmd5: _Optional[str] = ..., ipv6: _Optional[str] = ..., carrier: _Optional[str] = ..., language: _Optional[str] = ..., make: _Optional[str] = ..., model: _Optional[str] = ..., os: _Optional[str] = ..., osv: _Optional[str] = ..., js: _Optional[bool] = ..., connectiontype: _Optional[int] = ..., devicetype: _Optional[int] = ..., flashver: _Optional[str] = ..., ifa: _Optional[str] = ..., macsha1: _Optional[str] = ..., macmd5: _Optional[str] = ..., lmt: _Optional[bool] = ..., hwv: _Optional[str] = ..., w: _Optional[int] = ..., h: _Optional[int] = ..., ppi: _Optional[int] = ..., pxratio: _Optional[float] = ..., geofetch: _Optional[bool] = ..., mccmnc: _Optional[str] = ..., sua: _Optional[_Union[UserAgent, _Mapping]] = ..., langb: _Optional[str] = ...) -> None: ...

class UserAgent(_message.Message):
    __slots__ = ("browsers", "platform", "mobile", "architecture", "bitness", "model", "source")
    BROWSERS_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    MOBILE_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    BITNESS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    browsers: _containers.RepeatedCompositeFieldContainer[BrandVersion]
    platform: BrandVersion
    mobile: bool
    architecture: str
    bitness: str
    model: str
    source: int
    def __init__(self, browsers: _Optional[_Iterable[_Union[BrandVersion, _Mapping]]] = ..., platform: _Optional[_Union[BrandVersion, _Mapping]] = ..., mobile: _Optional[bool] = ..., architecture: _Optional[str] = ..., bitness: _Optional[str] = ..., model: _Optional[str] = ..., source: _Optional[int] = ...) -> None: ...

class BrandVersion(_message.Message):
    __slots__ = ("brand", "version")
    BRAND_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    brand: str
    version: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, brand: _Optional[str] = ..., version: _Optional[_Iterable[str]] = ...) -> None: ...

class Geo(_message.Message):
    __slots__ = ("lat", "lon", "country", "region", "regionfips104", "metro", "city", "zip", "type", "utcoffset", "accuracy", "lastfix", "ipservice")
    LAT_FIELD_NUMBER: _ClassVar[int]
    LON_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    REGIONFIPS104_FIELD_NUMBER: _ClassVar[int]
    METRO_FIELD_NUMBER: _ClassVar[int]
    CITY_FIELD_NUMBER: _ClassVar[int]
    ZIP_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    UTCOFFSET_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    LASTFIX_FIELD_NUMBER: _ClassVar[int]
    IPSERVICE_FIELD_NUMBER: _ClassVar[int]
    lat: float
    lon: float
    country: str
    region: str
    regionfips104: str
    metro: str
    city: str
    zip: str
    type: int
    utcoffset: int
    accuracy: int
    lastfix: int
    ipservice: int
    def __init__(self, lat: _Optional[float] = ..., lon: _Optional[float] = ..., country: _Optional[str] = ..., region: _Optional[str] = ..., regionfips104: _Optional[str] = ..., metro: _Optional[str] = ..., city: _Optional[str] = ..., zip: _Optional[str] = ..., type: _Optional[int] = ..., utcoffset: _Optional[int] = ..., accuracy: _Optional[int] = ..., lastfix: _Optional[int] = ..., ipservice: _Optional[int] = ...) -> None: ...

class User(_message.Message):
    __slots__ = ("id", "buyeruid", "yob", "gender", "keywords", "customdata", "geo", "data", "kwarray", "consent", "eids", "ext")
    ID_FIELD_NUMBER: _ClassVar[int]
    BUYERUID_FIELD_NUMBER: _ClassVar[int]
    YOB_FIELD_NUMBER: _ClassVar[int]
    GENDER_FIELD_NUMBER: _ClassVar[int]
    KEYWORDS_FIELD_NUMBER: _ClassVar[int]
    CUSTOMDATA_FIELD_NUMBER: _ClassVar[int]
    GEO_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    KWARRAY_FIELD_NUMBER: _ClassVar[int]
    CONSENT_FIELD_NUMBER: _ClassVar[int]
    EIDS_FIELD_NUMBER: _ClassVar[int]
    EXT_FIELD_NUMBER: _ClassVar[int]
    id: str
    buyeruid: str
    yob: int
    gender: str
    keywords: str
    customdata: str
    geo: Geo
    data: _containers.RepeatedCompositeFieldContainer[Data]
    kwarray: _containers.RepeatedScalarFieldContainer[str]
    consent: str
    eids: _containers.RepeatedCompositeFieldContainer[EID]
    ext: UserExt
    def __init__(self, id: _Optional[str] = ..., buyeruid: _Optional[str] = ..., yob: _Optional[int] = ..., gender: _Optional[str] = ..., keywords: _Optional[str] = ..., customdata: _Optional[str] = ..., geo: _Optional[_Union[Geo, _Mapping]] = ..., data: _Optional[_Iterable[_Union[Data, _Mapping]]] = ..., kwarray: _Optional[_Iterable[str]] = ..., consent: _Optional[str] = ..., eids: _Optional[_Iterable[_Union[EID, _Mapping]]] = ..., ext: _Optional[_Union[UserExt, _Mapping]] = ...) -> None: ...

class UserExt(_message.Message):
    __slots__ = ("consent",)
    CONSENT_FIELD_NUMBER: _ClassVar[int]
    consent: str
    def __init__(self, consent: _Optional[str] = ...) -> None: ...

class EID(_message.Message):
    __slots__ = ("source", "uids", "inserter", "matcher", "mm")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    UIDS_FIELD_NUMBER: _ClassVar[int]
    INSERTER_FIELD_NUMBER: _ClassVar[int]
    MATCHER_FIELD_NUMBER: _ClassVar[int]
    MM_FIELD_NUMBER: _ClassVar[int]
    source: str
    uids: _containers.RepeatedCompositeFieldContainer[UID]
    inserter: str
    matcher: str
    mm: int
    def __init__(self, source: _Optional[str] = ..., uids: _Optional[_Iterable[_Union[UID, _Mapping]]] = ..., inserter: _Optional[str] = ..., matcher: _Optional[str] = ..., mm: _Optional[int] = ...) -> None: ...

class UID(_message.Message):
    __slots__ = ("id", "atype")
    ID_FIELD_NUMBER: _ClassVar[int]
    ATYPE_FIELD_NUMBER: _ClassVar[int]
    id: str
    atype: int
    def __init__(self, id: _Optional[str] = ..., atype: _Optional[int] = ...) -> None: ...

class Data(_message.Message):
    __slots__ = ("id", "name", "segment")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    segment: _containers.RepeatedCompositeFieldContainer[Segment]
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., segment: _Optional[_Iterable[_Union[Segment, _Mapping]]] = ...) -> None: ...

class Segment(_message.Message):
    __slots__ = ("id", "name", "value")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    value: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
