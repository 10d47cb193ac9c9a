"""Hints within one process, and how they are spelled for others."""

import asyncio
from uuid import UUID

import pytest

from kit.ids import new_id
from realtime import hints as carrier
from realtime.hints import CarriedHints, Hint, Hints, LogHint, PresenceHint, open_hints

TENANT, WORKSPACE = UUID(int=1), UUID(int=2)


async def test_hints_reach_every_listener_until_it_ends() -> None:
    heard: list[Hint] = []
    async with open_hints("") as hints:
        end = hints.listen(heard.append)
        hints.publish(TENANT, 7)
        hints.publish_presence(TENANT, WORKSPACE)
        end()
        end()
        hints.publish(TENANT, 8)
    assert heard == [LogHint(TENANT, 7), PresenceHint(TENANT, WORKSPACE)]


def test_a_listener_that_breaks_stops_neither_the_others_nor_the_publisher(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Hint] = []

    def breaks(_: Hint) -> None:
        raise RuntimeError("broken")

    hints = Hints()
    hints.listen(breaks)
    hints.listen(heard.append)
    hints.publish(TENANT, 7)
    assert heard == [LogHint(TENANT, 7)]
    assert "a listener to hints failed" in caplog.text


@pytest.mark.parametrize("hint", [LogHint(TENANT, 1841), PresenceHint(TENANT, WORKSPACE)])
def test_a_hint_survives_its_spelling(hint: Hint) -> None:
    assert carrier._read(carrier._spell(hint)) == hint


@pytest.mark.parametrize(
    "text",
    ["", "beat", "log", f"log {TENANT}", f"log {TENANT} x", f"log x {7}", f"news {TENANT} 7", f"presence {TENANT} 7"],
)
def test_what_is_no_hint_is_passed_over(text: str) -> None:
    assert carrier._read(text) is None


async def test_what_waits_for_a_carrier_that_is_away_is_bounded_and_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrier, "MAX_WAITING", 10)
    hints = CarriedHints("redis://127.0.0.1:1/0")
    tenants = [new_id() for _ in range(12)]
    for number in (1, 2):
        for tenant_id in tenants:
            hints.publish(tenant_id, number)
    assert list(hints._waiting.values()) == [LogHint(tenant_id, 2) for tenant_id in tenants[2:]]


async def test_without_its_carrier_a_process_still_starts_hears_itself_and_ends() -> None:
    heard: list[Hint] = []
    async with asyncio.timeout(10), open_hints("redis://127.0.0.1:1/0") as hints:
        hints.listen(heard.append)
        hints.publish(TENANT, 7)
        await asyncio.sleep(0.3)
    assert heard == [LogHint(TENANT, 7)]
