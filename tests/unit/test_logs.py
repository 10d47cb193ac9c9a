"""Log lines for programs: one JSON object each, with the request they belong to."""

import json
import logging
import sys

from app.logs import REQUEST_ID, JsonLines


def line(message: str, *arguments: object, **more: object) -> dict[str, object]:
    record = logging.LogRecord("campaign_express.x", logging.INFO, __file__, 1, message, arguments, None)
    record.__dict__.update(more)
    record.created = 1_773_144_000.25
    text = JsonLines().format(record)
    assert "\n" not in text
    found: dict[str, object] = json.loads(text)
    return found


def test_a_line_says_when_how_grave_who_and_what() -> None:
    assert line("%d of %s", 3, "four") == {
        "time": "2026-03-10T12:00:00.250000Z",
        "level": "INFO",
        "logger": "campaign_express.x",
        "message": "3 of four",
    }


def test_a_line_within_a_request_carries_its_id_and_only_there() -> None:
    token = REQUEST_ID.set("abc-1")
    try:
        assert line("inside")["requestId"] == "abc-1"
    finally:
        REQUEST_ID.reset(token)
    assert "requestId" not in line("outside")


def test_facts_and_tracebacks_stay_on_the_line() -> None:
    assert line("done", facts={"operation": "Review", "codes": ["A"]})["codes"] == ["A"]
    try:
        int("why")
    except ValueError:
        told = line("broke\nbadly", exc_info=sys.exc_info())
    assert told["message"] == "broke\nbadly"
    assert str(told["exception"]).endswith("base 10: 'why'")
