"""Seals credentials with AES-256-GCM under the newest key of a ring, and opens what older keys of it sealed.

A sealed text is `v1.<key id>.<nonce and ciphertext>`; what it belongs to is authenticated with it, so that a row's
tokens copied into another row do not open there. The ring comes as text from the environment, newest first
(`id:key,id:key`, keys of 32 bytes in base64url), or stands in a file of its own, mode 0600, in the same form.
Must not know what is sealed.
"""

import base64
import binascii
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.secret_files import SecretFile

_VERSION: Final = "v1"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
#: After a rotation: the one that seals and the one before, which a process that has not looked yet may just have used.
_KEPT: Final = 2


class CredentialKeyError(RuntimeError):
    """The ring cannot be used, or does not open a text. Never says what a key or a text contains."""


class CredentialRing(Protocol):
    """Keys by id, the newest first; asked anew each time, so that a rotation needs no restart."""

    def keys(self) -> Mapping[str, bytes]:
        """The ring. Raises CredentialKeyError if it is damaged or empty."""


class FixedCredentialRing:
    """A ring given as text, for installations that keep secrets in the environment."""

    def __init__(self, text: str) -> None:
        self._keys = _parse(text)

    def keys(self) -> Mapping[str, bytes]:
        """The ring."""
        return self._keys


class FileCredentialRing:
    """A ring in a file, made with one key when it is missing. Removing the file loses every stored token."""

    def __init__(self, path: Path) -> None:
        self._file = SecretFile(path, new_credential_key, _parse)

    def keys(self) -> Mapping[str, bytes]:
        """The ring as the file has it now."""
        return self._file.current()

    def add_key(self) -> str:
        """Add a key that seals from now on. Returns its id."""
        added = new_credential_key()
        self._file.change(lambda text: f"{added},{(text or new_credential_key()).strip()}")
        return added.partition(":")[0]

    def drop_old_keys(self) -> int:
        """Forget all but the newest key and the one before it. Returns how many; nothing may be sealed with them."""
        dropped = 0

        def shortened(text: str | None) -> str:
            nonlocal dropped
            entries = (text or new_credential_key()).strip().split(",")
            dropped = max(len(entries) - _KEPT, 0)
            return ",".join(entries[:_KEPT])

        self._file.change(shortened)
        return dropped


class CredentialCipher:
    """Seals and opens with a ring."""

    def __init__(self, ring: CredentialRing) -> None:
        self._ring = ring

    def seal(self, text: str, belongs_to: str) -> str:
        """The text sealed under the newest key, for what it belongs to."""
        kid, key = next(iter(self._ring.keys().items()))
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, text.encode(), _bound(kid, belongs_to))
        return f"{_VERSION}.{kid}.{_base64(nonce + sealed)}"

    def open(self, sealed: str, belongs_to: str) -> str:
        """The text. Raises CredentialKeyError: its key is gone, it was altered, or it belongs to something else."""
        version, _, rest = sealed.partition(".")
        kid, _, body = rest.partition(".")
        key = self._ring.keys().get(kid)
        if version != _VERSION or key is None:
            raise CredentialKeyError(f"the key {kid!r} that sealed a credential is not in the ring")
        try:
            raw = base64.urlsafe_b64decode(body)
            plain = AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bound(kid, belongs_to))
        except (InvalidTag, ValueError, binascii.Error):
            raise CredentialKeyError("a sealed credential was altered, or belongs to something else") from None
        return plain.decode()

    def is_newest(self, sealed: str) -> bool:
        """Whether it was sealed under the key that seals now."""
        return sealed.split(".")[1] == next(iter(self._ring.keys()))


def new_credential_key() -> str:
    """A fresh key with its id, as a ring holds it."""
    return _entry(secrets.token_hex(4), secrets.token_bytes(_KEY_BYTES))


def _bound(kid: str, belongs_to: str) -> bytes:
    return f"{_VERSION}.{kid}.{belongs_to}".encode()


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii")


def _entry(kid: str, key: bytes) -> str:
    return f"{kid}:{_base64(key)}"


def _parse(text: str) -> Mapping[str, bytes]:
    found: dict[str, bytes] = {}
    for entry in text.strip().split(","):
        kid, _, encoded = entry.strip().partition(":")
        try:
            key = base64.urlsafe_b64decode(encoded)
        except (ValueError, binascii.Error):
            key = b""
        if not kid.isalnum() or len(key) != _KEY_BYTES or kid in found:
            raise CredentialKeyError(
                f"the ring of credential keys is damaged: it lists id:key, each key {_KEY_BYTES} bytes in base64url"
            )
        found[kid] = key
    return found
