"""From the store's campaigns to a snapshot: one currency, what was spent, a neuron for every offer."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from domain.bid_campaigns import BidCampaign, BidOffer
from domain.bid_compiling import Terms, compiled, fitted
from domain.bid_snapshot import Seller, SpikingModel, decode_snapshot, encode_snapshot
from tests.unit.domain.test_bid_campaigns import CAMPAIGN, CREATIVE

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TERMS = Terms("USD", {"EUR": 1_500_001}, {"gold": 1.1})


def numbered(number: int, **fields: object) -> BidCampaign:
    offers = (BidOffer(id=UUID(int=number + 100), name="o", creatives=(CREATIVE,)),)
    return replace(CAMPAIGN, id=UUID(int=number), offers=offers, **fields)


def test_campaigns_stand_in_the_order_of_their_ids_with_all_that_was_entered() -> None:
    made = compiled(
        [numbered(2), numbered(1, hourly_cap=1, daily_cap=2)], {str(UUID(int=2)): 7}, TERMS, version=5, now_utc=NOW
    )
    first, second = made.snapshot.campaigns
    assert (first.campaign_id, first.hourly_cap, first.daily_cap, first.spent_today_micros) == (
        str(UUID(int=1)),
        1,
        2,
        0,
    )
    assert (second.campaign_id, second.spent_today_micros) == (str(UUID(int=2)), 7)
    assert [offer.offer_id for offer in first.offers] == [str(UUID(int=101))]
    assert first.offers[0].creatives == (CREATIVE,)
    assert first.domains == ("a.test",)
    assert (made.snapshot.version, made.snapshot.compiled_at_utc, made.left_out) == (5, NOW, ())
    assert made.snapshot.rates_micros == {"EUR": 1_500_001, "USD": 1_000_000}
    assert made.snapshot.loyalty_multipliers == {"gold": 1.1}
    assert decode_snapshot(encode_snapshot(made.snapshot)) == made.snapshot


def test_other_currencies_are_converted_down_and_unknown_ones_left_out() -> None:
    euro = numbered(1, currency_code="EUR", bid_cpm_micros=3, daily_budget_micros=1_000_003)
    made = compiled([euro, numbered(2, currency_code="JPY")], {}, TERMS, version=1, now_utc=NOW)
    [only] = made.snapshot.campaigns
    assert (only.bid_cpm_micros, only.daily_budget_micros) == (4, 1_500_005)
    assert made.left_out == (UUID(int=2),)


def test_who_may_sell_goes_along() -> None:
    lines = {"news.example": (Seller("ssp.example", "1"),)}
    made = compiled([], {}, Terms(ads_txt=lines), version=1, now_utc=NOW)
    assert decode_snapshot(encode_snapshot(made.snapshot)).ads_txt == lines


def test_a_value_too_small_for_the_houses_currency_is_left_out() -> None:
    cheap = numbered(1, currency_code="XXX", bid_cpm_micros=1)
    made = compiled([cheap], {}, Terms("USD", {"XXX": 999_999}), version=1, now_utc=NOW)
    assert (made.snapshot.campaigns, made.left_out) == ((), (UUID(int=1),))
    assert decode_snapshot(encode_snapshot(made.snapshot)) == made.snapshot


def test_a_model_keeps_its_rows_and_strangers_get_an_untrained_neuron() -> None:
    model = SpikingModel(
        name="m", offer_ids=("a", "b"), weights=bytes([1]) * 256 + bytes([2]) * 256, scales=(0.1, 0.2),
        biases=(0.3, 0.4), steps=4, leak=0.5, inhibition=0.25, layout="older", calibrated_current=1.5,
    )  # fmt: skip
    made = fitted(model, ["b", "new"])
    assert (made.name, made.steps, made.leak, made.inhibition) == ("m", 4, 0.5, 0.25)
    # So that one trained for another layout is refused when the snapshot is written.
    assert (made.layout, made.calibrated_current) == ("older", 1.5)
    assert (made.offer_ids, made.scales, made.biases) == (("b", "new"), (0.2, 1.0), (0.4, 0.5))
    assert made.weights == bytes([2]) * 256 + bytes(256)
    assert fitted(None, []).offer_ids == ()
