"""Signed statements: compact JWS (RFC 7515) with Ed25519 (RFC 9864), and the log's anchors as one kind of them.

One algorithm, and the header must be exactly the one written here: type, algorithm, key id. So "none", an HMAC keyed
with a public key, keys or addresses of keys inside the header, and a statement of one kind passed off as another are
all refused before any signature is looked at (RFC 8725 sections 3.1, 3.5, 3.10, 3.11).

Must not decide what a statement means: tokens.py does for tokens, the log's service for anchors.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode

from adapters.keyring import KeyRing, RingKey
from domain.errors import InvalidInput

ALGORITHM: Final = "Ed25519"
MAX_STATEMENT_LENGTH: Final = 8_192  # Characters. Ours stay under 2,000; longer ones are not read at all.
ANCHOR_TYPE: Final = "log-anchor+jws"


class StatementRefused(Exception):
    """The text is no statement of this kind signed by a key that still counts. Says why, for logs, not for clients."""


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    typ: str
    alg: Literal["Ed25519"]
    kid: str


def sign_statement(ring: KeyRing, statement_type: str, payload: bytes) -> str:
    """The payload signed with the ring's newest key. `statement_type` becomes the header's typ."""
    signer = ring.signing_key()
    header = {"typ": statement_type, "alg": ALGORITHM, "kid": signer.kid}
    return jws.serialize_compact(header, payload, signer.key, algorithms=[ALGORITHM])


def open_statement(ring: KeyRing, statement_type: str, text: str) -> tuple[bytes, RingKey]:
    """The payload of a statement of this type, and the key that it was opened with.

    Raises:
        StatementRefused: wrong form, type, algorithm or signature; key unknown or rotated out.
    """
    header = _read_header(text)
    if header.typ != statement_type:
        raise StatementRefused("it is a statement of another kind")
    verifier = ring.verifying_key(header.kid)
    if verifier is None:
        raise StatementRefused("its key is unknown or rotated out")
    try:
        return jws.deserialize_compact(text, verifier.key, algorithms=[ALGORITHM]).payload, verifier
    except (JoseError, ValueError) as error:
        raise StatementRefused(f"its signature does not hold ({type(error).__name__})") from None


def _read_header(text: str) -> _Header:
    if len(text) > MAX_STATEMENT_LENGTH:
        raise StatementRefused("it is too long")
    try:
        return msgspec.json.decode(urlsafe_b64decode(text.partition(".")[0].encode("ascii")), type=_Header)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise StatementRefused("its header is not the one we write") from None


class AnchorRefused(InvalidInput):
    """An anchor that nobody here signed, or that was changed since. Services catch it as InvalidInput."""


class _Anchor(msgspec.Struct, forbid_unknown_fields=True):
    tenant_id: str
    seq: int
    hash: str
    at: str


@dataclass(frozen=True, slots=True)
class AnchorSigner:
    """Signs the head of a tenant's log, to be kept outside the database. The ring should never forget a key."""

    ring: KeyRing

    def sign(self, anchor: Mapping[str, str | int]) -> str:
        """A compact JWS over {tenant_id, seq, hash, at}. Raises ValueError if the anchor is not just that."""
        try:
            checked = msgspec.convert(dict(anchor), _Anchor)
        except msgspec.ValidationError as error:
            raise ValueError(f"not an anchor: {error}") from error
        payload = json.dumps(msgspec.to_builtins(checked), sort_keys=True, separators=(",", ":"))
        return sign_statement(self.ring, ANCHOR_TYPE, payload.encode("utf-8"))

    def verify(self, text: str) -> dict[str, str | int]:
        """The anchor's {tenant_id, seq, hash, at}, exactly as signed. Raises AnchorRefused."""
        try:
            payload, _signer = open_statement(self.ring, ANCHOR_TYPE, text.strip())
            anchor = msgspec.json.decode(payload, type=_Anchor)
        except (StatementRefused, msgspec.MsgspecError) as error:
            raise AnchorRefused(f"this anchor is not genuine: {error}", path=("anchor",)) from error
        return {"tenant_id": anchor.tenant_id, "seq": anchor.seq, "hash": anchor.hash, "at": anchor.at}
