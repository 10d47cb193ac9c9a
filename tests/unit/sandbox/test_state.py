"""The sandbox's memory over restarts: what an older file lacks is added, what it knew is kept."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

from sandbox.state import State, StatusEffect

NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)


def test_a_file_from_before_requests_could_pause_keeps_its_pauses(tmp_path):
    path = tmp_path / "sandbox.db"
    state = State(path, seed=7, now_utc=NOW)
    state.record_pause(at_utc=NOW, platform="META", campaign="41", paused=True, request_id="r", source="API")
    state.close()
    with closing(sqlite3.connect(path)) as older:
        older.execute("ALTER TABLE pauses DROP COLUMN request_id")
        older.execute("ALTER TABLE pauses DROP COLUMN source")
        older.commit()
    again = State(path, seed=8, now_utc=NOW)
    try:
        assert again.seed == 7
        assert again.status_effects() == [StatusEffect(1, NOW, "META", "41", True, "", "EXTERNAL")]
        again.record_pause(at_utc=NOW, platform="META", campaign="41", paused=False, request_id="q", source="API")
        assert again.pauses_of("META", "41") == [(NOW, True), (NOW, False)]
        assert again.status_effects()[1] == StatusEffect(2, NOW, "META", "41", False, "q", "API")
    finally:
        again.close()
