"""What a bid's token holds. Holds data alone; never compiled, since its form is in the keywords of its class."""

import msgspec


class BidTicket(msgspec.Struct, frozen=True, array_like=True):
    """What a token holds: whose bid it was, for how much, in both currencies, and until when it is believed.

    `charged_by_win`: its exchange sends no billing notice. Fields are only ever added at the end: a key outlives a
    release.
    """

    bid_id: str
    campaign_id: str
    offer_id: str
    house_micros: int
    price_micros: int
    test: bool
    expires_s: int
    house_currency: str = ""
    charged_by_win: bool = False
