"""What people granted in the sandbox: authorisation codes, access and refresh tokens. Knows no platform's wording.

Kept in the state file, in tables of their own; a new world does not take back what was granted. Times are the world's.
"""

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from kit.time import iso_utc

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS oauth_grants (
    id INTEGER PRIMARY KEY AUTOINCREMENT, platform TEXT NOT NULL, revoked INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS oauth_codes (
    code TEXT PRIMARY KEY, grant_id INTEGER NOT NULL, redirect_uri TEXT NOT NULL, challenge TEXT NOT NULL,
    expires_at TEXT NOT NULL, used INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS oauth_tokens (
    token TEXT PRIMARY KEY, grant_id INTEGER NOT NULL, kind TEXT NOT NULL, expires_at TEXT,
    ended INTEGER NOT NULL DEFAULT 0
);
"""

CODE_LIFE: Final = timedelta(minutes=10)
_FAR: Final = "9999"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a code or a token stands for."""

    id: int
    platform: str


class Grants:
    """The sandbox's memory of grants.

    Args:
        path: the SQLite file.
        now: the world's time, UTC.
    """

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA busy_timeout = 5000")
        self._db.executescript(_SCHEMA)
        self._now = now

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def allow(self, platform: str, redirect_uri: str, challenge: str) -> str:
        """Somebody pressed Allow. Returns the code."""
        row = self._db.execute("INSERT INTO oauth_grants (platform) VALUES (?) RETURNING id", (platform,)).fetchone()
        code = secrets.token_urlsafe(24)
        self._db.execute(
            "INSERT INTO oauth_codes (code, grant_id, redirect_uri, challenge, expires_at) VALUES (?, ?, ?, ?, ?)",
            (code, row[0], redirect_uri, challenge, iso_utc(self._now() + CODE_LIFE)),
        )
        return code

    def take_code(self, platform: str, code: str, redirect_uri: str | None, challenge: str) -> Grant | None:
        """The grant of a code, which is used up with this; a second use ends what the first one brought.

        Args:
            platform: whose token endpoint was asked.
            code: as presented.
            redirect_uri: as presented, which must be the consent page's; None where the platform does not ask for it.
            challenge: what the presented verifier hashes to; "" for none.
        """
        row = self._db.execute(
            "SELECT c.grant_id, c.redirect_uri, c.challenge, c.expires_at, c.used FROM oauth_codes c"
            " JOIN oauth_grants g ON g.id = c.grant_id WHERE c.code = ? AND g.platform = ?",
            (code, platform),
        ).fetchone()
        if row is None:
            return None
        grant_id, its_redirect_uri, its_challenge, expires_at, used = row
        self._db.execute("UPDATE oauth_codes SET used = 1 WHERE code = ?", (code,))
        if used:
            self._db.execute("UPDATE oauth_grants SET revoked = 1 WHERE id = ?", (grant_id,))
            return None
        same = redirect_uri in (None, its_redirect_uri) and challenge == its_challenge
        return Grant(grant_id, platform) if same and expires_at > iso_utc(self._now()) else None

    def issue(self, grant: Grant, kind: str, seconds: int | None) -> str:
        """A fresh token of a grant; `kind` is "access" or "refresh", `seconds` None for one without an end."""
        token = f"sandbox.{grant.platform.lower()}.{kind}.{secrets.token_urlsafe(24)}"
        expires_at = None if seconds is None else iso_utc(self._now() + timedelta(seconds=seconds))
        self._db.execute(
            "INSERT INTO oauth_tokens (token, grant_id, kind, expires_at) VALUES (?, ?, ?, ?)",
            (token, grant.id, kind, expires_at),
        )
        return token

    def grant_of(self, platform: str, token: str, kind: str) -> Grant | None:
        """The grant of a token that is good now."""
        row = self._db.execute(
            "SELECT g.id FROM oauth_tokens t JOIN oauth_grants g ON g.id = t.grant_id WHERE t.token = ? AND t.kind = ?"
            " AND g.platform = ? AND NOT g.revoked AND NOT t.ended AND coalesce(t.expires_at, ?) > ?",
            (token, kind, platform, _FAR, iso_utc(self._now())),
        ).fetchone()
        return None if row is None else Grant(int(row[0]), platform)

    def end_token(self, token: str) -> None:
        """A token that was replaced is no longer good."""
        self._db.execute("UPDATE oauth_tokens SET ended = 1 WHERE token = ?", (token,))

    def revoke(self, grant: Grant) -> None:
        """Take a grant back, with all its tokens."""
        self._db.execute("UPDATE oauth_grants SET revoked = 1 WHERE id = ?", (grant.id,))

    def revoke_all(self, platform: str) -> int:
        """Take back everything granted on a platform. Returns how many grants."""
        return self._db.execute(
            "UPDATE oauth_grants SET revoked = 1 WHERE platform = ? AND NOT revoked", (platform,)
        ).rowcount

    def expire_all(self, platform: str) -> int:
        """End every access token of a platform; refresh tokens stay good. Returns how many."""
        return self._db.execute(
            "UPDATE oauth_tokens SET ended = 1 WHERE kind = 'access' AND NOT ended"
            " AND grant_id IN (SELECT id FROM oauth_grants WHERE platform = ?)",
            (platform,),
        ).rowcount

    def active(self, platform: str) -> int:
        """How many grants of a platform stand."""
        row = self._db.execute("SELECT count(*) FROM oauth_grants WHERE platform = ? AND NOT revoked", (platform,))
        return int(row.fetchone()[0])
