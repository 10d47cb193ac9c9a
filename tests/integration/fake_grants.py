"""Consent and tokens in memory behind the GrantProvider port, and adapters that are the test's own platforms."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from adapters.credential_keys import CredentialCipher, FixedCredentialRing
from domain.connections import GrantRefused, OfferedAccount, Tokens
from domain.platforms import AdPlatform, Platform
from kit.time import Clock
from services.ports import ConnectionPorts, HeldToken

#: Two keys, the newest first.
KEYS = "k2:" + "Mg" * 21 + "A=,k1:" + "MQ" * 21 + "A="


@dataclass
class FakeProvider:
    """Hands out numbered tokens of an hour. `good` are the refresh tokens that it still takes."""

    clock: Clock
    rotates: bool = False
    offered: list[OfferedAccount] = field(default_factory=lambda: [OfferedAccount("1", "Acme shop")])
    issued: int = 0
    good: set[str] = field(default_factory=set)
    revoked: list[str] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    before_answer: Callable[[], Awaitable[None]] | None = None

    def consent_url(self, state: str, redirect_uri: str, verifier: str) -> str:
        return f"https://platform.test/consent?state={state}&redirect_uri={redirect_uri}&verifier={verifier}"

    async def exchange(self, code: str, redirect_uri: str, verifier: str) -> Tokens:
        if code != "good code":
            raise GrantRefused("the code is wrong, used or expired", platform_code="invalid_grant")
        return self._fresh(None)

    async def renew(self, tokens: Tokens) -> Tokens:
        if tokens.refresh_token not in self.good:
            raise GrantRefused("the refresh token was revoked", platform_code="invalid_grant")
        if self.rotates:
            self.good.discard(tokens.refresh_token)
        if self.before_answer is not None:
            await self.before_answer()
        if self.failures:
            raise self.failures.pop(0)
        return self._fresh(None if self.rotates else tokens.refresh_token)

    async def revoke(self, tokens: Tokens) -> bool:
        if self.failures:
            raise self.failures.pop(0)
        self.revoked.append(tokens.refresh_token or "")
        return True

    async def offered_accounts(self, tokens: Tokens) -> list[OfferedAccount]:
        return list(self.offered)

    def _fresh(self, kept: str | None) -> Tokens:
        self.issued += 1
        refresh = kept or f"refresh-secret-{self.issued}"
        self.good.add(refresh)
        ends = self.clock.now_utc() + timedelta(hours=1)
        return Tokens(f"access-secret-{self.issued}", refresh, ends, ("ads",))


@dataclass
class FakeAdapters:
    """Whatever platform the test has put into `platforms` speaks for every connection; `held` are their tokens."""

    platforms: Mapping[Platform, AdPlatform]
    held: dict[UUID, HeldToken] = field(default_factory=dict)

    def of(self, platform: Platform, connection_id: UUID) -> tuple[AdPlatform, HeldToken]:
        return self.platforms[platform], self.held.setdefault(connection_id, HeldToken())


def fake_connections(platforms: Mapping[Platform, AdPlatform], clock: Clock) -> ConnectionPorts:
    """Every platform with a provider of its own."""
    providers = {each: FakeProvider(clock, rotates=each is Platform.MICROSOFT) for each in Platform}
    return ConnectionPorts(CredentialCipher(FixedCredentialRing(KEYS)), providers, FakeAdapters(platforms))
