"""What the use-cases need from outside, as structural Protocols. Adapters fill them in app/container.py."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from domain.access import AccessToken, NewApiKey, NewRefreshToken
from domain.connections import OfferedAccount, Tokens
from domain.log import Anchor
from domain.notifications.messages import Message
from domain.notifications.preferences import Channel
from domain.platforms import AdPlatform, Platform
from kit.time import Clock
from models.scope import Database


class Hints(Protocol):
    """Tells other processes that a tenant's log has grown. Losing a hint costs a second, never an event."""

    def publish(self, tenant_id: UUID, sequence: int) -> None:
        """Say, after the commit and without waiting, how far the tenant's log now goes."""


class AnchorStore(Protocol):
    """Signed heads of logs, kept outside the database."""

    def keep(self, anchor: Anchor) -> None:
        """Sign and store an anchor."""

    def anchors(self, tenant_id: UUID) -> list[Anchor]:
        """A tenant's anchors, oldest first. Raises domain.errors.DomainError where a signature is not good."""


class PasswordHasher(Protocol):
    """Argon2id, off the event loop."""

    async def hash_soon(self, password: str) -> str:
        """The encoded hash of a password."""

    async def verify_soon(self, password: str, stored_hash: str | None) -> bool:
        """Whether the password is right; takes as long for an unknown user (None)."""


class AccessTokenIssuer(Protocol):
    """Signs short access tokens. They say who; what the person may do is looked up each time."""

    def issue(
        self, *, tenant_id: UUID, user_id: UUID, session_id: UUID, roles: Iterable[str], scopes: Iterable[str]
    ) -> AccessToken:
        """A token of a person's session."""


class CredentialSecrets(Protocol):
    """Makes and recognises the random secrets of refresh tokens and API keys."""

    def new_refresh_token(self) -> NewRefreshToken:
        """A fresh refresh token."""

    def refresh_token_hash(self, token: str, /) -> str:
        """What a presented refresh token is stored under. Raises domain.errors.Unauthenticated: not the form."""

    def new_api_key(self) -> NewApiKey:
        """A fresh API key."""

    def api_key_prefix(self, key: str, /) -> str:
        """What finds a presented API key. Raises domain.errors.Unauthenticated: not the form."""

    def new_unsubscribe_token(self) -> tuple[str, str]:
        """A fresh unsubscribe token and what it is stored under."""

    def unsubscribe_token_hash(self, token: str, /) -> str:
        """What a presented one is stored under. Raises domain.errors.NotFound: not the form."""

    def secret_matches(self, secret: str, stored_hash: str, /) -> bool:
        """Whether a secret has this hash, in a time that tells nothing."""


class TokenCipher(Protocol):
    """Seals tokens for the tables. What it raises on damage is no domain error: no client can do anything about it."""

    def seal(self, text: str, belongs_to: str) -> str:
        """The text sealed, so that it opens for the same `belongs_to` only."""

    def open(self, sealed: str, belongs_to: str) -> str:
        """The text."""

    def is_newest(self, sealed: str) -> bool:
        """Whether it was sealed under the key that seals now."""


class GrantProvider(Protocol):
    """One platform's consent page and token endpoint. Raises PlatformError and nothing else for what these do."""

    def consent_url(self, state: str, redirect_uri: str, verifier: str) -> str:
        """Where to send somebody who is to grant access."""

    async def exchange(self, code: str, redirect_uri: str, verifier: str) -> Tokens:
        """The tokens for a code. Raises GrantRefused for one that is used, old or somebody else's."""

    async def renew(self, tokens: Tokens) -> Tokens:
        """New tokens for old ones. Raises GrantRefused where only a person can help."""

    async def revoke(self, tokens: Tokens) -> bool:
        """End the grant at the platform; False where the platform has no such call."""

    async def offered_accounts(self, tokens: Tokens) -> list[OfferedAccount]:
        """The ad accounts that the grant opens."""


@dataclass(slots=True)
class HeldToken:
    """The access token that an adapter asks for at every request."""

    text: str = field(default="", repr=False)


class ConnectedAdapters(Protocol):
    """Adapters bound to a connection each, with what they remember of its accounts."""

    def of(self, platform: Platform, connection_id: UUID) -> tuple[AdPlatform, HeldToken]:
        """The connection's adapter, and where it takes its token from."""


@dataclass(frozen=True, slots=True)
class ConnectionPorts:
    """What connections to ad platforms take from outside."""

    cipher: TokenCipher
    providers: Mapping[Platform, GrantProvider]
    adapters: ConnectedAdapters


class Messenger(Protocol):
    """Takes messages out of the app, by one channel."""

    async def send(self, message: Message) -> None:
        """Hand a message over, once. Raises domain.errors.DeliveryError and nothing else for what a provider does."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything a use-case may need from outside its arguments."""

    database: Database
    clock: Clock
    hints: Hints
    log_key: bytes
    anchors: AnchorStore
    #: For accounts that belong to no connection: the installation itself holds their token.
    platforms: Mapping[Platform, AdPlatform]
    passwords: PasswordHasher
    access_tokens: AccessTokenIssuer
    secrets: CredentialSecrets
    #: Platforms where real money moves: nothing is sent there before the workspace's owner switched live sending on.
    live_platforms: frozenset[Platform]
    #: How long a refresh token waits for its use; each use starts it anew.
    refresh_ttl: timedelta
    #: The channels by which notices leave; without any they stay in the app.
    messengers: Mapping[Channel, Messenger] = field(default_factory=dict)
    #: The app's address as people reach it, without a slash at its end: links in messages begin with it.
    app_url: str = "http://127.0.0.1:8000"
    #: None where no platform can be connected by a person.
    connections: ConnectionPorts | None = None
