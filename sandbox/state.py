"""The sandbox's memory, one SQLite file: settings, effect ledger, pauses, queued faults. Knows no HTTP, no world.

The ledger is the truth about budgets: an entity's newest row says where it stands, its rows say how it came there.
"""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from kit.time import iso_utc

#: Who changed a budget: a request to the platform's API, or somebody in the platform's own pages.
EffectSource = Literal["API", "EXTERNAL"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS ledger (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_utc TEXT NOT NULL,
    platform TEXT NOT NULL,
    account TEXT NOT NULL,
    entity TEXT NOT NULL,
    before_micros INTEGER NOT NULL,
    after_micros INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    source TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS ledger_entity ON ledger (platform, entity, id);
CREATE TABLE IF NOT EXISTS pauses (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_utc TEXT NOT NULL,
    platform TEXT NOT NULL,
    campaign TEXT NOT NULL,
    paused INTEGER NOT NULL,
    request_id TEXT NOT NULL DEFAULT '',
    source TEXT NOT NULL DEFAULT 'EXTERNAL'
);
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    platform TEXT NOT NULL,
    operation TEXT NOT NULL,
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    seconds REAL NOT NULL,
    remaining INTEGER NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect applied to a budget entity. Amounts in account micros."""

    id: int
    at_utc: datetime
    platform: str
    account: str
    entity: str
    before_micros: int
    after_micros: int
    request_id: str
    source: str

    @property
    def unchanged(self) -> bool:
        """The request set what already stood there: applied twice, it would do no harm."""
        return self.before_micros == self.after_micros


@dataclass(frozen=True, slots=True)
class StatusEffect:
    """One pause or start applied to a campaign."""

    id: int
    at_utc: datetime
    platform: str
    campaign: str
    paused: bool
    request_id: str
    source: str


#: Columns that a state file made before campaigns could be paused by a request lacks.
_LATER_COLUMNS: Final = {
    "request_id": "TEXT NOT NULL DEFAULT ''",
    "source": "TEXT NOT NULL DEFAULT 'EXTERNAL'",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A scripted failure. `code` picks a platform's own error code where a kind has several; "" takes the usual one.

    `seconds` is how long a slow answer takes, or the wait that a quota refusal asks for.
    """

    platform: str
    operation: str
    kind: str
    code: str
    seconds: float


class State:
    """Opens (and makes, if need be) the state file. One process at a time owns it; every method commits."""

    def __init__(self, path: Path, *, seed: int, now_utc: datetime) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Served from one event loop, but built in another thread by whoever starts the server.
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        # A killed sandbox loses nothing with this; only a power cut could, and then what it plays is gone as well.
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA busy_timeout = 5000")
        self._db.executescript(_SCHEMA)
        present = {row[1] for row in self._db.execute("PRAGMA table_info(pauses)")}
        for column, kind in _LATER_COLUMNS.items():
            if column not in present:
                self._db.execute(f"ALTER TABLE pauses ADD COLUMN {column} {kind}")
        #: As the table has them: every request asks for some, and no other process writes them.
        self._settings = dict(self._db.execute("SELECT name, value FROM settings"))
        if self._setting("seed") is None:
            self.reset(seed=seed, now_utc=now_utc)

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def reset(self, *, seed: int, now_utc: datetime) -> None:
        """Forget everything: the world starts at `now_utc` with no effects, no faults and an unmoved clock."""
        self._db.execute("BEGIN IMMEDIATE")
        for table in ("settings", "ledger", "pauses", "faults"):
            self._db.execute(f"DELETE FROM {table}")
        rows = (("seed", str(seed)), ("started_at_utc", iso_utc(now_utc)), ("offset_seconds", "0"))
        self._db.executemany("INSERT INTO settings (name, value) VALUES (?, ?)", rows)
        self._db.execute("COMMIT")
        self._settings = dict(rows)

    @property
    def seed(self) -> int:
        """The seed the world was made with; kept, so that a restart shows the same world."""
        return int(self._required("seed"))

    @property
    def started_at_utc(self) -> datetime:
        """When this world began."""
        return datetime.fromisoformat(self._required("started_at_utc"))

    @property
    def offset(self) -> timedelta:
        """How far the world's clock is ahead of the machine's."""
        return timedelta(seconds=float(self._required("offset_seconds")))

    def advance(self, by: timedelta) -> None:
        """Move the world's clock forward."""
        seconds = (self.offset + by).total_seconds()
        self._set("offset_seconds", repr(seconds))

    def option(self, name: str) -> int:
        """A switch's value; 0, off, where nobody set it."""
        return int(self._setting(f"option {name}") or 0)

    def set_option(self, name: str, value: int) -> None:
        """Set a switch; a reset puts all of them back to 0."""
        self._set(f"option {name}", str(value))

    def lifetime_micros(self, platform: str, entity: str) -> int:
        """The whole amount of an entity that was made to have a lifetime budget; 0 for the others, which are daily."""
        return int(self._setting(f"lifetime {platform} {entity}") or 0)

    def set_lifetime(self, platform: str, entity: str, amount_micros: int) -> None:
        """Give an entity a budget for its lifetime, account micros; 0 makes it a daily one again."""
        self._set(f"lifetime {platform} {entity}", str(amount_micros))

    def record_pause(
        self, *, at_utc: datetime, platform: str, campaign: str, paused: bool, request_id: str, source: EffectSource
    ) -> None:
        """From this row on the campaign is paused, or runs again."""
        self._db.execute(
            "INSERT INTO pauses (at_utc, platform, campaign, paused, request_id, source) VALUES (?, ?, ?, ?, ?, ?)",
            (iso_utc(at_utc), platform, campaign, int(paused), request_id, source),
        )

    def status_effects(self) -> list[StatusEffect]:
        """Every pause and start, oldest first."""
        rows = self._db.execute(
            "SELECT id, at_utc, platform, campaign, paused, request_id, source FROM pauses ORDER BY id"
        )
        return [
            StatusEffect(number, datetime.fromisoformat(at), platform, campaign, bool(paused), request_id, source)
            for number, at, platform, campaign, paused, request_id, source in rows
        ]

    def pauses_of(self, platform: str, campaign: str) -> list[tuple[datetime, bool]]:
        """When one campaign was paused and set running again, oldest first."""
        rows = self._db.execute(
            "SELECT at_utc, paused FROM pauses WHERE platform = ? AND campaign = ? ORDER BY id", (platform, campaign)
        )
        return [(datetime.fromisoformat(at), bool(paused)) for at, paused in rows]

    def record_effect(
        self,
        *,
        at_utc: datetime,
        platform: str,
        account: str,
        entity: str,
        before_micros: int,
        after_micros: int,
        request_id: str,
        source: EffectSource,
    ) -> int:
        """Append an effect; from this row on the entity stands at `after_micros`. Returns the row's id."""
        cursor = self._db.execute(
            "INSERT INTO ledger (at_utc, platform, account, entity, before_micros, after_micros, request_id, source)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (iso_utc(at_utc), platform, account, entity, before_micros, after_micros, request_id, source),
        )
        return int(cursor.fetchone()[0])

    def effects(self, *, after_id: int = 0) -> list[Effect]:
        """Every effect later than row `after_id`, oldest first."""
        return self._effects("id > ?", (after_id,))

    def newest_amount(self, platform: str, entity: str) -> int | None:
        """What an entity's newest effect left, account micros; None where there is none."""
        row = self._db.execute(
            "SELECT after_micros FROM ledger WHERE platform = ? AND entity = ? ORDER BY id DESC LIMIT 1",
            (platform, entity),
        ).fetchone()
        return None if row is None else int(row[0])

    def effects_of(self, platform: str, entity: str) -> list[Effect]:
        """Every effect on one budget entity, oldest first."""
        return self._effects("platform = ? AND entity = ?", (platform, entity))

    def queue_fault(self, fault: Fault, *, count: int) -> None:
        """The next `count` matching requests meet this fault; faults are met in the order they were queued."""
        self._db.execute(
            "INSERT INTO faults (platform, operation, kind, code, seconds, remaining) VALUES (?, ?, ?, ?, ?, ?)",
            (fault.platform, fault.operation, fault.kind, fault.code, fault.seconds, count),
        )

    def take_fault(self, platform: str, operation: str) -> Fault | None:
        """The fault this request meets, counted down; None if it meets none."""
        waiting = self._db.execute("SELECT 1 FROM faults WHERE remaining > 0 LIMIT 1").fetchone()
        if waiting is None:  # nearly always: a request that only reads takes no lock then
            return None
        row = self._db.execute(
            "UPDATE faults SET remaining = remaining - 1 WHERE id = ("
            " SELECT id FROM faults WHERE remaining > 0 AND platform = ? AND operation IN (?, 'any')"
            " ORDER BY id LIMIT 1"
            ") RETURNING platform, operation, kind, code, seconds",
            (platform, operation),
        ).fetchone()
        return None if row is None else Fault(*row)

    def _effects(self, condition: str, values: tuple[int | str, ...]) -> list[Effect]:
        rows = self._db.execute(
            "SELECT id, at_utc, platform, account, entity, before_micros, after_micros, request_id, source"
            f" FROM ledger WHERE {condition} ORDER BY id",
            values,
        )
        return [Effect(row[0], datetime.fromisoformat(row[1]), *row[2:]) for row in rows]

    def _setting(self, name: str) -> str | None:
        return self._settings.get(name)

    def _set(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", (name, value))
        self._settings[name] = value

    def _required(self, name: str) -> str:
        value = self._setting(name)
        if value is None:
            raise RuntimeError(f"the sandbox's state file has no {name}; delete the file to start anew")
        return value
