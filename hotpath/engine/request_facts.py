"""What the engine needs to know of a bid request, free of how the request was written.

The codec maps its objects to these. All floors are CPM micros of the currency beside them. Never changed once made.
Plain classes: compiled, one of their attributes is read in a fiftieth of a Struct's time, and each is read many times.
Must not hold behaviour beyond reading itself.
"""

from typing import Final, final

from domain.bid_features import personal_use_allowed
from domain.bid_people import Privacy
from hotpath.engine.facts import DealFacts, DurationFloor, FormatFacts

_UNRESTRICTED: Final = Privacy()


@final
class ImpressionFacts:
    """One impression: how it can be filled, what it costs at least, and under which deals.

    One showing counts, and is paid, as `multiplier` impressions: a screen out of home is seen by many.
    """

    __slots__ = (
        "deals",
        "duration_floors",
        "floor_currency",
        "floor_micros",
        "formats",
        "imp_id",
        "multiplier",
        "position",
        "private_auction",
        "secure",
    )

    def __init__(
        self,
        imp_id: str,
        formats: tuple[FormatFacts, ...],
        floor_micros: int = 0,
        floor_currency: str = "USD",
        deals: tuple[DealFacts, ...] = (),
        private_auction: bool = False,
        secure: bool = False,
        position: int = 0,
        duration_floors: tuple[DurationFloor, ...] = (),
        multiplier: float = 1.0,
    ) -> None:
        """Hold these."""
        self.imp_id = imp_id
        self.formats = formats
        self.floor_micros = floor_micros
        self.floor_currency = floor_currency
        self.deals = deals
        self.private_auction = private_auction
        self.secure = secure
        self.position = position
        self.duration_floors = duration_floors
        self.multiplier = multiplier


@final
class RequestFacts:
    """One request. No `seats`, `allowed_categories`, `languages`: any. No `currencies`: USD, the specification's.

    `user_key` is empty where nobody can be told apart. `sellers` is the supply chain, system and account of each,
    complete or not; `seller_domain` is where an ads.txt would name them. `personal` says whether its `privacy` lets
    anything about the user be used.
    """

    __slots__ = (
        "allowed_categories",
        "blocked_bundles",
        "blocked_categories",
        "blocked_domains",
        "blocked_seats",
        "category_taxonomy",
        "country",
        "currencies",
        "device_type",
        "first_price",
        "impressions",
        "languages",
        "page_categories",
        "page_domain",
        "page_taxonomy",
        "personal",
        "privacy",
        "request_id",
        "seats",
        "seller_domain",
        "sellers",
        "test",
        "user_key",
        "whole_chain",
    )

    def __init__(
        self,
        request_id: str,
        impressions: tuple[ImpressionFacts, ...],
        *,
        first_price: bool = False,
        test: bool = False,
        currencies: tuple[str, ...] = (),
        seats: tuple[str, ...] = (),
        blocked_seats: tuple[str, ...] = (),
        allowed_categories: tuple[str, ...] = (),
        blocked_categories: tuple[str, ...] = (),
        category_taxonomy: int = 1,
        blocked_domains: tuple[str, ...] = (),
        blocked_bundles: tuple[str, ...] = (),
        country: str = "",
        device_type: int = 0,
        languages: tuple[str, ...] = (),
        page_categories: tuple[str, ...] = (),
        page_taxonomy: int = 1,
        page_domain: str = "",
        sellers: tuple[tuple[str, str], ...] = (),
        whole_chain: bool = False,
        seller_domain: str = "",
        user_key: str = "",
        privacy: Privacy = _UNRESTRICTED,
    ) -> None:
        """Hold these."""
        self.request_id = request_id
        self.impressions = impressions
        self.first_price = first_price
        self.test = test
        self.currencies = currencies
        self.seats = seats
        self.blocked_seats = blocked_seats
        self.allowed_categories = allowed_categories
        self.blocked_categories = blocked_categories
        self.category_taxonomy = category_taxonomy
        self.blocked_domains = blocked_domains
        self.blocked_bundles = blocked_bundles
        self.country = country
        self.device_type = device_type
        self.languages = languages
        self.page_categories = page_categories
        self.page_taxonomy = page_taxonomy
        self.page_domain = page_domain
        self.sellers = sellers
        self.whole_chain = whole_chain
        self.seller_domain = seller_domain
        self.user_key = user_key
        self.privacy = privacy
        self.personal = personal_use_allowed(privacy)

    def only(self, impressions: tuple[ImpressionFacts, ...]) -> "RequestFacts":
        """The same request about these impressions alone."""
        return RequestFacts(
            self.request_id,
            impressions,
            first_price=self.first_price,
            test=self.test,
            currencies=self.currencies,
            seats=self.seats,
            blocked_seats=self.blocked_seats,
            allowed_categories=self.allowed_categories,
            blocked_categories=self.blocked_categories,
            category_taxonomy=self.category_taxonomy,
            blocked_domains=self.blocked_domains,
            blocked_bundles=self.blocked_bundles,
            country=self.country,
            device_type=self.device_type,
            languages=self.languages,
            page_categories=self.page_categories,
            page_taxonomy=self.page_taxonomy,
            page_domain=self.page_domain,
            sellers=self.sellers,
            whole_chain=self.whole_chain,
            seller_domain=self.seller_domain,
            user_key=self.user_key,
            privacy=self.privacy,
        )
