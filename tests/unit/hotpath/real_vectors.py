"""Feature vectors made from real bid requests: who is asked about, on what device and page, as a profile would know it.

Exchanges do not send the 64 interests: they are drawn from what a request does say (segments, categories, keywords),
the same words always giving the same direction, so that like requests get like vectors.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from domain.bid_features import Vector, feature_vector
from domain.bid_layout import TIERS
from domain.bid_people import FrequencyCap, Loyalty, Profile
from hotpath.auction.facts import request_facts
from hotpath.engine.facts import DEVICE_CLASSES
from hotpath.openrtb.codec import MalformedRequest, decode_request
from hotpath.openrtb.requests import BidRequest

DATA = Path(os.environ.get("EXTERNAL_DATA", "/nowhere")) / "openrtb"


def real_bodies(folder: Path = DATA) -> list[bytes]:
    """The bodies of all files that are requests, in the order of their names."""
    bodies = []
    for path in sorted(folder.rglob("*.json")):
        if path.name == "manifest.json" or "bid-response" in path.parts or "native1" in path.parts:
            continue
        data = path.read_bytes()
        try:
            held = json.loads(data)
        except ValueError:
            continue
        if isinstance(held, dict) and ("mockBidRequest" in held or "requestPayload" in held):
            data = json.dumps(held.get("mockBidRequest", held.get("requestPayload"))).encode()
        bodies.append(data)
    return bodies


def real_requests(folder: Path = DATA) -> list[BidRequest]:
    """Those of them that are requests by the specification."""
    requests = []
    for body in real_bodies(folder):
        try:
            requests.append(decode_request(body))
        except MalformedRequest:
            continue
    return requests


def vector_of(request: BidRequest) -> Vector:
    """The 256 values of a request and of the profile that its words give."""
    facts = request_facts(request, 0)
    return feature_vector(
        profile_of(request),
        personal=True,
        device_type=DEVICE_CLASSES.get(facts.device_type, ""),
        position=facts.impressions[0].position,
    )


def profile_of(request: BidRequest) -> Profile:
    """What a profile might hold of the request's user."""
    words = sorted(set(_words(request)))
    interests = np.zeros(64)
    for word in words:
        interests += np.random.default_rng(crc32(word.encode())).normal(0, 0.3, 64)
    rng = np.random.default_rng(crc32(request.id.encode()))
    return Profile(
        segments=tuple(crc32(word.encode()) % 1_000 for word in words),
        interests=tuple(np.clip(interests, -1, 1).tolist()),
        recency_score=float(rng.uniform()),
        frequency_cap=FrequencyCap(hourly=10, shown_this_hour=int(rng.integers(0, 10))),
        loyalty=Loyalty(
            tier=TIERS[int(rng.integers(0, len(TIERS)))],
            balance=float(rng.uniform(0, 1e5)),
            progress=float(rng.uniform()),
            earn_rate=float(rng.uniform()),
        ),
    )


def _words(request: BidRequest) -> Iterable[str]:
    place: Any = request.site or request.app
    if place is not None:
        yield from (place.domain, place.name, *place.cat, *place.pagecat, *place.keywords.split(","))
    if request.user is not None:
        yield from request.user.keywords.split(",")
        yield from (segment.id or segment.name for data in request.user.data for segment in data.segment)
    if request.device is not None:
        yield from (request.device.language, request.device.os)
    for imp in request.imp:
        yield imp.tagid
