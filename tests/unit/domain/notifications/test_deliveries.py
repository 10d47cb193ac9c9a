"""When notices leave, which leave together, and how failed attempts are spaced."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.notifications.deliveries import (
    MAX_ATTEMPTS,
    MAX_NOTICES,
    Delivery,
    DeliveryStatus,
    batches,
    due_at,
    next_attempt,
)
from domain.notifications.preferences import Channel, Pace
from kit.ids import new_id

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
ANA, BEN = UUID(int=1), UUID(int=2)
MINUTE = timedelta(minutes=1)


def delivery(user_id: UUID = ANA, pace: Pace = Pace.BATCHED, due: datetime = NOON, **changes: Any) -> Delivery:
    value = Delivery(
        new_id(), UUID(int=8), UUID(int=9), user_id, uuid4(), Channel.EMAIL, pace, DeliveryStatus.PENDING, NOON, due,
        0, None, None, None, None,
    )  # fmt: skip
    return replace(value, **changes)


@pytest.mark.parametrize(
    ("pace", "now", "zone", "expected"),
    [
        (Pace.AT_ONCE, NOON, "UTC", NOON),
        (Pace.BATCHED, NOON, "UTC", NOON + 10 * MINUTE),
        (Pace.DAILY, NOON, "UTC", datetime(2026, 3, 11, 8, 0, tzinfo=UTC)),
        # New York is at UTC-4 on that day: eight o'clock there is noon, and noon itself is no longer ahead.
        (Pace.DAILY, NOON, "America/New_York", datetime(2026, 3, 11, 12, 0, tzinfo=UTC)),
        (Pace.DAILY, NOON - MINUTE, "America/New_York", NOON),
        # The clocks go forward on 8 March: the day before, eight o'clock was 13:00 UTC, on the day it is 12:00.
        (Pace.DAILY, datetime(2026, 3, 7, 14, 0, tzinfo=UTC), "America/New_York", datetime(2026, 3, 8, 12, tzinfo=UTC)),
    ],
)
def test_when_a_new_delivery_is_due(pace: Pace, now: datetime, zone: str, expected: datetime) -> None:
    assert due_at(pace, now, zone, "08:00") == expected


def test_what_is_off_is_never_due() -> None:
    with pytest.raises(ValueError, match="never"):
        due_at(Pace.OFF, NOON, "UTC", "08:00")


@pytest.mark.req("RB-F7")
def test_what_gathered_leaves_as_one_message_when_the_oldest_is_due() -> None:
    early, late = delivery(due=NOON), delivery(due=NOON + 9 * MINUTE)
    assert batches([late, early], {}, NOON - MINUTE) == []
    assert batches([late, early], {}, NOON) == [[early, late]]


def test_people_channels_paces_and_workspaces_do_not_mix() -> None:
    mine = delivery()
    others = [
        delivery(BEN),
        delivery(channel=Channel.SMS),
        delivery(pace=Pace.DAILY),
        delivery(workspace_id=UUID(int=10)),
    ]
    assert sorted(len(each) for each in batches([mine, *others], {}, NOON)) == [1, 1, 1, 1, 1]


def test_a_storm_of_urgent_ones_becomes_a_message_every_two_minutes() -> None:
    first, second, third = (delivery(pace=Pace.AT_ONCE) for _ in range(3))
    assert batches([first], {}, NOON) == [[first]]
    sent = {first.group: NOON}
    assert batches([second, third], sent, NOON + 2 * MINUTE - timedelta(seconds=1)) == []
    assert batches([second, third], sent, NOON + 2 * MINUTE) == [[second, third]]


def test_a_message_that_is_tried_again_keeps_its_members() -> None:
    batch_id = uuid4()
    again = [delivery(batch_id=batch_id, due=NOON + MINUTE, attempts=1) for _ in range(2)]
    fresh = delivery(due=NOON)
    assert batches([*again, fresh], {}, NOON) == [[fresh]]
    assert batches([*again, fresh], {}, NOON + MINUTE) == [again, [fresh]]


def test_a_message_in_a_dead_workers_hand_comes_back_after_its_lease() -> None:
    held = delivery(status=DeliveryStatus.SENDING, batch_id=uuid4(), lease_until_utc=NOON)
    assert batches([held], {}, NOON) == []
    assert batches([held], {}, NOON + timedelta(seconds=1)) == [[held]]


def test_a_message_takes_a_hundred_notices_at_most() -> None:
    many = [delivery() for _ in range(MAX_NOTICES + 5)]
    assert batches(many, {}, NOON) == [many[:MAX_NOTICES]]


def test_attempts_are_spaced_exponentially_and_end() -> None:
    waits = [next_attempt(attempts, 0.0) for attempts in range(1, MAX_ATTEMPTS)]
    assert waits == [timedelta(seconds=7.5 * 2**n) for n in range(MAX_ATTEMPTS - 1)]
    assert next_attempt(1, 0.5) == timedelta(seconds=11.25)
    assert next_attempt(1, 0.0, 120.0) == timedelta(seconds=120)
    assert next_attempt(MAX_ATTEMPTS, 0.0) is None
