"""The chain's rules: any change to any row shows, erasure does not, and anchors catch what a key holder rewrites."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.log import GENESIS_HASH, ActorKind, Anchor, ChainCheck, LogEntry, chain_hash, payload_digest

KEY = b"k" * 32
TENANT = UUID(int=1)
AT = datetime(2026, 3, 10, 12, tzinfo=UTC)

Row = tuple[LogEntry, str | None, str | None]


def chain(length: int, key: bytes = KEY) -> list[Row]:
    rows: list[Row] = []
    prev = GENESIS_HASH
    for number in range(1, length + 1):
        salt, body = f"salt{number}", f'{{"after":{number}}}'
        entry = LogEntry(
            TENANT, number, UUID(int=2), AT + timedelta(seconds=number), ActorKind.MEMBER, "u", "thing.changed", "thing",
            UUID(int=3), number, payload_digest(salt, body), prev, "",
        )  # fmt: skip
        entry = replace(entry, hash=chain_hash(key, entry))
        rows.append((entry, salt, body))
        prev = entry.hash
    return rows


def faults(rows: list[Row], head: tuple[int, str], anchors: tuple[Anchor, ...] = ()) -> list[tuple[int, str]]:
    check = ChainCheck(KEY, anchors)
    check.feed(rows)
    return [(fault.sequence, fault.reason) for fault in check.finish(*head)]


def head(rows: list[Row]) -> tuple[int, str]:
    return rows[-1][0].sequence, rows[-1][0].hash


def test_a_sound_chain_has_no_faults_also_after_its_payloads_were_erased() -> None:
    rows = chain(5)
    anchors = (Anchor(TENANT, 3, rows[2][0].hash, AT),)
    assert faults(rows, head(rows), anchors) == []
    assert faults([(entry, None, None) for entry, _, _ in rows], head(rows), anchors) == []


EDITS = {
    "workspace_id": UUID(int=9),
    "at_utc": AT,
    "actor_kind": ActorKind.SYSTEM,
    "actor_id": "someone else",
    "kind": "thing.removed",
    "subject_type": "other",
    "subject_id": UUID(int=8),
    "subject_version": 99,
    "payload_digest": "0" * 64,
    "tenant_id": UUID(int=7),
}


def test_every_fact_of_a_row_is_covered() -> None:
    assert set(EDITS) == set(LogEntry.__slots__) - {"sequence", "prev_hash", "hash"}


@pytest.mark.parametrize("field", sorted(EDITS))
def test_an_edited_fact_shows_at_its_row(field: str) -> None:
    rows = chain(4)
    entry, salt, body = rows[1]
    rows[1] = (replace(entry, **{field: EDITS[field]}), salt, body)  # type: ignore[arg-type]
    assert (2, "row was changed: its hash does not match") in faults(rows, head(rows))


def test_a_changed_payload_shows() -> None:
    rows = chain(3)
    rows[1] = (rows[1][0], rows[1][1], '{"after":"forged"}')
    assert faults(rows, head(rows)) == [(2, "payload was changed: its digest does not match")]


@given(st.integers(3, 12).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n - 1))))
def test_a_removed_row_shows(case: tuple[int, int]) -> None:
    length, gone = case
    rows = chain(length)
    assert faults(rows[: gone - 1] + rows[gone:], head(rows))[0] == (
        gone, f"row missing; the next one found is {gone + 1}",
    )  # fmt: skip


@given(st.integers(2, 10).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 2))))
def test_two_rows_that_changed_places_show(case: tuple[int, int]) -> None:
    length, first = case
    rows = chain(length)
    a, b = rows[first], rows[first + 1]
    rows[first] = (replace(b[0], sequence=a[0].sequence), *b[1:])
    rows[first + 1] = (replace(a[0], sequence=b[0].sequence), *a[1:])
    assert faults(rows, head(chain(length)))


def test_a_cut_tail_shows_against_the_head_and_against_an_anchor() -> None:
    rows = chain(5)
    assert faults(rows[:3], head(rows)) == [(3, "the head says 5, the last row is 3")]
    anchors = (Anchor(TENANT, 5, rows[4][0].hash, AT),)
    assert faults(rows[:3], head(rows[:3]), anchors) == [(5, "anchored row is missing")]


def test_a_tail_rewritten_by_someone_with_the_key_differs_from_its_anchor() -> None:
    rows = chain(4)
    anchors = (Anchor(TENANT, 4, rows[3][0].hash, AT),)
    forged = [*rows[:2]]
    for entry, salt, body in rows[2:]:
        changed = replace(entry, actor_id="framed", prev_hash=forged[-1][0].hash)
        forged.append((replace(changed, hash=chain_hash(KEY, changed)), salt, body))
    assert faults(forged, head(forged)) == []
    assert faults(forged, head(forged), anchors) == [(4, "differs from the signed anchor")]


def test_another_key_makes_every_row_wrong() -> None:
    rows = chain(2, key=b"x" * 32)
    assert [sequence for sequence, _ in faults(rows, head(rows))] == [1, 2]
