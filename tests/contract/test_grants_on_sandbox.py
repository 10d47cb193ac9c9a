"""The grant providers against the sandbox over a real socket: consent, codes, renewal, revocation, the world's clock."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest

from app.connections import adapter, provider
from domain.connections import GrantRefused, Tokens, refuses_token
from domain.errors import PlatformError
from domain.platforms import Platform
from kit.time import FixedClock
from services.ports import GrantProvider
from tests.contract.conftest import ACCOUNTS, NOW

BACK = "http://app.test/oauth/callback"
VERIFIER = "v" * 64
#: Renewed by a refresh token, or by exchanging the access token; TikTok's has no end.
LIVES = {
    Platform.META: timedelta(days=60),
    Platform.GOOGLE: timedelta(hours=1),
    Platform.TIKTOK: None,
    Platform.LINKEDIN: timedelta(days=60),
    Platform.AMAZON: timedelta(hours=1),
    Platform.MICROSOFT: timedelta(hours=1),
}
RENEWABLE = sorted(set(Platform) - {Platform.TIKTOK})
REVOCABLE = sorted(set(Platform) - {Platform.AMAZON, Platform.MICROSOFT})


@dataclass
class Visit:
    """A person with a browser, and one platform."""

    platform: Platform
    client: httpx.AsyncClient
    control: httpx.AsyncClient
    provider: GrantProvider

    async def decide(self, decision: str) -> dict[str, str]:
        """What the platform sends the browser back with."""
        url = self.provider.consent_url("the state", BACK, VERIFIER)
        page = await self.client.get(url)
        assert page.status_code == 200
        assert ACCOUNTS[self.platform.value] in page.text
        form = {**dict(parse_qsl(urlsplit(url).query)), "decision": decision}
        answer = await self.client.post(url, data=form)
        assert answer.status_code == 303
        where = answer.headers["location"]
        assert where.startswith(f"{BACK}?")
        return {name: values[0] for name, values in parse_qs(urlsplit(where).query).items()}

    async def code(self) -> str:
        told = await self.decide("allow")
        assert told["state"] == "the state"
        return told["auth_code" if self.platform is Platform.TIKTOK else "code"]

    async def granted(self) -> Tokens:
        return await self.provider.exchange(await self.code(), BACK, VERIFIER)

    async def is_taken(self, tokens: Tokens) -> bool:
        """Whether the platform's API takes the access token."""
        try:
            await adapter(self.platform, self.client, tokens.access_token).fetch_account(ACCOUNTS[self.platform.value])
        except PlatformError as error:
            if not refuses_token(self.platform, error):
                raise
            return False
        return True

    async def tell(self, what: str, **body: object) -> None:
        (await self.control.post(f"/control/{what}", json=body)).raise_for_status()


@pytest.fixture(params=sorted(Platform))
async def visit(request: pytest.FixtureRequest, sandbox_url: str, control: httpx.AsyncClient) -> AsyncIterator[Visit]:
    platform = Platform(request.param)
    async with httpx.AsyncClient(base_url=f"{sandbox_url}/{platform.value.lower()}") as client:
        yield Visit(platform, client, control, provider(platform, client, FixedClock(NOW)))


def only(*platforms: Platform) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("visit", platforms, indirect=True)


async def test_a_grant_opens_the_platforms_accounts(visit: Visit) -> None:
    tokens = await visit.granted()
    life = LIVES[visit.platform]
    assert tokens.expires_at_utc == (None if life is None else NOW + life)
    assert (tokens.refresh_token is None) == (visit.platform in {Platform.META, Platform.TIKTOK})
    offered = [each.external_id for each in await visit.provider.offered_accounts(tokens)]
    assert offered == [id_ for name, id_ in ACCOUNTS.items() if name.removesuffix("_EUR") == visit.platform.value]
    assert await visit.is_taken(tokens)


async def test_who_denies_brings_no_code(visit: Visit) -> None:
    told = await visit.decide("deny")
    assert (told["error"], told["state"]) == ("access_denied", "the state")
    assert not {"code", "auth_code"} & set(told)


async def test_a_code_is_good_once_and_its_second_use_ends_the_grant(visit: Visit) -> None:
    code = await visit.code()
    tokens = await visit.provider.exchange(code, BACK, VERIFIER)
    with pytest.raises(GrantRefused):
        await visit.provider.exchange(code, BACK, VERIFIER)
    assert not await visit.is_taken(tokens)


async def test_a_code_ends_after_ten_minutes(visit: Visit) -> None:
    code = await visit.code()
    await visit.tell("clock/advance", seconds=600)
    with pytest.raises(GrantRefused):
        await visit.provider.exchange(code, BACK, VERIFIER)


@only(*sorted(set(Platform) - {Platform.TIKTOK}))
async def test_the_redirect_uri_must_be_the_same_to_the_letter(visit: Visit) -> None:
    with pytest.raises(GrantRefused):
        await visit.provider.exchange(await visit.code(), f"{BACK}/", VERIFIER)


@only(Platform.GOOGLE, Platform.AMAZON, Platform.MICROSOFT)
async def test_a_stolen_code_is_worth_nothing_without_its_verifier(visit: Visit) -> None:
    with pytest.raises(GrantRefused):
        await visit.provider.exchange(await visit.code(), BACK, "w" * 64)


@only(*RENEWABLE)
async def test_what_has_ended_is_renewed(visit: Visit) -> None:
    tokens = await visit.granted()
    if visit.platform is Platform.META:
        await visit.tell("clock/advance", days=59)  # Only a token that still lives is exchanged.
        assert await visit.is_taken(await visit.provider.renew(tokens))
        return
    await visit.tell("oauth/expire", platform=visit.platform.value)
    assert not await visit.is_taken(tokens)
    fresh = await visit.provider.renew(tokens)
    assert await visit.is_taken(fresh)
    rotated = fresh.refresh_token != tokens.refresh_token
    assert rotated == (visit.platform is Platform.MICROSOFT)
    if rotated:
        with pytest.raises(GrantRefused):
            await visit.provider.renew(tokens)
        assert await visit.is_taken(await visit.provider.renew(fresh))


async def test_tokens_end_by_the_worlds_clock(visit: Visit) -> None:
    tokens = await visit.granted()
    await visit.tell("clock/advance", days=61)
    assert await visit.is_taken(tokens) == (LIVES[visit.platform] is None)


async def test_a_grant_taken_back_is_refused_and_not_renewed(visit: Visit) -> None:
    tokens = await visit.granted()
    await visit.tell("oauth/revoke", platform=visit.platform.value)
    assert not await visit.is_taken(tokens)
    with pytest.raises(GrantRefused):
        await visit.provider.renew(tokens)


async def test_revoking_ends_the_grant_where_the_platform_can(visit: Visit) -> None:
    tokens = await visit.granted()
    assert await visit.provider.revoke(tokens) == (visit.platform in REVOCABLE)
    assert await visit.is_taken(tokens) == (visit.platform not in REVOCABLE)


async def test_a_request_without_a_state_is_not_sent_back_anywhere(visit: Visit) -> None:
    url = visit.provider.consent_url("", BACK, VERIFIER)
    assert (await visit.client.get(url)).status_code == 400
    answer = await visit.client.post(url, data={"decision": "allow", "redirect_uri": BACK})
    assert (answer.status_code, answer.headers.get("location")) == (400, None)
