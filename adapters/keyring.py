"""Rings of Ed25519 keys: one signs, the others still verify. Kept in a file, or given as text by the environment.

A ring is a JSON Web Key Set (RFC 7517) whose keys carry one member of our own, `signs_from_utc`. The newest key whose
moment has come signs. A key that a newer one has replaced keeps verifying for the overlap, then counts as unknown,
whether or not it is still in the file. A key whose moment lies ahead verifies already: with several machines, hand out
the new key first and let it sign later. A replaced key in a file loses its private half: it never signs again.

Must not know what is signed; that is tokens.py and signatures.py.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64encode

from adapters.secret_files import SecretFile
from kit.time import Clock, iso_utc, require_utc


class KeyRingError(RuntimeError):
    """The ring cannot be used: damaged, empty, or without a key that may sign. Never says what a key contains."""


@dataclass(frozen=True, slots=True)
class RingKey:
    """One key. `key` may be public only; `signs_from_utc` is when it takes over from the one before it."""

    kid: str
    signs_from_utc: datetime
    key: OKPKey


class KeyRing(Protocol):
    """What signs and verifies: asked anew each time, so that a rotation needs no restart."""

    def signing_key(self) -> RingKey:
        """The key that signs now. Raises KeyRingError if there is none."""

    def verifying_key(self, kid: str) -> RingKey | None:
        """The key of that id if it still verifies; None if it is unknown or rotated out."""


class _Jwk(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    kid: str
    signs_from_utc: datetime
    x: str
    d: str | None = None
    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    use: Literal["sig"] = "sig"
    alg: Literal["Ed25519"] = "Ed25519"


class _JwkSet(msgspec.Struct, forbid_unknown_fields=True):
    keys: list[_Jwk]


class FixedKeyRing:
    """A ring whose keys were given as text, for installations that keep secrets in the environment.

    Args:
        text: the JSON Web Key Set.
        overlap_seconds: how long a replaced key verifies; None for ever. At least a token's life.
    """

    def __init__(self, text: str, clock: Clock, overlap_seconds: int | None) -> None:
        self._keys = _parse(text)
        self._clock = clock
        self._overlap_seconds = overlap_seconds

    def signing_key(self) -> RingKey:
        """The newest key whose moment has come."""
        return _signing(self._keys, self._clock.now_utc())

    def verifying_key(self, kid: str) -> RingKey | None:
        """The key of that id if it still verifies."""
        return _verifying(self._keys, kid, self._clock.now_utc(), self._overlap_seconds)


class FileKeyRing:
    """A ring in a file of its own, mode 0600, made with one key when it is missing.

    Every call looks whether the file changed (one stat, microseconds), so another process's rotation counts at once.
    Removing the file means: forget all keys; whatever they signed is refused from then on.

    Args:
        path: the file; a lock file stands beside it.
        overlap_seconds: how long a replaced key verifies; None for ever. At least a token's life.
    """

    def __init__(self, path: Path, clock: Clock, overlap_seconds: int | None) -> None:
        self._file = SecretFile(path, lambda: new_ring_text(clock.now_utc()), _parse)
        self._clock = clock
        self._overlap_seconds = overlap_seconds

    def signing_key(self) -> RingKey:
        """The newest key whose moment has come."""
        return _signing(self._file.current(), self._clock.now_utc())

    def verifying_key(self, kid: str) -> RingKey | None:
        """The key of that id if it still verifies."""
        return _verifying(self._file.current(), kid, self._clock.now_utc(), self._overlap_seconds)

    def rotate(self) -> str:
        """Add a key that signs from now on, drop those past the overlap; returns the new key's id."""
        added: RingKey

        def rotated(text: str | None) -> str:
            nonlocal added
            now_utc = self._clock.now_utc()
            added = _new_key(now_utc)
            ring = _sorted((*(() if text is None else _parse(text)), added))
            kept = [each for each in ring if _verifying(ring, each.kid, now_utc, self._overlap_seconds)]
            return _dump([_retired(each) if each.signs_from_utc < now_utc else each for each in kept])

        self._file.change(rotated)
        return added.kid


def new_ring_text(now_utc: datetime) -> str:
    """A key set with one fresh key that signs from now on, as FixedKeyRing reads it."""
    return _dump([_new_key(require_utc(now_utc))])


def _signing(keys: Sequence[RingKey], now_utc: datetime) -> RingKey:
    begun = [each for each in keys if each.signs_from_utc <= now_utc]
    if not begun:
        raise KeyRingError("no key of the ring may sign yet: every signs_from_utc lies ahead")
    if not begun[-1].key.is_private:
        raise KeyRingError(f"the key {begun[-1].kid} is the one to sign, but its private half is missing")
    return begun[-1]


def _verifying(keys: Sequence[RingKey], kid: str, now_utc: datetime, overlap_seconds: int | None) -> RingKey | None:
    for position, each in enumerate(keys):
        if each.kid == kid:
            successor = keys[position + 1] if position + 1 < len(keys) else None
            if successor is None or overlap_seconds is None:
                return each
            ends_at_utc = successor.signs_from_utc + timedelta(seconds=overlap_seconds)
            return each if now_utc < ends_at_utc else None
    return None


def _new_key(now_utc: datetime) -> RingKey:
    key = OKPKey.generate_key("Ed25519")
    return RingKey(key.thumbprint(), now_utc, key)


def _retired(entry: RingKey) -> RingKey:
    public = OKPKey.import_key({"kty": "OKP", **_public_members(entry.key)})
    return RingKey(entry.kid, entry.signs_from_utc, public)


def _public_members(key: OKPKey) -> dict[str, str]:
    # From the key itself: as_dict() repeats whatever x the key was imported with.
    return {"crv": key.curve_name, "x": urlsafe_b64encode(key.public_key.public_bytes_raw()).decode("ascii")}


def _sorted(keys: Sequence[RingKey]) -> tuple[RingKey, ...]:
    # Stable: of two keys with one moment the later written is the newer.
    return tuple(sorted(keys, key=lambda each: each.signs_from_utc))


def _parse(text: str) -> tuple[RingKey, ...]:
    try:
        entries = msgspec.json.decode(text, type=_JwkSet).keys
        keys = _sorted([_import(entry) for entry in entries])
    except (msgspec.MsgspecError, JoseError, ValueError, KeyError) as error:
        # msgspec names the place and never the value; the others may quote key material, so they are not told.
        detail = str(error) if isinstance(error, msgspec.MsgspecError) else "a key cannot be read"
        raise KeyRingError(f"the key ring is damaged: {detail}") from None
    if not keys:
        raise KeyRingError("the key ring has no keys")
    if len({each.kid for each in keys}) != len(keys):
        raise KeyRingError("two keys of the ring have one id")
    return keys


def _import(entry: _Jwk) -> RingKey:
    members: dict[str, str | list[str]] = {"kty": entry.kty, "crv": entry.crv, "x": entry.x}
    if entry.d is not None:
        members["d"] = entry.d
    key = OKPKey.import_key(members)
    if _public_members(key)["x"] != entry.x:
        # The library takes the private half at its word; a mismatch would verify nothing that it signs elsewhere.
        raise ValueError("the two halves of a key do not belong together")
    return RingKey(entry.kid, require_utc(entry.signs_from_utc), key)


def _dump(keys: Sequence[RingKey]) -> str:
    return json.dumps({"keys": [_exported(each) for each in keys]}, indent=1)


def _exported(entry: RingKey) -> dict[str, str]:
    members = {name: str(value) for name, value in entry.key.as_dict(private=entry.key.is_private).items()}
    ours = {"kid": entry.kid, "use": "sig", "alg": "Ed25519", "signs_from_utc": iso_utc(entry.signs_from_utc)}
    return {**members, **ours}
