"""The inverted index: from a request's attributes to the creatives that may be bid, as sets of bits.

A set is one Python integer, bit n for entry n: at 1,000 to 20,000 entries its `&` takes a few hundred nanoseconds, less
than one call into NumPy. Entries stand dearest first, so a floor is a prefix and the lowest bits are the best
candidates. `hotpath/engine/reference.py` says the same slowly. Must not keep counts or read a clock.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Final, cast

from domain.bid_snapshot import Creative, CreativeKind, Snapshot
from hotpath.engine.candidates import Lane, Shelf, shelf_of
from hotpath.engine.entries import (
    Entry,
    banner_type,
    entries_of,
    spoken_protocols,
    with_ancestors,
    with_parents,
    with_shorter_tags,
)
from hotpath.engine.facts import DealFacts, FormatFacts, NoBid
from hotpath.engine.request_facts import ImpressionFacts, RequestFacts
from hotpath.engine.spans import Span, together

_LINEAR: Final = 1
_NONLINEAR: Final = 2
_YES: Final = (True,)
#: Of what is kept by its key because exchanges ask for the same again and again; beyond, all of it is dropped.
_MOST_KEPT: Final = 4_096
#: After so many entries, or values, an index that is made beside bidding pauses: some tenths of a millisecond.
_A_PAUSE: Final = 512
#: The reasons to give for nearly every request; by their own names, as an enumeration finds one in 600 instructions.
_SEAT: Final = NoBid.SEAT
_TARGETING: Final = NoBid.TARGETING
_FLOOR: Final = NoBid.FLOOR


class Postings:
    """Which entries name a value."""

    def __init__(
        self, entries: Sequence[Entry], values_of: Callable[[Entry], Iterable[Hashable]], pause: Callable[[], None]
    ) -> None:
        """Collect what each entry names; `pause` is called again and again."""
        by_value: defaultdict[Hashable, list[int]] = defaultdict(list)
        named: list[int] = []
        for number, entry in enumerate(entries):
            if not number % _A_PAUSE:
                pause()
            some = False
            for value in values_of(entry):
                by_value[value].append(number)
                some = True
            if some:
                named.append(number)
        self._by_value: dict[Hashable, int] = {}
        for value, numbers in by_value.items():
            self._by_value[value] = _mask_of(numbers)
            if not len(self._by_value) % _A_PAUSE:
                pause()
        self.named = _mask_of(named)

    def of(self, values: Iterable[Hashable]) -> int:
        """Entries that name any of the values."""
        mask = 0
        for value in values:
            mask |= self._by_value.get(value, 0)
        return mask

    def one(self, value: Hashable) -> int:
        """Entries that name the value."""
        return self._by_value.get(value, 0)

    def fitting(self, everyone: int) -> "Fitting":
        """Of a list that asks for nothing where it is empty: who takes a value, whether it names it or names none."""
        others = everyone & ~self.named
        return Fitting({value: others | mask for value, mask in self._by_value.items()}, others)

    def items(self) -> Iterator[tuple[Hashable, int]]:
        """Every value with its entries."""
        return iter(self._by_value.items())


class Fitting:
    """Who takes a value: one look-up where `Postings` need two sets and an `or`."""

    def __init__(self, by_value: dict[Hashable, int], others: int) -> None:
        """`others` take whatever no list names."""
        self.by_value = by_value
        self.others = others

    def any(self, values: Iterable[Hashable]) -> int:
        """Entries that take any of the values, or ask for none."""
        mask = self.others
        for value in values:
            mask |= self.by_value.get(value, 0)
        return mask


class TargetingIndex:
    """A snapshot's entries by every attribute that a request can have."""

    def __init__(self, snapshot: Snapshot, pause: Callable[[], None] = lambda: None) -> None:
        """Index a checked snapshot; `pause` is called again and again, so that a thread may let others run."""
        self._pause = pause
        #: All its tables, for whoever drops it one by one.
        self.tables: list[Postings] = []
        self.entries = entries_of(snapshot, pause)
        self._everyone = (1 << len(self.entries)) - 1
        self._falling = [-entry.campaign.bid_cpm_micros for entry in self.entries]
        self._index_campaigns()
        self._index_creatives()
        self._index_fits(snapshot)
        self._ads_txt = {
            domain: frozenset((line.system.lower(), line.account) for line in lines)
            for domain, lines in snapshot.ads_txt.items()
        }

    def _post(self, values_of: Callable[[Entry], Iterable[Hashable]]) -> Postings:
        table = Postings(self.entries, values_of, self._pause)
        self.tables.append(table)
        return table

    def _those(self, holds: Callable[[Entry], bool]) -> int:
        """The entries of which it holds."""
        return self._post(lambda entry: _YES if holds(entry) else ()).named

    def _index_campaigns(self) -> None:
        self._countries = self._post(lambda entry: entry.campaign.targeting.countries)
        self._devices = self._post(lambda entry: entry.campaign.targeting.device_types)
        self._hours = self._post(lambda entry: entry.campaign.targeting.hours_utc)
        self._categories = self._post(lambda entry: _in_taxonomy(entry, entry.campaign.targeting.categories))
        self._not_categories = self._post(
            lambda entry: _in_taxonomy(entry, entry.campaign.targeting.excluded_categories)
        )
        self._page_taxonomies = self._post(lambda entry: (entry.campaign.targeting.category_taxonomy,))
        self._segments = self._post(lambda entry: entry.campaign.targeting.segments)
        self._not_segments = self._post(lambda entry: entry.campaign.targeting.excluded_segments)
        self._not_pages = self._post(lambda entry: map(_plain, entry.campaign.targeting.blocked_domains))
        self._deals = self._post(lambda entry: entry.campaign.targeting.deals)
        self._any_deal = self._those(lambda entry: entry.campaign.targeting.any_deal)
        self._whole_chain = self._those(lambda entry: entry.campaign.targeting.whole_chain)
        self._authorised = self._those(lambda entry: entry.campaign.targeting.authorised_sellers)
        self._seats = self._post(lambda entry: (entry.campaign.seat,))
        self._bundles = self._post(lambda entry: _named(entry.campaign.bundle))
        self._domains = self._post(lambda entry: [name for of in entry.campaign.domains for name in with_parents(of)])
        self._taxonomies = self._post(
            lambda entry: (entry.campaign.category_taxonomy,) if entry.campaign.categories else ()
        )
        self._own_categories = self._post(
            lambda entry: [name for category in entry.campaign.categories for name in with_ancestors(category)]
        )
        self._exact_categories = self._post(lambda entry: entry.campaign.categories)

    def _index_creatives(self) -> None:
        self._kinds = self._post(lambda entry: (entry.creative.kind,))
        self._sizes = self._post(lambda entry: _size(entry.creative))
        self._mimes = self._post(lambda entry: _named(entry.creative.mime))
        self._attributes = self._post(lambda entry: entry.creative.attributes)
        self._durations = self._post(lambda entry: (entry.creative.duration_s,))
        self._insecure = self._those(lambda entry: not entry.creative.secure)
        self._languages = self._post(
            lambda entry: with_shorter_tags(entry.creative.language) if entry.creative.language else ()
        )
        self._protocols = self._post(lambda entry: spoken_protocols(entry.creative))
        self._apis = self._post(lambda entry: entry.creative.apis)
        self._banner_types = self._post(lambda entry: _named(banner_type(entry.creative)))
        self._nonlinear = self._those(lambda entry: not entry.creative.linear)

    def _index_fits(self, snapshot: Snapshot) -> None:
        """What is looked up for every request, in its shortest form."""
        everyone = self._everyone
        self._fit_country = self._countries.fitting(everyone)
        self._fit_device = self._devices.fitting(everyone)
        self._fit_hour = self._hours.fitting(everyone)
        self._fit_categories = self._categories.fitting(everyone)
        self._fit_segments = self._segments.fitting(everyone)
        self._fit_size = self._sizes.fitting(everyone)
        self._fit_mime = self._mimes.fitting(everyone)
        self._undealt = everyone & ~self._deals.named
        # Those that take a page of no known category, for a user of no known segment.
        self._plainest = self._fit_categories.others & self._fit_segments.others
        #: Entries by campaign; and those whose campaign caps how often a user sees it.
        self.of_campaign: dict[str, Span] = {}
        for number, entry in enumerate(self.entries):
            if not number % _A_PAUSE:
                self._pause()
            first, count = self.of_campaign.get(entry.campaign_id, (number, 0))
            self.of_campaign[entry.campaign_id] = (first, count + 1)
        for number, entry in enumerate(self.entries):
            if not number % _A_PAUSE:
                self._pause()
            entry.span = self.of_campaign[entry.campaign_id]
        self.capped = together(
            self.of_campaign[campaign.campaign_id]
            for campaign in snapshot.campaigns
            if campaign.hourly_cap or campaign.daily_cap
        )
        self._filled: dict[tuple[FormatFacts, ...], int] = {}
        self._shelves: dict[int, Shelf] = {}

    def shelf(self, mask: int, most: int) -> Shelf:
        """The first entries of a set, at most so many; `most` is the same in all calls."""
        found = self._shelves.get(mask)
        if found is None:
            if len(self._shelves) >= _MOST_KEPT:
                self._shelves.clear()
            numbers = bits(mask)
            found = shelf_of([self.entries[number] for number, _ in zip(numbers, range(most), strict=False)])
            self._shelves[mask] = found
        return found

    def for_request(self, request: RequestFacts, *, hour_utc: int, segments: tuple[int, ...]) -> tuple[int, NoBid]:
        """The entries that fit a request whatever the impression, and the reason to give if none is left.

        Args:
            request: the facts.
            hour_utc: 0 to 23.
            segments: of the user; none where nothing about the user may be used.
        """
        mask = self._targeted(request, hour_utc, segments)
        if not mask:
            return 0, NoBid.TARGETING
        unsupplied = self._unsupplied(request)
        if unsupplied:
            mask &= ~unsupplied
            if not mask:
                return 0, NoBid.SUPPLY
        blocked = self._blocked(request)
        if blocked:
            mask &= ~blocked
        if request.languages:
            mask &= ~self._languages.named | self._languages.of(map(str.lower, request.languages))
        if not mask:
            return 0, NoBid.BLOCKED
        if request.seats:
            mask &= self._seats.of(request.seats)
        if request.blocked_seats:
            mask &= ~self._seats.of(request.blocked_seats)
        return mask, _SEAT

    def _targeted(self, request: RequestFacts, hour_utc: int, segments: tuple[int, ...]) -> int:
        """Those whose campaign asks for nothing that the request or its user is not."""
        mask = (
            self._fit_country.by_value.get(request.country, self._fit_country.others)
            & self._fit_device.by_value.get(request.device_type, self._fit_device.others)
            & self._fit_hour.by_value.get(hour_utc, self._fit_hour.others)
        )
        if request.page_categories or segments:
            mask &= self._fit_page(request) & self._fit_segments.any(segments)
            mask &= ~self._not_segments.of(segments)
        else:
            mask &= self._plainest
        if request.page_domain and self._not_pages.named:
            mask &= ~self._not_pages.of(with_parents(request.page_domain))
        return mask

    def _fit_page(self, request: RequestFacts) -> int:
        page = [(request.page_taxonomy, category) for category in request.page_categories]
        mask = self._fit_categories.any(page)
        if page and self._not_categories.named:
            # A page of another taxonomy cannot be shown to be none of the excluded.
            fits = self._everyone & ~self._not_categories.named | self._page_taxonomies.one(request.page_taxonomy)
            mask &= fits & ~self._not_categories.of(page)
        return mask

    def _unsupplied(self, request: RequestFacts) -> int:
        """Those that ask more of the supply chain than the request shows."""
        if not request.whole_chain or not request.sellers:
            return self._whole_chain | self._authorised
        if not self._authorised:
            return 0
        named = self._ads_txt.get(request.seller_domain, frozenset())
        return 0 if named.issuperset(request.sellers) else self._authorised

    def _blocked(self, request: RequestFacts) -> int:
        mask = 0
        if request.blocked_bundles:
            mask = self._bundles.of(request.blocked_bundles)
        if request.blocked_domains:
            mask |= self._domains.of(map(_plain, request.blocked_domains))
        if request.blocked_categories:
            comparable = self._taxonomies.one(request.category_taxonomy)
            # Entries of another taxonomy cannot be shown to be none of the blocked.
            mask |= self._taxonomies.named & ~comparable
            mask |= comparable & self._own_categories.of(request.blocked_categories)
        if request.allowed_categories:
            # Nor can those without a category be shown to be one of the allowed.
            mask |= self._everyone & ~self._taxonomies.one(request.category_taxonomy)
            allowed = set(request.allowed_categories)
            for category, entries in self._exact_categories.items():
                if allowed.isdisjoint(with_ancestors(str(category))):
                    mask |= entries
        return mask

    def for_impression(
        self, mask: int, impression: ImpressionFacts, floor: int | None, under_deals: Sequence[int | None]
    ) -> tuple[list[Lane], NoBid]:
        """The lanes in which an entry of `mask` may be bid, deals first, and the reason to give if there are none.

        Args:
            mask: what `for_request` left.
            impression: the facts.
            floor: house CPM micros of the open auction; None where no rate is known.
            under_deals: the same of each of the impression's deals.
        """
        if impression.secure:
            mask &= ~self._insecure
        mask &= self._fits(impression.formats)
        if not mask:
            return [], NoBid.FORMAT
        lanes: list[Lane] = []
        reason = _TARGETING
        if impression.deals:
            reason = NoBid.PRIVATE_AUCTION if impression.private_auction else reason
            for deal, under_deal in zip(impression.deals, under_deals, strict=True):
                reason = self._add_lane(lanes, deal, under_deal, self._dealt(mask, deal), reason)
        elif impression.private_auction:
            return [], NoBid.PRIVATE_AUCTION
        if not impression.private_auction:
            reason = self._add_lane(lanes, None, floor, mask & self._undealt, reason)
        return lanes, reason

    def _add_lane(
        self, lanes: list[Lane], deal: DealFacts | None, floor: int | None, left: int, reason: NoBid
    ) -> NoBid:
        """Add the lane of those in `left` that bid the floor, if any; gives the reason if there is none in the end."""
        if not left:
            return reason
        if floor is None:
            return NoBid.CURRENCY if reason is not _FLOOR else reason
        above = left & self._worth(floor)
        if above:
            lanes.append(Lane(deal, floor, above))
        return _FLOOR

    def by_duration(self, lane: Lane, floor_of: Callable[[int], int | None]) -> list[Lane]:
        """A lane once for each duration in it, with the higher of its floor and that duration's; none below them.

        Args:
            lane: what `for_impression` gave.
            floor_of: house CPM micros by a duration in seconds; None where no rate is known.
        """
        lanes = []
        for duration_s, entries in self._durations.items():
            floor = floor_of(cast("int", duration_s)) if entries & lane.mask else None
            if floor is None:
                continue
            floor = max(floor, lane.floor_micros)
            above = entries & lane.mask & self._worth(floor)
            if above:
                lanes.append(Lane(lane.deal, floor, above))
        return lanes

    def _worth(self, floor_micros: int) -> int:
        """The entries that bid at least so much: the first ones."""
        if not floor_micros:
            return self._everyone
        return (1 << bisect_right(self._falling, -floor_micros)) - 1

    def _dealt(self, mask: int, deal: DealFacts) -> int:
        mask &= self._any_deal | self._deals.one(deal.deal_id)
        if deal.seats:
            mask &= self._seats.of(deal.seats)
        if deal.domains:
            mask &= self._domains.of(map(_plain, deal.domains))
        return mask

    def _fits(self, formats: tuple[FormatFacts, ...]) -> int:
        fits = self._filled.get(formats)
        if fits is None:
            if len(self._filled) >= _MOST_KEPT:
                self._filled.clear()
            fits = self._filled[formats] = self._fills(formats)
        return fits

    def _fills(self, formats: tuple[FormatFacts, ...]) -> int:
        mask = 0
        for form in formats:
            fits = self._kinds.one(CreativeKind(form.kind)) & ~self._attributes.of(form.blocked_attributes)
            if form.sizes or form.ratios:
                fits &= self._fit_size.any(form.sizes) | self._in_ratio(form.ratios)
            if form.mimes:
                fits &= self._fit_mime.any(form.mimes)
            if fits and (form.least_duration_s or form.most_duration_s):
                fits &= self._lasting(form.least_duration_s, form.most_duration_s)
            mask |= fits & ~(self._unplayable(form) | self._lacking(form.apis)) if fits else 0
        return mask

    def _unplayable(self, form: FormatFacts) -> int:
        """Spots and banners in a form that the impression does not take."""
        mask = self._banner_types.of(form.blocked_types)
        if form.protocols:
            mask |= self._protocols.named & ~self._protocols.of(form.protocols)
        if form.linearity == _LINEAR:
            mask |= self._nonlinear
        elif form.linearity == _NONLINEAR:
            mask |= ~self._nonlinear
        return mask

    def _lacking(self, apis: tuple[int, ...]) -> int:
        """Those that cannot do without a framework which is not there."""
        mask = 0
        for api, entries in self._apis.items():
            if api not in apis:
                mask |= entries
        return mask

    def _in_ratio(self, ratios: tuple[tuple[int, int, int], ...]) -> int:
        mask = 0
        for size, entries in self._sizes.items() if ratios else ():
            width, height = cast("tuple[int, int]", size)
            if any(width * high == height * wide and width >= least for wide, high, least in ratios):
                mask |= entries
        return mask

    def _lasting(self, least_s: int, most_s: int) -> int:
        mask = 0
        for duration_s, entries in self._durations.items():
            if isinstance(duration_s, int) and duration_s >= least_s and (not most_s or duration_s <= most_s):
                mask |= entries
        return mask


def bits(mask: int) -> Iterator[int]:
    """The numbers in a set, lowest (dearest entry) first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _mask_of(numbers: list[int]) -> int:
    """The set of these numbers; by bytes, since a long integer per added bit takes seconds at 10,000 campaigns."""
    octets = bytearray(max(numbers, default=-1) // 8 + 1)
    for number in numbers:
        octets[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(octets, "little")


def _named(value: str | int) -> Iterable[Hashable]:
    """The value, unless it says nothing."""
    return (value,) if value else ()


def _in_taxonomy(entry: Entry, categories: Iterable[str]) -> Iterable[Hashable]:
    taxonomy = entry.campaign.targeting.category_taxonomy
    return [(taxonomy, category) for category in categories]


def _size(creative: Creative) -> Iterable[Hashable]:
    size = creative.width, creative.height
    return (size,) if size != (0, 0) else ()


def _plain(domain: str) -> str:
    return domain.lower().rstrip(".")
