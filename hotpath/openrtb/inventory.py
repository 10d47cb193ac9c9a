"""Where an impression is shown: OpenRTB 2.6 sections 3.2.13 to 3.2.17, 3.2.23, 3.2.24 and 3.2.30. Holds data alone."""

from hotpath.openrtb.base import Extension, Wire
from hotpath.openrtb.people import Data


class Publisher(Wire):
    """3.2.15."""

    id: str = ""
    name: str = ""
    cattax: int = 1
    cat: tuple[str, ...] = ()
    domain: str = ""
    ext: Extension | None = None


class Producer(Publisher):
    """3.2.17: the same fields as a publisher."""


class Network(Wire):
    """3.2.23."""

    id: str = ""
    name: str = ""
    domain: str = ""
    ext: Extension | None = None


class Channel(Network):
    """3.2.24: the same fields as a network."""


class Content(Wire):
    """3.2.16."""

    id: str = ""
    episode: int = 0
    title: str = ""
    series: str = ""
    season: str = ""
    artist: str = ""
    genre: str = ""
    gtax: int = 9
    genres: tuple[str | int, ...] = ()
    album: str = ""
    isrc: str = ""
    producer: Producer | None = None
    url: str = ""
    cattax: int = 1
    cat: tuple[str, ...] = ()
    prodq: int = 0
    context: int = 0
    contentrating: str = ""
    userrating: str = ""
    qagmediarating: int = 0
    keywords: str = ""
    kwarray: tuple[str, ...] = ()
    livestream: int = 0
    sourcerelationship: int = 0
    len: int = 0
    language: str = ""
    langb: str = ""
    embeddable: int = 0
    data: tuple[Data, ...] = ()
    network: Network | None = None
    channel: Channel | None = None
    ext: Extension | None = None


class _Place(Wire):
    """What sites and apps have in common."""

    id: str = ""
    name: str = ""
    domain: str = ""
    cattax: int = 1
    cat: tuple[str, ...] = ()
    sectioncat: tuple[str, ...] = ()
    pagecat: tuple[str, ...] = ()
    privacypolicy: int = 0
    publisher: Publisher | None = None
    content: Content | None = None
    keywords: str = ""
    kwarray: tuple[str, ...] = ()
    inventorypartnerdomain: str = ""
    ext: Extension | None = None


class Site(_Place):
    """3.2.13."""

    page: str = ""
    ref: str = ""
    search: str = ""
    mobile: int = 0


class App(_Place):
    """3.2.14."""

    bundle: str = ""
    storeurl: str = ""
    ver: str = ""
    paid: int = 0


class Dooh(Wire):
    """3.2.30: a screen out of home."""

    id: str = ""
    name: str = ""
    venuetype: tuple[str, ...] = ()
    venuetypetax: int = 1
    publisher: Publisher | None = None
    domain: str = ""
    keywords: str = ""
    content: Content | None = None
    ext: Extension | None = None
