"""Each rule beyond types, alone."""

from typing import Any

import msgspec
import pytest

from hotpath.openrtb.requests import BidRequest
from hotpath.openrtb.rules import broken_rule

BANNER = {"id": "1", "banner": {}}


def broken(**changes: Any) -> str:
    return broken_rule(msgspec.convert({"id": "r", "imp": [BANNER], **changes}, BidRequest))


def test_a_least_request_breaks_none() -> None:
    assert broken() == ""


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"id": ""}, "3.2.1: id is required"),
        ({"imp": []}, "3.2.1: imp is required"),
        ({"site": {}, "app": {}}, "3.2.1: at most one of site, app and dooh"),
        ({"site": {}, "dooh": {}}, "3.2.1: at most one of site, app and dooh"),
        ({"app": {}, "dooh": {}}, "3.2.1: at most one of site, app and dooh"),
        ({"wseat": ["a"], "bseat": ["b"]}, "3.2.1: wseat and bseat exclude each other"),
        ({"acat": ["a"], "bcat": ["b"]}, "3.2.1: acat and bcat exclude each other"),
        ({"wlang": ["a"], "wlangb": ["b"]}, "3.2.1: wlang and wlangb exclude each other"),
        ({"imp": [BANNER, BANNER]}, "3.2.4: imp.id is unique within the request"),
        ({"imp": [{"id": "", "banner": {}}]}, "3.2.4: imp.id is required"),
        ({"imp": [{"id": "1"}]}, "3.2.4: an impression has at least one of banner, video, audio and native"),
        ({"imp": [{**BANNER, "bidfloor": float("inf")}]}, "3.2.4: bidfloor is a number"),
        ({"imp": [{"id": "1", "video": {"mimes": []}}]}, "3.2.7: video.mimes is required"),
        ({"imp": [{"id": "1", "video": {"mimes": [""]}}]}, "3.2.7: video.mimes is required"),
        ({"imp": [{"id": "1", "audio": {"mimes": []}}]}, "3.2.8: audio.mimes is required"),
        (
            {"imp": [{"id": "1", "video": {"mimes": ["video/mp4"], "rqddurs": [15], "maxduration": 30}}]},
            "3.2.7: video.rqddurs excludes minduration and maxduration",
        ),
        (
            {"imp": [{"id": "1", "audio": {"mimes": ["audio/mp4"], "rqddurs": [15], "minduration": 5}}]},
            "3.2.8: audio.rqddurs excludes minduration and maxduration",
        ),
        ({"imp": [{**BANNER, "pmp": {"deals": [{"id": ""}]}}]}, "3.2.12: deal.id is required"),
        (
            {"imp": [{**BANNER, "pmp": {"deals": [{"id": "d", "bidfloor": float("nan")}]}}]},
            "3.2.12: bidfloor is a number",
        ),
    ],
)
def test_a_broken_rule_is_named(changes: dict[str, Any], rule: str) -> None:
    assert broken(**changes) == rule


@pytest.mark.parametrize(
    "changes",
    [
        {"wseat": ["a"], "bseat": []},
        {"imp": [BANNER, {"id": "2", "banner": {}}]},
        {"imp": [{"id": "1", "banner": {"w": -1}}], "regs": {"gdpr": 7}, "tmax": -5},
        {"imp": [{"id": "1", "video": {"mimes": ["video/mp4"], "rqddurs": [15]}}]},
    ],
)
def test_what_is_only_odd_breaks_none(changes: dict[str, Any]) -> None:
    assert broken(**changes) == ""
