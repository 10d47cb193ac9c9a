"""Campaigns that this product bids with itself, as a workspace keeps them. Pure; knows no request and no file.

What is bid, where and for how much; what came of it is counted elsewhere. Creatives and targeting are the snapshot's
own values: what is stored is what is bid.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from domain.bid_snapshot import Creative, Targeting
from domain.errors import InvalidInput

MAX_NAME_CHARACTERS: Final = 300
MAX_OFFERS: Final = 20
MAX_CREATIVES: Final = 50
_MAX_SEAT_CHARACTERS: Final = 64
_HOURS: Final = 24
_COUNTRY_LETTERS: Final = 3
_CURRENCY_LETTERS: Final = 3


class BidStatus(StrEnum):
    """Whether a campaign bids."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"


class Brand(msgspec.Struct, frozen=True, kw_only=True):
    """What publishers block a campaign by. `category_taxonomy` is OpenRTB's `cattax`."""

    domains: tuple[str, ...]
    bundle: str = ""
    categories: tuple[str, ...] = ()
    category_taxonomy: int = 1


class BidOffer(msgspec.Struct, frozen=True, kw_only=True):
    """What the model scores, and the ways to show it."""

    id: UUID
    name: str
    creatives: tuple[Creative, ...]


@dataclass(frozen=True, slots=True)
class BidCampaign:
    """One campaign. Money is micros of `currency_code`: a thousand impressions' worth, and a UTC day's budget.

    `seat` is the buyer's seat that exchanges know. Caps are impressions per user, 0 for none. An offer whose score is
    under `least_score` is not bid.
    """

    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    version: int
    name: str
    status: BidStatus
    seat: str
    currency_code: str
    bid_cpm_micros: int
    daily_budget_micros: int
    hourly_cap: int
    daily_cap: int
    least_score: float
    brand: Brand
    targeting: Targeting
    offers: tuple[BidOffer, ...]
    created_at_utc: datetime


def checked(campaign: BidCampaign) -> BidCampaign:
    """The campaign, if it can be bid with.

    Raises:
        InvalidInput: something would break an auction, or could never win one; its path says what.
    """
    _require(1 <= len(campaign.name.strip()) <= MAX_NAME_CHARACTERS, "a name has 1 to 300 characters", "name")
    _require(1 <= len(campaign.seat) <= _MAX_SEAT_CHARACTERS, "a seat has 1 to 64 characters", "seat")
    code = campaign.currency_code
    _require(len(code) == _CURRENCY_LETTERS and code.isascii() and code.isupper(), "no currency", "currencyCode")
    _require(campaign.bid_cpm_micros > 0, "a bid is above zero", "bidCpm")
    _require(campaign.daily_budget_micros > 0, "a budget is above zero", "dailyBudget")
    _require(campaign.hourly_cap >= 0, "a cap is not below zero", "hourlyCap")
    _require(campaign.daily_cap >= 0, "a cap is not below zero", "dailyCap")
    _require(campaign.least_score >= 0, "a least score is not below zero", "leastScore")
    _require(bool(campaign.brand.domains), "name the advertiser's domain: exchanges block by it", "brand", "domains")
    _require(campaign.brand.category_taxonomy >= 1, "taxonomies are numbered from 1", "brand", "categoryTaxonomy")
    _check_targeting(campaign.targeting)
    _require(1 <= len(campaign.offers) <= MAX_OFFERS, "a campaign has 1 to 20 offers", "offers")
    for number, offer in enumerate(campaign.offers):
        _check_offer(offer, ("offers", str(number)))
    return campaign


def _check_targeting(wanted: Targeting) -> None:
    known = all(len(code) == _COUNTRY_LETTERS and code.isascii() and code.isupper() for code in wanted.countries)
    _require(known, "countries are ISO 3166 codes of three letters", "targeting", "countries")
    within = all(0 <= hour < _HOURS for hour in wanted.hours_utc)
    _require(within, "hours are 0 to 23", "targeting", "hoursUtc")


def _check_offer(offer: BidOffer, path: tuple[str, ...]) -> None:
    _require(1 <= len(offer.name.strip()) <= MAX_NAME_CHARACTERS, "a name has 1 to 300 characters", *path, "name")
    _require(1 <= len(offer.creatives) <= MAX_CREATIVES, "an offer has 1 to 50 creatives", *path, "creatives")
    for number, creative in enumerate(offer.creatives):
        where = (*path, "creatives", str(number))
        sized = creative.width >= 0 and creative.height >= 0 and bool(creative.width) == bool(creative.height)
        _require(sized, "give both of a size's pixels, or neither", *where, "width")
        _require(creative.duration_s >= 0, "a duration is not below zero", *where, "durationSeconds")
        nonlinear = creative.linear or bool(creative.markup)
        _require(nonlinear, "a creative that is not linear brings its own markup", *where, "markup")
        shown = bool(creative.markup) or urlsplit(creative.url).scheme in {"https", "http"}
        _require(shown, "a creative has markup, or the address of what it shows", *where, "url")
        safe = not creative.secure or bool(creative.markup) or creative.url.startswith("https:")
        _require(safe, "a creative for secure pages is fetched by https", *where, "url")


def _require(holds: bool, message: str, *path: str) -> None:
    if not holds:
        raise InvalidInput(message, path=path)
