"""The whole product in one process and in virtual time: the real adapters, the real sandbox, a clock that is moved.

Between adapter and sandbox stands the weather: refusals, failures before and after the effect, late effects, deaths of
the worker in mid-call, all drawn from one random.Random.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import httpx
from starlette.applications import Starlette

from adapters.amazon import AmazonPlatform
from adapters.google import GooglePlatform
from adapters.linkedin import LinkedInPlatform
from adapters.meta import MetaPlatform
from adapters.microsoft import MicrosoftPlatform
from adapters.tiktok import TikTokPlatform
from domain.errors import PlatformError
from domain.platforms import AdPlatform, BudgetReceipt, Platform, PlatformBudget
from kit.time import FixedClock
from sandbox import app as sandbox_app
from sandbox import meta as sandbox_meta
from sandbox.roster import Roster, demo_roster


class Died(Exception):
    """The worker is gone in the middle of a call; what it had stored is all that is left of it."""


@dataclass
class Late:
    """A write that is still on its way: it reaches the platform at `at_utc`."""

    at_utc: datetime
    platform: Platform
    account: str
    budget: str
    micros: int


@dataclass
class Weather:
    """Shared by all platforms. Shares are of all writes (and reads, for refusals and failures), together at most 1."""

    clock: FixedClock
    rng: Random
    refuse: float = 0.0
    fail: float = 0.0
    lose: float = 0.0
    delay: float = 0.0
    die: float = 0.0
    settle_seconds: float = 5.0
    late: list[Late] = field(default_factory=list)
    #: Where a platform asked for rest, when, and until when. What was under way at that very moment may go on.
    rests: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    impatient: list[str] = field(default_factory=list)
    #: What the sandbox itself refused: with a quota kept, nothing.
    refusals: list[PlatformError] = field(default_factory=list)
    calls: int = 0

    def calm(self) -> None:
        self.refuse = self.fail = self.lose = self.delay = self.die = 0.0


@dataclass
class Weathered:
    """An adapter behind the weather."""

    inner: AdPlatform
    weather: Weather

    @property
    def platform(self) -> Platform:
        return self.inner.platform

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def read_budget(self, account: str, budget_external_id: str) -> PlatformBudget:
        self._maybe_refused(account)
        return await self._asked(self.inner.read_budget(account, budget_external_id))

    async def set_daily_budget(self, account: str, budget_external_id: str, daily_budget_micros: int) -> BudgetReceipt:
        weather = self.weather
        self._maybe_refused(account)
        lot = weather.rng.random()
        if lot < weather.delay:
            seconds = weather.rng.uniform(0.1, 0.9) * weather.settle_seconds
            at = weather.clock.now_utc() + timedelta(seconds=seconds)
            weather.late.append(Late(at, self.platform, account, budget_external_id, daily_budget_micros))
            raise PlatformError("no answer", platform_code="ReadTimeout", retryable=True, outcome_known=False)
        if lot < weather.delay + weather.die / 2:
            raise Died
        receipt = await self._asked(self.inner.set_daily_budget(account, budget_external_id, daily_budget_micros))
        if lot < weather.delay + weather.die:
            raise Died
        if lot < weather.delay + weather.die + weather.lose:
            raise PlatformError("cut", platform_code="ReadError", retryable=True, outcome_known=False)
        return receipt

    def _maybe_refused(self, account: str) -> None:
        weather, now = self.weather, self.weather.clock.now_utc()
        weather.calls += 1
        place = f"{self.platform.value}:{account}"
        told_at, until = weather.rests.get(place, (now, now))
        if told_at < now < until:
            weather.impatient.append(f"{place} at {now}")
        lot = weather.rng.random()
        if lot < weather.refuse:
            seconds = weather.rng.uniform(1, 120)
            weather.rests[place] = (now, max(now + timedelta(seconds=seconds), until))
            raise PlatformError("slow down", platform_code="429", retryable=True, retry_after_seconds=seconds)
        if lot < weather.refuse + weather.fail:
            raise PlatformError("oops", platform_code="503", retryable=True)

    async def _asked(self, call: Any) -> Any:
        try:
            return await call
        except PlatformError as error:
            self.weather.refusals.append(error)
            raise


@dataclass
class VirtualSandbox:
    """A sandbox inside this process."""

    control: httpx.AsyncClient
    plain: Mapping[Platform, AdPlatform]
    platforms: Mapping[Platform, AdPlatform]
    weather: Weather

    async def arrive(self) -> list[Late]:
        """What is late and due reaches its platform, unless somebody else edited the budget meanwhile."""
        now, weather = self.weather.clock.now_utc(), self.weather
        due = sorted((each for each in weather.late if each.at_utc <= now), key=lambda each: each.at_utc)
        weather.late = [each for each in weather.late if each.at_utc > now]
        edited = await self.edited()
        due = [each for each in due if (each.platform.value, each.budget) not in edited]
        for each in due:
            await self.plain[each.platform].set_daily_budget(each.account, each.budget, each.micros)
        return due

    async def ledger(self) -> list[dict[str, Any]]:
        effects: list[dict[str, Any]] = (await self.control.get("/control/ledger")).raise_for_status().json()["effects"]
        return effects

    async def edited(self) -> set[tuple[str, str]]:
        """Budgets that an outsider touched."""
        return {(each["platform"], each["entity"]) for each in await self.ledger() if each["source"] == "EXTERNAL"}


def _app(state_path: Path, clock: FixedClock, seed: int, roster: Roster | None) -> Starlette:
    """The sandbox with its own usage score on the virtual clock, and a roster of the test's."""
    score = sandbox_meta.UsageScore

    def on_virtual_time() -> sandbox_meta.UsageScore:
        return score(lambda: clock.now_utc().timestamp())

    with (
        mock.patch.object(sandbox_meta, "UsageScore", on_virtual_time),
        mock.patch.object(sandbox_app, "demo_roster", return_value=roster or demo_roster()),
    ):
        return sandbox_app.create_app(state_path, now=clock.now_utc, seed=seed)


@asynccontextmanager
async def virtual_sandbox(
    state_path: Path, clock: FixedClock, rng: Random, *, seed: int = 7, roster: Roster | None = None
) -> AsyncIterator[VirtualSandbox]:
    """A sandbox on the virtual clock, six adapters to it, and calm weather."""
    app = _app(state_path, clock, seed, roster)
    async with AsyncExitStack() as stack:

        async def client(path: str) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(app=app)
            return await stack.enter_async_context(
                httpx.AsyncClient(transport=transport, base_url=f"http://sandbox{path}")
            )

        found: list[AdPlatform] = [
            MetaPlatform(await client("/meta"), "sandbox-meta-token"),
            GooglePlatform(await client("/google"), "sandbox-google-token", "developer"),
            TikTokPlatform(await client("/tiktok"), "sandbox-tiktok-token"),
            LinkedInPlatform(await client("/linkedin"), "sandbox-linkedin-token"),
            AmazonPlatform(await client("/amazon"), "sandbox-amazon-token", "client"),
            MicrosoftPlatform(await client("/microsoft"), "sandbox-microsoft-token", "developer"),
        ]
        plain = {each.platform: each for each in found}
        weather = Weather(clock, rng)
        yield VirtualSandbox(
            await client(""), plain, {name: Weathered(each, weather) for name, each in plain.items()}, weather
        )


def without(value: Any, names: frozenset[str]) -> Any:
    """A plain value without what differs from run to run by its nature: ids and keys."""
    if isinstance(value, dict):
        return {k: without(v, names) for k, v in sorted(value.items()) if k not in names and not k.endswith("_id")}
    return [without(each, names) for each in value] if isinstance(value, list | tuple) else value
