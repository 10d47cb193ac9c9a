"""The slow and obvious matcher: what the index must agree with. It is read, and run by tests, never by the process.

Must not share a line of matching with the index.
"""

from hotpath.engine.entries import Entry, with_ancestors, with_parents
from hotpath.engine.facts import DealFacts, FormatFacts, ImpressionFacts, RequestFacts


def matches(
    entry: Entry,
    request: RequestFacts,
    impression: ImpressionFacts,
    deal: DealFacts | None,
    *,
    hour_utc: int,
    segments: tuple[int, ...],
) -> bool:
    """Whether a creative may be bid on an impression, under a deal or (None) in the open auction; floors aside."""
    return (
        _targets(entry, request, hour_utc, segments)
        and not _blocked(entry, request)
        and _seated(entry, request.seats, request.blocked_seats)
        and (entry.creative.secure or not impression.secure)
        and any(_fills(entry, form) for form in impression.formats)
        and _dealt(entry, impression, deal)
    )


def _targets(entry: Entry, request: RequestFacts, hour_utc: int, segments: tuple[int, ...]) -> bool:
    wanted = entry.campaign.targeting
    page, user = set(request.page_categories), set(segments)
    avoided = {domain.lower().rstrip(".") for domain in wanted.blocked_domains}
    return (
        (not wanted.countries or request.country in wanted.countries)
        and (not wanted.device_types or request.device_type in wanted.device_types)
        and (not wanted.hours_utc or hour_utc in wanted.hours_utc)
        and (not wanted.categories or bool(set(wanted.categories) & page))
        and not set(wanted.excluded_categories) & page
        and (not wanted.segments or bool(set(wanted.segments) & user))
        and not set(wanted.excluded_segments) & user
        and not (request.page_domain and avoided & set(with_parents(request.page_domain)))
    )


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
    sized = (creative.width, creative.height) != (0, 0)
    if sized and form.sizes and (creative.width, creative.height) not in form.sizes:
        return False
    if creative.mime and form.mimes and creative.mime not in form.mimes:
        return False
    if creative.duration_s < form.least_duration_s:
        return False
    return not form.most_duration_s or creative.duration_s <= form.most_duration_s


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
