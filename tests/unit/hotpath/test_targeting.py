"""The index and the slow matcher say the same, whatever the campaigns and the request."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.bid_snapshot import Campaign, Creative, CreativeKind, Offer, Seller, Snapshot, SpikingModel, Targeting
from hotpath.engine.facts import DealFacts, FormatFacts, NoBid
from hotpath.engine.reference import matches
from hotpath.engine.request_facts import ImpressionFacts, RequestFacts
from hotpath.engine.targeting import TargetingIndex, bits


def some(values: list[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(st.sampled_from(values), max_size=2).map(tuple)


COUNTRIES, DEVICES, HOURS, SEGMENTS = ["DEU", "USA"], [1, 2], [0, 9], [1, 2, 3]
CATEGORIES, SEATS, DEALS = ["IAB1", "IAB1-2", "IAB2"], ["s1", "s2"], ["d1", "d2"]
DOMAINS, PAGES = ["nike.com", "ads.Nike.com", "other.co"], ["news.example.org", "example.org", "else.net"]
SIZES, LANGUAGES = [(300, 250), (728, 90)], ["en", "EN-us", "de"]
SELLERS = [("a.com", "1"), ("B.com", "1"), ("b.com", "1"), ("b.com", "2")]
ADS_TXT = {"news.example.org": (Seller("A.com", "1"), Seller("b.com", "1")), "else.net": (Seller("b.com", "2"),)}

creatives = st.builds(
    Creative,
    creative_id=st.just("c"),
    kind=st.sampled_from(CreativeKind),
    width=st.sampled_from([0, 300, 728]),
    height=st.sampled_from([0, 250, 90]),
    mime=st.sampled_from(["", "video/mp4", "image/png"]),
    duration_s=st.sampled_from([0, 15, 30]),
    secure=st.booleans(),
    attributes=some([1, 2, 3]),
    markup=st.sampled_from(["", "<a/>"]),
    protocols=some([2, 5, 7]),
    apis=some([2, 7]),
    banner_type=st.sampled_from([0, 3]),
    language=st.sampled_from(["", "en", "en-GB", "de"]),
    linear=st.booleans(),
)
targetings = st.builds(
    Targeting,
    countries=some(COUNTRIES), device_types=some(DEVICES), categories=some(CATEGORIES),
    excluded_categories=some(CATEGORIES), segments=some(SEGMENTS), excluded_segments=some(SEGMENTS),
    hours_utc=some(HOURS), deals=some(DEALS), any_deal=st.booleans(), blocked_domains=some(PAGES),
    category_taxonomy=st.sampled_from([1, 7]), whole_chain=st.booleans(), authorised_sellers=st.booleans(),
)  # fmt: skip
campaigns = st.builds(
    lambda targeting, creative, **fields: Campaign(
        campaign_id="k", daily_budget_micros=1, targeting=targeting,
        offers=(Offer(offer_id="o", creatives=(creative,)),), **fields
    ),
    st.just(Targeting()) | targetings,
    creatives,
    seat=st.sampled_from(SEATS), bid_cpm_micros=st.integers(1, 4), domains=some(DOMAINS),
    bundle=st.sampled_from(["", "com.app"]), categories=some(CATEGORIES), category_taxonomy=st.sampled_from([1, 7]),
)  # fmt: skip
formats = st.builds(
    FormatFacts,
    kind=st.sampled_from(CreativeKind), sizes=some(SIZES), mimes=some(["video/mp4", "image/png"]),
    blocked_attributes=some([1, 2]), least_duration_s=st.sampled_from([0, 10]), most_duration_s=st.sampled_from([0, 20]),
    ratios=some([(6, 5, 0), (6, 5, 301), (1, 1, 0)]), protocols=some([2, 5, 6]), apis=some([2, 7]),
    linearity=st.sampled_from([0, 1, 2]), blocked_types=some([0, 2, 3]),
)  # fmt: skip
deals = st.builds(
    DealFacts, deal_id=st.sampled_from([*DEALS, "d3"]), floor_micros=st.integers(0, 5), seats=some(SEATS),
    domains=some(DOMAINS),
)  # fmt: skip
impressions = st.builds(
    ImpressionFacts,
    imp_id=st.just("1"),
    formats=st.lists(formats, min_size=1, max_size=4).map(tuple),
    floor_micros=st.integers(0, 5),
    deals=st.lists(deals, max_size=2).map(tuple),
    private_auction=st.booleans(),
    secure=st.booleans(),
)
requests = st.builds(
    lambda impression, **fields: RequestFacts(request_id="r", impressions=(impression,), **fields),
    impressions,
    seats=some(SEATS), blocked_seats=some(SEATS), blocked_categories=some(CATEGORIES),
    category_taxonomy=st.sampled_from([1, 7]), blocked_domains=some(DOMAINS), blocked_bundles=some(["com.app"]),
    allowed_categories=some(CATEGORIES), languages=some(LANGUAGES), page_taxonomy=st.sampled_from([1, 7]),
    sellers=some(SELLERS), whole_chain=st.booleans(), seller_domain=st.sampled_from(["", *PAGES]),
    country=st.sampled_from(["", *COUNTRIES]), device_type=st.sampled_from([0, *DEVICES]),
    page_categories=some(CATEGORIES), page_domain=st.sampled_from(["", *PAGES]),
)  # fmt: skip


def snapshot_of(found: list[Campaign]) -> Snapshot:
    model = SpikingModel(name="m", offer_ids=(), weights=b"", scales=(), biases=())
    return Snapshot(
        version=1, compiled_at_utc=datetime(2026, 1, 1, tzinfo=UTC), currency="USD", campaigns=tuple(found),
        model=model, ads_txt=ADS_TXT,
    )  # fmt: skip


def floors_of(impression: ImpressionFacts) -> dict[DealFacts | None, int | None]:
    return {None: impression.floor_micros, **{deal: deal.floor_micros for deal in impression.deals}}


@settings(max_examples=400, deadline=None)
@given(st.lists(campaigns, max_size=8), requests, st.sampled_from([0, 9, 5]), some(SEGMENTS))
def test_the_index_agrees_with_the_slow_matcher(
    found: list[Campaign], request: RequestFacts, hour: int, segments: tuple[int, ...]
) -> None:
    index = TargetingIndex(snapshot_of(found))
    (impression,) = request.impressions
    floors = floors_of(impression)
    mask, _ = index.for_request(request, hour_utc=hour, segments=segments)
    under_deals = [floors[deal] for deal in impression.deals]
    lanes, _ = index.for_impression(mask, impression, floors[None], under_deals)
    got = {(lane.deal, number) for lane in lanes for number in bits(lane.mask)}
    wanted = {
        (deal, number)
        for deal in (*impression.deals, None)
        for number, entry in enumerate(index.entries)
        if matches(entry, request, impression, deal, hour_utc=hour, segments=segments, ads_txt=ADS_TXT)
        and entry.campaign.bid_cpm_micros >= (floors[deal] or 0)
    }
    assert got == wanted
    assert [lane.floor_micros for lane in lanes] == [floors[lane.deal] for lane in lanes]


def test_entries_stand_dearest_first_and_then_by_ids() -> None:
    shown = [Creative(creative_id=name, kind=CreativeKind.BANNER) for name in ("c2", "c1")]
    offers = tuple(Offer(offer_id=name, creatives=tuple(shown)) for name in ("o2", "o1"))
    found = [
        Campaign(campaign_id=name, seat="s", offers=offers, bid_cpm_micros=bid, daily_budget_micros=1)
        for name, bid in (("b", 1), ("a", 1), ("c", 2))
    ]
    entries = TargetingIndex(snapshot_of(found)).entries
    assert [(one.campaign_id, one.offer_id, one.creative_id) for one in entries] == [
        (campaign, offer, creative) for campaign in "cab" for offer in ("o1", "o2") for creative in ("c1", "c2")
    ]


def test_an_index_is_made_with_breaks_within_each_of_its_tables() -> None:
    """Compiled, nothing else could run in the process until a table of all campaigns is made."""

    def breaks(count: int) -> int:
        shown = (Creative(creative_id="c", kind=CreativeKind.BANNER),)
        found = [
            Campaign(
                campaign_id=f"k{n}", seat="s", bid_cpm_micros=1, daily_budget_micros=1, domains=(f"d{n}.com",),
                offers=(Offer(offer_id=f"o{n}", creatives=shown),),
            )
            for n in range(count)
        ]  # fmt: skip
        taken: list[None] = []
        index = TargetingIndex(snapshot_of(found), lambda: taken.append(None))
        assert len(index.tables) > 20
        return len(taken)

    assert breaks(2_500) > 4 * breaks(1)


def test_bits_come_lowest_first() -> None:
    assert list(bits(0b101_0010)) == [1, 4, 6]
    assert list(bits(0)) == []


def test_each_stage_names_its_reason() -> None:
    creative = Creative(creative_id="c", kind=CreativeKind.BANNER, width=300, height=250, secure=False)
    campaign = Campaign(
        campaign_id="k", seat="s1", offers=(Offer(offer_id="o", creatives=(creative,)),), bid_cpm_micros=2,
        daily_budget_micros=1, domains=("nike.com",), targeting=Targeting(countries=("DEU",)),
    )  # fmt: skip
    index = TargetingIndex(snapshot_of([campaign]))
    banner = (FormatFacts(CreativeKind.BANNER),)
    fits = ImpressionFacts("1", banner)

    def reason(impression: ImpressionFacts, *, floor: int | None = 0, **fields: object) -> NoBid:
        request = RequestFacts(request_id="r", impressions=(impression,), **{"country": "DEU", **fields})
        mask, told = index.for_request(request, hour_utc=1, segments=())
        if not mask:
            return told
        lanes, told = index.for_impression(mask, impression, floor, [floor] * len(impression.deals))
        assert lanes == []
        return told

    assert reason(fits, country="USA") is NoBid.TARGETING
    assert reason(fits, blocked_domains=("nike.com",)) is NoBid.BLOCKED
    assert reason(fits, allowed_categories=("IAB1",)) is NoBid.BLOCKED
    assert reason(fits, seats=("s2",)) is NoBid.SEAT
    assert reason(fits, blocked_seats=("s1",)) is NoBid.SEAT
    assert reason(ImpressionFacts("1", (FormatFacts(CreativeKind.VIDEO),))) is NoBid.FORMAT
    assert reason(ImpressionFacts("1", banner, secure=True)) is NoBid.FORMAT
    assert reason(ImpressionFacts("1", banner, private_auction=True)) is NoBid.PRIVATE_AUCTION
    assert reason(fits, floor=None) is NoBid.CURRENCY
    assert reason(fits, floor=3) is NoBid.FLOOR
