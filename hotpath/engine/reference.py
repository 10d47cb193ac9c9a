"""The slow and obvious matcher: what the index must agree with. It is read, and run by tests, never by the process.

Must not share a line of matching with the index.
"""

from collections.abc import Mapping

from domain.bid_snapshot import Creative, Seller
from hotpath.engine.entries import (
    Entry,
    banner_type,
    spoken_protocols,
    with_ancestors,
    with_parents,
    with_shorter_tags,
)
from hotpath.engine.facts import DealFacts, FormatFacts
from hotpath.engine.request_facts import ImpressionFacts, RequestFacts


def matches(
    entry: Entry,
    request: RequestFacts,
    impression: ImpressionFacts,
    deal: DealFacts | None,
    *,
    hour_utc: int,
    segments: tuple[int, ...],
    ads_txt: Mapping[str, tuple[Seller, ...]],
) -> bool:
    """Whether a creative may be bid on an impression, under a deal or (None) in the open auction; floors aside."""
    return (
        _targets(entry, request, hour_utc, segments)
        and _supplied(entry, request, ads_txt)
        and not _blocked(entry, request)
        and _allowed(entry, request)
        and _understood(entry, request)
        and _seated(entry, request.seats, request.blocked_seats)
        and (entry.creative.secure or not impression.secure)
        and any(_fills(entry, form) for form in impression.formats)
        and _dealt(entry, impression, deal)
    )


def _targets(entry: Entry, request: RequestFacts, hour_utc: int, segments: tuple[int, ...]) -> bool:
    wanted = entry.campaign.targeting
    page, user = set(request.page_categories), set(segments)
    comparable = wanted.category_taxonomy == request.page_taxonomy
    avoided = {domain.lower().rstrip(".") for domain in wanted.blocked_domains}
    return (
        (not wanted.countries or request.country in wanted.countries)
        and (not wanted.device_types or request.device_type in wanted.device_types)
        and (not wanted.hours_utc or hour_utc in wanted.hours_utc)
        and (not wanted.categories or (comparable and bool(set(wanted.categories) & page)))
        and not (wanted.excluded_categories and page and not comparable)
        and not set(wanted.excluded_categories) & page
        and (not wanted.segments or bool(set(wanted.segments) & user))
        and not set(wanted.excluded_segments) & user
        and not (request.page_domain and avoided & set(with_parents(request.page_domain)))
    )


def _supplied(entry: Entry, request: RequestFacts, ads_txt: Mapping[str, tuple[Seller, ...]]) -> bool:
    wanted = entry.campaign.targeting
    whole = request.whole_chain and len(request.sellers) > 0
    named = {(line.system.lower(), line.account) for line in ads_txt.get(request.seller_domain, ())}
    if wanted.whole_chain and not whole:
        return False
    return not wanted.authorised_sellers or (whole and set(request.sellers) <= named)


def _allowed(entry: Entry, request: RequestFacts) -> bool:
    if not request.allowed_categories:
        return True
    campaign = entry.campaign
    if not campaign.categories or campaign.category_taxonomy != request.category_taxonomy:
        # Nothing shows that it is one of those.
        return False
    allowed = set(request.allowed_categories)
    return all(allowed & set(with_ancestors(category)) for category in campaign.categories)


def _understood(entry: Entry, request: RequestFacts) -> bool:
    spoken = entry.creative.language
    wanted = {tag.lower() for tag in request.languages}
    return not spoken or not wanted or bool(wanted & set(with_shorter_tags(spoken)))


def _blocked(entry: Entry, request: RequestFacts) -> bool:
    campaign = entry.campaign
    if request.blocked_categories and campaign.categories:
        if campaign.category_taxonomy != request.category_taxonomy:
            # Nothing shows that it is none of those: two taxonomies cannot be compared.
            return True
        own = {name for category in campaign.categories for name in with_ancestors(category)}
        if own & set(request.blocked_categories):
            return True
    domains = {name for domain in campaign.domains for name in with_parents(domain)}
    if domains & {domain.lower().rstrip(".") for domain in request.blocked_domains}:
        return True
    return bool(campaign.bundle) and campaign.bundle in request.blocked_bundles


def _seated(entry: Entry, seats: tuple[str, ...], blocked: tuple[str, ...]) -> bool:
    return (not seats or entry.campaign.seat in seats) and entry.campaign.seat not in blocked


def _fills(entry: Entry, form: FormatFacts) -> bool:
    creative = entry.creative
    if creative.kind is not form.kind or set(creative.attributes) & set(form.blocked_attributes):
        return False
    if not _fits(creative.width, creative.height, form) or not _plays(creative, form):
        return False
    if creative.mime and form.mimes and creative.mime not in form.mimes:
        return False
    if creative.duration_s < form.least_duration_s:
        return False
    return not form.most_duration_s or creative.duration_s <= form.most_duration_s


def _plays(creative: Creative, form: FormatFacts) -> bool:
    protocols, kind = set(spoken_protocols(creative)), banner_type(creative)
    return (
        set(creative.apis) <= set(form.apis)
        and (not protocols or not form.protocols or bool(protocols & set(form.protocols)))
        and form.linearity != (2 if creative.linear else 1)
        and not (kind and kind in form.blocked_types)
    )


def _fits(width: int, height: int, form: FormatFacts) -> bool:
    if (width, height) == (0, 0) or not (form.sizes or form.ratios):
        return True
    in_ratio = any(width * high == height * wide and width >= least for wide, high, least in form.ratios)
    return in_ratio or (width, height) in form.sizes


def _dealt(entry: Entry, impression: ImpressionFacts, deal: DealFacts | None) -> bool:
    wanted = entry.campaign.targeting
    if deal is None:
        return not impression.private_auction and not wanted.deals
    if not wanted.any_deal and deal.deal_id not in wanted.deals:
        return False
    if not _seated(entry, deal.seats, ()):
        return False
    allowed = {domain.lower().rstrip(".") for domain in deal.domains}
    domains = {name for domain in entry.campaign.domains for name in with_parents(domain)}
    return not allowed or bool(allowed & domains)
