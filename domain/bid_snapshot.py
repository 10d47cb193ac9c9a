"""The bid process's whole knowledge in one versioned file: campaigns, creatives, rates, multipliers and the model.

Owns the file's form and what makes one fit to be used. Must not read or write files, and knows nothing of requests.
Its objects form no circles, so the collector need not walk half a million of them (`gc=False`).
All prices are CPM micros of the snapshot's one currency (what a thousand impressions cost).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from math import isfinite
from typing import Final

import msgspec

from domain.bid_layout import FEATURES, LAYOUT_HASH
from domain.errors import InvalidInput

_MAGIC: Final = b"CEBS\x02"
_VERSION_BYTES: Final = 8
#: What stands before the body.
HEAD_BYTES: Final = len(_MAGIC) + _VERSION_BYTES + 32
_HOURS: Final = 24
_MICROS: Final = 1_000_000


@dataclass(eq=False)
class SnapshotBroken(InvalidInput):
    """The bytes are no whole snapshot, or its parts contradict each other."""


@dataclass(eq=False)
class SnapshotOutdated(InvalidInput):
    """A snapshot of this version, or a newer one, is in use already."""


class CreativeKind(StrEnum):
    """What an impression can show."""

    BANNER = "banner"
    VIDEO = "video"
    AUDIO = "audio"
    NATIVE = "native"


class Creative(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing to show.

    Sizes are pixels; 0 by 0 fits any size. An empty mime fits any list. `duration_s` 0 is a still picture.
    `attributes`, `protocols`, `apis` and `banner_type` are numbers of OpenRTB's lists: what the creative does, the
    video or audio protocols that its own markup speaks (none: any; without markup of its own, VAST is written in the
    version asked for), the frameworks that it cannot do without, and the banner type of its own markup (0: unknown).
    `language` is a BCP 47 tag, empty where there are no words. One that is not `linear` brings its own markup.
    """

    creative_id: str
    kind: CreativeKind
    width: int = 0
    height: int = 0
    mime: str = ""
    duration_s: int = 0
    secure: bool = True
    attributes: tuple[int, ...] = ()
    url: str = ""
    markup: str = ""
    protocols: tuple[int, ...] = ()
    apis: tuple[int, ...] = ()
    banner_type: int = 0
    language: str = ""
    linear: bool = True


class Offer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the model scores; every creative of it shows the same offer."""

    offer_id: str
    creatives: tuple[Creative, ...]


class Targeting(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a campaign bids. An empty list asks for nothing; a full one for any of its values.

    `countries` are ISO 3166 alpha-3, `device_types` OpenRTB's, `categories` and `excluded_categories` those of the page
    or app in `category_taxonomy` (OpenRTB's `cattax`), `hours_utc` 0 to 23. `any_deal` also takes deals that it was
    never told of. `whole_chain` asks for a complete supply chain, `authorised_sellers` for one whose every seller the
    publisher's ads.txt names.
    """

    countries: tuple[str, ...] = ()
    device_types: tuple[int, ...] = ()
    categories: tuple[str, ...] = ()
    excluded_categories: tuple[str, ...] = ()
    segments: tuple[int, ...] = ()
    excluded_segments: tuple[int, ...] = ()
    hours_utc: tuple[int, ...] = ()
    deals: tuple[str, ...] = ()
    any_deal: bool = False
    blocked_domains: tuple[str, ...] = ()
    category_taxonomy: int = 1
    whole_chain: bool = False
    authorised_sellers: bool = False


class Campaign(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One advertiser's campaign: what it shows, where, what an impression is worth to it and what it may spend today.

    `categories` and `category_taxonomy` (OpenRTB's `cattax`), `domains` and `bundle` are what publishers block by.
    `hourly_cap` and `daily_cap` are impressions per user, 0 for none. Budgets are micros, not CPM. An offer whose
    score, times the user's loyalty multiplier, is under `least_score` is not bid.
    """

    campaign_id: str
    seat: str
    offers: tuple[Offer, ...]
    bid_cpm_micros: int
    daily_budget_micros: int
    spent_today_micros: int = 0
    domains: tuple[str, ...] = ()
    bundle: str = ""
    categories: tuple[str, ...] = ()
    category_taxonomy: int = 1
    targeting: Targeting = Targeting()
    hourly_cap: int = 0
    daily_cap: int = 0
    least_score: float = 0.0


class SpikingModel(msgspec.Struct, frozen=True, kw_only=True):
    """CoLaNet's weights: one output neuron per offer, 256 int8 weights each, row by row in the order of `offer_ids`.

    `scales` turns a row's weights into currents, `biases` are added. `leak` is what a step keeps of a potential,
    `inhibition` what all other neurons' spikes of the last step take away. `layout` names the feature layout that it
    was trained on. `calibrated_current` ends the range of its currents over real requests, in (0, 2 + inhibition], 0
    where nobody measured it: see `bid_calibration.py`.
    """

    name: str
    offer_ids: tuple[str, ...]
    weights: bytes
    scales: tuple[float, ...]
    biases: tuple[float, ...]
    steps: int = 8
    leak: float = 0.9
    inhibition: float = 0.5
    layout: str = LAYOUT_HASH
    calibrated_current: float = 0.0


class Seller(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line of an ads.txt: the advertising system's domain, and the seller's account in it."""

    system: str
    account: str


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All of it.

    `rates_micros` are micros of `currency` that one unit of another currency is worth. `ads_txt` holds, by a site's or
    an app developer's domain in lower case, who may sell its inventory; of a domain that is not there nothing is known.
    """

    version: int
    compiled_at_utc: datetime
    currency: str
    campaigns: tuple[Campaign, ...]
    model: SpikingModel
    rates_micros: dict[str, int] = {}
    loyalty_multipliers: dict[str, float] = {}
    ads_txt: dict[str, tuple[Seller, ...]] = {}


class _Body(msgspec.Struct, frozen=True, array_like=True):
    """The file's body: a snapshot without campaigns, and the campaigns a few at a time, each part as MessagePack.

    In parts, because nothing else can run in a process while it reads one.
    """

    rest: bytes
    campaigns: tuple[bytes, ...]


#: Read in about a millisecond.
_CAMPAIGNS_A_PART: Final = 64
_ENCODER: Final = msgspec.msgpack.Encoder()
_BODY: Final = msgspec.msgpack.Decoder(_Body)
_REST: Final = msgspec.msgpack.Decoder(Snapshot)
_PART: Final = msgspec.msgpack.Decoder(tuple[Campaign, ...])


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """The file: five bytes that name the form, the version, the SHA-256 of version and body, the body in MessagePack.

    Raises:
        SnapshotBroken: its parts contradict each other.
    """
    _check(snapshot)
    parts = [
        _ENCODER.encode(snapshot.campaigns[at : at + _CAMPAIGNS_A_PART])
        for at in range(0, len(snapshot.campaigns), _CAMPAIGNS_A_PART)
    ]
    body = _ENCODER.encode(_Body(_ENCODER.encode(msgspec.structs.replace(snapshot, campaigns=())), tuple(parts)))
    version = snapshot.version.to_bytes(_VERSION_BYTES, "big")
    return b"".join((_MAGIC, version, sha256(version + body).digest(), body))


def version_of(head: bytes) -> int:
    """The version that a file's first bytes say, HEAD_BYTES of them at least. Raises SnapshotBroken: no such file."""
    if len(head) < HEAD_BYTES or not head.startswith(_MAGIC):
        raise SnapshotBroken("these bytes are no snapshot of this form", ("snapshot",))
    return int.from_bytes(head[len(_MAGIC) : len(_MAGIC) + _VERSION_BYTES], "big")


def decode_snapshot(data: bytes, *, newer_than: int = -1, pause: Callable[[], None] = lambda: None) -> Snapshot:
    """Read a whole file, or refuse all of it.

    Args:
        data: the file's bytes.
        newer_than: the version in use; anything that is not above it is refused before its body is read.
        pause: called again and again on the way, so that a thread may let others run.

    Raises:
        SnapshotBroken: cut short, altered, of another form, or contradicting itself.
        SnapshotOutdated: not newer than what is in use.
    """
    number = version_of(data)
    at = len(_MAGIC) + _VERSION_BYTES
    version, digest, body = data[len(_MAGIC) : at], data[at:HEAD_BYTES], data[HEAD_BYTES:]
    if sha256(version + body).digest() != digest:
        raise SnapshotBroken("the snapshot's checksum does not match its content", ("snapshot",))
    if number <= newer_than:
        raise SnapshotOutdated(f"snapshot {number} is not newer than {newer_than}, which is in use", ("snapshot",))
    try:
        snapshot = _read(_BODY.decode(body), pause)
    except msgspec.MsgspecError as error:
        raise SnapshotBroken(f"the snapshot's body cannot be read: {error}", ("snapshot",)) from error
    if snapshot.version != number:
        raise SnapshotBroken(f"the head says version {number}, the body {snapshot.version}", ("snapshot",))
    _check(snapshot)
    pause()
    return snapshot


def _read(body: _Body, pause: Callable[[], None]) -> Snapshot:
    campaigns: list[Campaign] = []
    for part in body.campaigns:
        campaigns += _PART.decode(part)
        pause()
    return msgspec.structs.replace(_REST.decode(body.rest), campaigns=tuple(campaigns))


def _check(snapshot: Snapshot) -> None:
    """Refuse what the engine would stumble over in the middle of an auction."""
    if not 0 <= snapshot.version < 1 << 63:
        raise SnapshotBroken("a version is a number of 63 bits", ("version",))
    _unique([campaign.campaign_id for campaign in snapshot.campaigns], "campaign")
    offers = [offer.offer_id for campaign in snapshot.campaigns for offer in campaign.offers]
    _unique(offers, "offer")
    for campaign in snapshot.campaigns:
        check_campaign(campaign)
    _check_model(snapshot.model)
    missing = set(offers).difference(snapshot.model.offer_ids)
    if missing:
        raise SnapshotBroken(f"the model has no neuron for offer {min(missing)}", ("model",))
    if snapshot.rates_micros.get(snapshot.currency, _MICROS) != _MICROS:
        raise SnapshotBroken("a currency is worth one of itself", ("rates_micros",))
    if any(rate <= 0 for rate in snapshot.rates_micros.values()):
        raise SnapshotBroken("a rate is above zero", ("rates_micros",))
    if not all(factor > 0 and isfinite(factor) for factor in snapshot.loyalty_multipliers.values()):
        raise SnapshotBroken("a loyalty multiplier is above zero", ("loyalty_multipliers",))


def check_campaign(campaign: Campaign) -> None:
    """Raises SnapshotBroken: it would break an auction."""
    name = campaign.campaign_id
    if campaign.bid_cpm_micros <= 0 or campaign.daily_budget_micros < 0 or campaign.spent_today_micros < 0:
        raise SnapshotBroken(f"campaign {name} has a bid or a budget below what is possible", ("campaigns",))
    if campaign.hourly_cap < 0 or campaign.daily_cap < 0:
        raise SnapshotBroken(f"campaign {name} has a cap below zero", ("campaigns",))
    if not campaign.offers or not all(offer.creatives for offer in campaign.offers):
        raise SnapshotBroken(f"campaign {name} has nothing to show", ("campaigns",))
    if not all(shown.linear or shown.markup for offer in campaign.offers for shown in offer.creatives):
        raise SnapshotBroken(f"campaign {name} has a nonlinear creative without markup", ("campaigns",))
    if not all(0 <= hour < _HOURS for hour in campaign.targeting.hours_utc):
        raise SnapshotBroken(f"campaign {name} targets an hour that no day has", ("campaigns",))


def _check_model(model: SpikingModel) -> None:
    count = len(model.offer_ids)
    if model.layout != LAYOUT_HASH:
        raise SnapshotBroken(f"the model was made for feature layout {model.layout}, not {LAYOUT_HASH}", ("model",))
    _unique(model.offer_ids, "neuron's offer")
    if len(model.weights) != count * FEATURES or len(model.scales) != count or len(model.biases) != count:
        raise SnapshotBroken(f"the model's weights are not {count} rows of {FEATURES}", ("model",))
    finite = all(map(isfinite, (*model.scales, *model.biases)))
    if model.steps < 1 or not 0 <= model.leak <= 1 or model.inhibition < 0 or not finite:
        raise SnapshotBroken("the model's dynamics are out of range", ("model",))
    if not 0 <= model.calibrated_current <= 2 + model.inhibition:
        raise SnapshotBroken("the model's currents are calibrated beyond what a neuron tells apart", ("model",))


def _unique(names: list[str] | tuple[str, ...], what: str) -> None:
    if len(set(names)) != len(names):
        raise SnapshotBroken(f"one {what} is in the snapshot twice", ("snapshot",))
