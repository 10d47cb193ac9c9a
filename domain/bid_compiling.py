"""From the store's campaigns to what the bid process is given: one currency, today's spend, a neuron for every offer.

Pure. Must not read a store, a file or a clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from domain.bid_campaigns import BidCampaign
from domain.bid_layout import FEATURES
from domain.bid_snapshot import Campaign, Offer, Seller, Snapshot, SnapshotBroken, SpikingModel, check_campaign

_MICROS: Final = 1_000_000
#: What an offer gets that no model knows yet: the same middling score for everybody, so that its price decides.
_UNTRAINED_BIAS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Terms:
    """What the operator says, for all tenants: the house's currency, what others are worth in it, tiers' multipliers.

    And, by domain, who may sell a publisher's inventory.

    Rates come from the operator and not from any tenant's table: one tenant's import must not move another's bids.
    """

    currency: str = "USD"
    rates_micros: Mapping[str, int] = field(default_factory=dict)
    loyalty_multipliers: Mapping[str, float] = field(default_factory=dict)
    ads_txt: Mapping[str, tuple[Seller, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A snapshot, and the campaigns that are not in it: their currency has no rate, or nothing is left of their bid."""

    snapshot: Snapshot
    left_out: tuple[UUID, ...]


def compiled(
    campaigns: Iterable[BidCampaign],
    spent_micros: Mapping[str, int],
    terms: Terms,
    *,
    version: int,
    now_utc: datetime,
    model: SpikingModel | None = None,
) -> Compiled:
    """One snapshot of live campaigns.

    Args:
        campaigns: those that bid, in any order.
        spent_micros: micros of the house's currency spent in the UTC day of `now_utc`, by campaign id; absent: none.
        terms: the operator's.
        version: above every version before it.
        now_utc: when the campaigns were read.
        model: what is trained; offers that it does not know get an untrained neuron, others' rows are left out.

    Raises:
        SnapshotBroken: when encoded, if its parts contradict each other.
    """
    rates = {**terms.rates_micros, terms.currency: _MICROS}
    taken: list[Campaign] = []
    left_out: list[UUID] = []
    for each in sorted(campaigns, key=lambda campaign: campaign.id):
        made = _fit(each, rates, spent_micros.get(str(each.id), 0))
        if made is None:
            left_out.append(each.id)
        else:
            taken.append(made)
    offers = [offer.offer_id for campaign in taken for offer in campaign.offers]
    snapshot = Snapshot(
        version=version,
        compiled_at_utc=now_utc,
        currency=terms.currency,
        campaigns=tuple(taken),
        model=fitted(model, offers),
        rates_micros=rates,
        loyalty_multipliers=dict(terms.loyalty_multipliers),
        ads_txt=dict(terms.ads_txt),
    )
    return Compiled(snapshot, tuple(left_out))


def fitted(model: SpikingModel | None, offer_ids: Sequence[str]) -> SpikingModel:
    """A model with exactly these offers: known rows as they are, untrained neurons for the rest."""
    known = {} if model is None else {offer_id: row for row, offer_id in enumerate(model.offer_ids)}
    weights, scales, biases = bytearray(), list[float](), list[float]()
    for offer_id in offer_ids:
        row = known.get(offer_id)
        if model is None or row is None:
            weights += bytes(FEATURES)
            scales.append(1.0)
            biases.append(_UNTRAINED_BIAS)
        else:
            weights += model.weights[row * FEATURES : (row + 1) * FEATURES]
            scales.append(model.scales[row])
            biases.append(model.biases[row])
    base = SpikingModel(name="untrained", offer_ids=(), weights=b"", scales=(), biases=()) if model is None else model
    return msgspec.structs.replace(
        base, offer_ids=tuple(offer_ids), weights=bytes(weights), scales=tuple(scales), biases=tuple(biases)
    )


def _fit(each: BidCampaign, rates: Mapping[str, int], spent_micros: int) -> Campaign | None:
    """None where it cannot be bid with: one campaign must not keep all others out."""
    rate = rates.get(each.currency_code)
    if rate is None:
        return None
    made = _campaign(each, rate, spent_micros)
    try:
        check_campaign(made)
    except SnapshotBroken:
        return None
    return made


def _campaign(each: BidCampaign, rate_micros: int, spent_micros: int) -> Campaign:
    return Campaign(
        campaign_id=str(each.id),
        seat=each.seat,
        offers=tuple([Offer(offer_id=str(offer.id), creatives=offer.creatives) for offer in each.offers]),
        bid_cpm_micros=_house(each.bid_cpm_micros, rate_micros),
        daily_budget_micros=_house(each.daily_budget_micros, rate_micros),
        spent_today_micros=spent_micros,
        domains=each.brand.domains,
        bundle=each.brand.bundle,
        categories=each.brand.categories,
        category_taxonomy=each.brand.category_taxonomy,
        targeting=each.targeting,
        hourly_cap=each.hourly_cap,
        daily_cap=each.daily_cap,
        least_score=each.least_score,
    )


def _house(amount_micros: int, rate_micros: int) -> int:
    """Rounded down: neither more is bid nor more spent than the campaign says."""
    return amount_micros * rate_micros // _MICROS
