"""Credentials: short access tokens (JWT, RFC 9068's type), and the random secrets of refresh tokens and API keys.

An access token says who is asking and for how long; what they may do is read from their standing each time. Only users
get them: an API key is looked up on every request, so that revoking it counts at once.

Must not store or look up anything; families of refresh tokens and their reuse are a service's business.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwt import JWTClaimsRegistry

from adapters.keyring import KeyRing, RingKey
from adapters.signatures import StatementRefused, open_statement, sign_statement
from domain.access import AccessToken, NewApiKey, NewRefreshToken, Principal, PrincipalKind
from domain.errors import NotFound, Unauthenticated
from kit.ids import new_id
from kit.time import Clock

ACCESS_TOKEN_TYPE: Final = "at+jwt"  # noqa: S105 - a media type (RFC 9068), not a secret
#: For clocks that differ: a token counts this long past its end, and may come from as far ahead.
LEEWAY_SECONDS: Final = 5
REMEMBERED_TOKENS: Final = 10_000  # A few kilobytes each; beyond it the one opened first goes.
SECRET_BYTES: Final = 32  # 256 bits: nothing to guess, so one round of SHA-256 is enough to store them.
_REFRESH_TOKEN: Final = re.compile(r"cr_[0-9a-f]{64}")
_UNSUBSCRIBE_TOKEN: Final = re.compile(r"cu_[0-9a-f]{64}")
_API_KEY: Final = re.compile(r"ce_([0-9a-f]{12})_[0-9a-f]{64}")


class _Claims(msgspec.Struct):
    iss: str
    aud: str
    sub: UUID
    sid: UUID
    tenant_id: UUID
    roles: list[str]
    scopes: list[str]
    iat: int
    exp: int
    jti: str


@dataclass(frozen=True, slots=True)
class _Opened:
    """A token whose signature held, with the key that says so."""

    signer: RingKey
    claims: dict[str, object]
    principal: Principal


class AccessTokens:
    """Issues and verifies access tokens of one issuer for one audience.

    Most of the work of verifying is the signature, and a client sends one token with hundreds of requests: so tokens
    whose signature held are remembered, a bounded number of them. What can change is asked again each time: the time,
    and whether the ring still has that very key.

    Args:
        ring: its overlap should be at least ttl_seconds + LEEWAY_SECONDS, else a rotation ends tokens early.
        ttl_seconds: a token's life.
    """

    def __init__(self, ring: KeyRing, issuer: str, audience: str, clock: Clock, ttl_seconds: int = 900) -> None:
        self._ring = ring
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._ttl_seconds = ttl_seconds
        self._opened: dict[str, _Opened] = {}

    def issue(
        self, *, tenant_id: UUID, user_id: UUID, session_id: UUID, roles: Iterable[str], scopes: Iterable[str]
    ) -> AccessToken:
        """A token for a user's session. `roles` are told to clients and never read back as authority."""
        issued_at = int(self._clock.now_utc().timestamp())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(user_id),
            "sid": str(session_id),
            "tenant_id": str(tenant_id),
            "roles": sorted(roles),
            "scopes": sorted(scopes),
            "iat": issued_at,
            "exp": issued_at + self._ttl_seconds,
            "jti": str(new_id()),
        }
        text = sign_statement(self._ring, ACCESS_TOKEN_TYPE, json.dumps(claims, separators=(",", ":")).encode())
        return AccessToken(text, _moment(issued_at + self._ttl_seconds))

    def verify(self, token: str) -> Principal:
        """Who a token speaks for.

        Raises:
            Unauthenticated: not a token of ours for this audience, or past its end. Why exactly stays untold.
        """
        try:
            opened = self._opened.get(token)
            if opened is None or self._ring.verifying_key(opened.signer.kid) is not opened.signer:
                opened = self._open(token)
            self._check(opened.claims)
        except ExpiredTokenError:
            raise Unauthenticated("the access token has expired") from None
        except (StatementRefused, JoseError, msgspec.MsgspecError, ValueError) as error:
            raise Unauthenticated("the access token is not valid") from error
        return opened.principal

    def _open(self, token: str) -> _Opened:
        self._opened.pop(token, None)
        payload, signer = open_statement(self._ring, ACCESS_TOKEN_TYPE, token)
        claims = msgspec.json.decode(payload, type=_Claims)
        principal = Principal(
            kind=PrincipalKind.USER,
            tenant_id=claims.tenant_id,
            subject_id=claims.sub,
            credential_id=claims.sid,
            scopes=frozenset(claims.scopes),
            expires_at_utc=_moment(claims.exp),
        )
        opened = self._opened[token] = _Opened(signer, json.loads(payload), principal)
        if len(self._opened) > REMEMBERED_TOKENS:
            del self._opened[next(iter(self._opened))]
        return opened

    def _check(self, claims: dict[str, object]) -> None:
        JWTClaimsRegistry(
            now=int(self._clock.now_utc().timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._audience},
            exp={"essential": True},
            iat={"essential": True},
        ).validate(claims)


def _moment(epoch_seconds: int) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)


def new_refresh_token() -> NewRefreshToken:
    """A fresh refresh token, `cr_` and 64 hexadecimal digits, with its hash."""
    text = f"cr_{secrets.token_hex(SECRET_BYTES)}"
    return NewRefreshToken(text, hash_secret(text))


def refresh_token_hash(token: str) -> str:
    """The hash under which a presented refresh token would be stored. Raises Unauthenticated if it has not the form."""
    if not _REFRESH_TOKEN.fullmatch(token):
        raise Unauthenticated("the refresh token is not valid")
    return hash_secret(token)


def new_unsubscribe_token() -> tuple[str, str]:
    """A fresh unsubscribe token, `cu_` and 64 hexadecimal digits, and its hash."""
    text = f"cu_{secrets.token_hex(SECRET_BYTES)}"
    return text, hash_secret(text)


def unsubscribe_token_hash(token: str) -> str:
    """The hash under which a presented unsubscribe token would be stored. Raises NotFound if it has not the form."""
    if not _UNSUBSCRIBE_TOKEN.fullmatch(token):
        raise NotFound("this link is no longer good")
    return hash_secret(token)


def new_api_key() -> NewApiKey:
    """A fresh API key, `ce_<prefix>_<secret>`: 12 and 64 hexadecimal digits, so that scanners can find leaked ones."""
    prefix = secrets.token_hex(6)
    text = f"ce_{prefix}_{secrets.token_hex(SECRET_BYTES)}"
    return NewApiKey(text, prefix, hash_secret(text))


def api_key_prefix(key: str) -> str:
    """The prefix by which a presented API key's row is found. Raises Unauthenticated if it has not the form."""
    match = _API_KEY.fullmatch(key)
    if match is None:
        raise Unauthenticated("the API key is not valid")
    return match[1]


def hash_secret(secret: str) -> str:
    """SHA-256 of a random secret of at least 256 bits, hexadecimal. Never for passwords."""
    return hashlib.sha256(secret.encode("utf-8")).hexdigest()


def secret_matches(secret: str, stored_hash: str) -> bool:
    """Whether a secret has this hash, in a time that does not tell how much of it was right."""
    return hmac.compare_digest(hash_secret(secret), stored_hash)
