"""What a request says of its user's rights, wherever it says it, and whether the user may then be known."""

from typing import Any

import pytest

from domain.bid_features import personal_use_allowed
from domain.bid_people import Privacy
from hotpath.auction.privacy import privacy_of
from tests.unit.hotpath.auction.test_consents import BITS, core
from tests.unit.hotpath.auction.test_facts import read

AGREED = core(vendors=BITS)


def privacy(**changes: Any) -> Privacy:
    request = read(**changes)
    return privacy_of(request.regs, request.user, 7)


def test_a_request_without_regulations_has_none() -> None:
    assert privacy() == Privacy()
    assert privacy(regs={}) == Privacy()


@pytest.mark.parametrize(
    ("regs", "field", "value"),
    [
        ({"coppa": 1}, "coppa", True),
        ({"coppa": 0}, "coppa", False),
        ({"gdpr": 0}, "gdpr", False),
        ({"gdpr": 1}, "gdpr", True),
        ({"gdpr": 7}, "gdpr", True),
        ({"ext": {"gdpr": 1}}, "gdpr", True),
        ({"ext": {"gdpr": "1"}}, "gdpr", True),
        ({"ext": {"gdpr": 0}}, "gdpr", False),
        ({"ext": {"gdpr": "0"}}, "gdpr", False),
        ({"gdpr": 0, "ext": {"gdpr": 1}}, "gdpr", False),
        ({"ext": {"gdpr": {"odd": 1}}}, "gdpr", True),
        ({"us_privacy": "1YYN"}, "us_privacy", "1YYN"),
        ({"ext": {"us_privacy": "1YYN"}}, "us_privacy", "1YYN"),
        ({"ext": {"us_privacy": 5}}, "us_privacy", ""),
        ({"gpp_sid": [7]}, "gpp_sections", (7,)),
        ({"ext": {"gpp_sid": [7, "x"]}}, "gpp_sections", (7,)),
        ({"ext": {"gpp_sid": 7}}, "gpp_sections", ()),
        ({"gpp_sid": [2, 6], "gpp": f"DBACNYA~{AGREED}~1YYN"}, "us_privacy", "1YYN"),
        ({"gpp_sid": [2], "gpp": f"DBACNYA~{AGREED}~1YYN"}, "us_privacy", ""),
        ({"gpp_sid": [6], "gpp": "broken"}, "us_privacy", ""),
        ({"ext": {"gpc": "1"}}, "gpc", True),
        ({"ext": {"gpc": 1}}, "gpc", True),
        ({"ext": {"gpc": "0"}}, "gpc", False),
    ],
)
def test_each_signal_is_read_from_where_it_stands(regs: dict[str, Any], field: str, value: object) -> None:
    assert getattr(privacy(regs=regs), field) == value


@pytest.mark.parametrize(
    ("changes", "given"),
    [
        ({"regs": {"gdpr": 1}, "user": {"consent": AGREED}}, True),
        ({"regs": {"gdpr": 1}, "user": {"ext": {"consent": AGREED}}}, True),
        ({"regs": {"gdpr": 1}, "user": {"consent": "x", "ext": {"consent": AGREED}}}, False),
        ({"regs": {"gdpr": 1}, "user": {"ext": {"consent": 5}}}, False),
        ({"regs": {"gdpr": 1}}, False),
        ({"regs": {"gpp_sid": [2], "gpp": f"DBABMA~{AGREED}"}}, True),
        ({"regs": {"gpp_sid": [7], "gpp": f"DBABMA~{AGREED}"}}, False),
    ],
)
def test_consent_is_read_from_where_it_stands(changes: dict[str, Any], given: bool) -> None:
    assert privacy(**changes).consent_given is given


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({"regs": {"coppa": 1}, "user": {"consent": AGREED}}, False),
        ({"regs": {"gdpr": 1}}, False),
        ({"regs": {"gdpr": 1}, "user": {"consent": AGREED}}, True),
        ({"regs": {"gpp_sid": [2]}}, False),
        ({"regs": {"gpp_sid": [2], "gpp": f"DBABMA~{AGREED}"}}, True),
        ({"regs": {"gpp_sid": [2, 6], "gpp": f"DBACNYA~{AGREED}~1YNN"}}, True),
        ({"regs": {"gpp_sid": [6]}}, False),
        ({"regs": {"gpp_sid": [8], "gpp": "DBABMA~x"}}, False),
        ({"regs": {"us_privacy": "1YYN"}}, False),
        ({"regs": {"us_privacy": "1YNN"}}, True),
        ({"regs": {"ext": {"gpc": "1"}}}, False),
        ({"user": {"id": "u"}}, True),
    ],
)
def test_who_may_be_known(changes: dict[str, Any], allowed: bool) -> None:
    assert personal_use_allowed(privacy(**changes)) is allowed
