from hotpath.grpc import openrtb_pb2 as _openrtb_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BidResponse(_message.Message):
    __slots__ = ("id", "seatbid", "bidid", "cur", "customdata", "nbr")
    ID_FIELD_NUMBER: _ClassVar[int]
    SEATBID_FIELD_NUMBER: _ClassVar[int]
    BIDID_FIELD_NUMBER: _ClassVar[int]
    CUR_FIELD_NUMBER: _ClassVar[int]
    CUSTOMDATA_FIELD_NUMBER: _ClassVar[int]
    NBR_FIELD_NUMBER: _ClassVar[int]
    id: str
    seatbid: _containers.RepeatedCompositeFieldContainer[SeatBid]
    bidid: str
    cur: str
    customdata: str
    nbr: int
    def __init__(self, id: _Optional[str] = ..., seatbid: _Optional[_Iterable[_Union[SeatBid, _Mapping]]] = ..., bidid: _Optional[str] = ..., cur: _Optional[str] = ..., customdata: _Optional[str] = ..., nbr: _Optional[int] = ...) -> None: ...

class SeatBid(_message.Message):
    __slots__ = ("bid", "seat", "group")
    BID_FIELD_NUMBER: _ClassVar[int]
    SEAT_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    bid: _containers.RepeatedCompositeFieldContainer[Bid]
    seat: str
    group: bool
    def __init__(self, bid: _Optional[_Iterable[_Union[Bid, _Mapping]]] = ..., seat: _Optional[str] = ..., group: _Optional[bool] = ...) -> None: ...

class Bid(_message.Message):
    __slots__ = ("id", "impid", "price", "adid", "nurl", "adm", "adomain", "iurl", "cid", "crid", "attr", "dealid", "bundle", "cat", "w", "h", "api", "protocol", "qagmediarating", "exp", "burl", "lurl", "tactic", "language", "wratio", "hratio", "slotinpod", "langb", "cattax", "apis", "dur", "mtype")
    ID_FIELD_NUMBER: _ClassVar[int]
    IMPID_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    ADID_FIELD_NUMBER: _ClassVar[int]
    NURL_FIELD_NUMBER: _ClassVar[int]
    ADM_FIELD_NUMBER: _ClassVar[int]
    ADOMAIN_FIELD_NUMBER: _ClassVar[int]
    IURL_FIELD_NUMBER: _ClassVar[int]
    CID_FIELD_NUMBER: _ClassVar[int]
    CRID_FIELD_NUMBER: _ClassVar[int]
    ATTR_FIELD_NUMBER: _ClassVar[int]
    DEALID_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    CAT_FIELD_NUMBER: _ClassVar[int]
    W_FIELD_NUMBER: _ClassVar[int]
    H_FIELD_NUMBER: _ClassVar[int]
    API_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    QAGMEDIARATING_FIELD_NUMBER: _ClassVar[int]
    EXP_FIELD_NUMBER: _ClassVar[int]
    BURL_FIELD_NUMBER: _ClassVar[int]
    LURL_FIELD_NUMBER: _ClassVar[int]
    TACTIC_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    WRATIO_FIELD_NUMBER: _ClassVar[int]
    HRATIO_FIELD_NUMBER: _ClassVar[int]
    SLOTINPOD_FIELD_NUMBER: _ClassVar[int]
    LANGB_FIELD_NUMBER: _ClassVar[int]
    CATTAX_FIELD_NUMBER: _ClassVar[int]
    APIS_FIELD_NUMBER: _ClassVar[int]
    DUR_FIELD_NUMBER: _ClassVar[int]
    MTYPE_FIELD_NUMBER: _ClassVar[int]
    id: str
    impid: str
    price: float
    adid: str
    nurl: str
    adm: str
    adomain: _containers.RepeatedScalarFieldContainer[str]
    iurl: str
    cid: str
    crid: str
    attr: _containers.RepeatedScalarFieldContainer[int]
    dealid: str
    bundle: str
    cat: _containers.RepeatedScalarFieldContainer[str]
    w: int
    h: int
    api: int
    protocol: int
    qagmediarating: int
    exp: int
    burl: str
    lurl: str
    tactic: str
    language: str
    wratio: int
    hratio: int
    slotinpod: int
    langb: str
    cattax: int
    apis: _containers.RepeatedScalarFieldContainer[int]
    dur: int
    mtype: int
    def __init__(self, id: _Optional[str] = ..., impid: _Optional[str] = ..., price: _Optional[float] = ..., adid: _Optional[str] = ..., nurl: _Optional[str] = ..., adm: _Optional[str] = ..., adomain: _Optional[_Iterable[str]] = ..., iurl: _Optional[str] = ..., cid: _Optional[str] = ..., crid: _Optional[str] = ..., attr: _Optional[_Iterable[int]] = ..., dealid: _Optional[str] = ..., bundle: _Optional[str] = ..., cat: _Optional[_Iterable[str]] = ..., w: _Optional[int] = ..., h: _Optional[int] = ..., api: _Optional[int] = ..., protocol: _Optional[int] = ..., qagmediarating: _Optional[int] = ..., exp: _Optional[int] = ..., burl: _Optional[str] = ..., lurl: _Optional[str] = ..., tactic: _Optional[str] = ..., language: _Optional[str] = ..., wratio: _Optional[int] = ..., hratio: _Optional[int] = ..., slotinpod: _Optional[int] = ..., langb: _Optional[str] = ..., cattax: _Optional[int] = ..., apis: _Optional[_Iterable[int]] = ..., dur: _Optional[int] = ..., mtype: _Optional[int] = ...) -> None: ...
