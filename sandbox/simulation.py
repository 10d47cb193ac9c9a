"""The running world: joins the pure world, its memory and a clock. Must not know how any platform words things.

The platforms' stand-ins ask here for what they report and hand in the changes they accept.
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from uuid import uuid4

from starlette.requests import Request

from kit.money import step_micros
from kit.time import local_day
from sandbox.options import Option
from sandbox.roster import Roster
from sandbox.state import Effect, EffectSource, Fault, State
from sandbox.world import (
    AccountSpec,
    BudgetSpec,
    BudgetStep,
    CampaignDay,
    CampaignSpec,
    PauseStep,
    first_day,
    initial_steps,
    report_day,
    with_pauses,
)


class UnknownEntityError(LookupError):
    """There is no such account, campaign or budget entity in the world."""


class Simulation:
    """One world under way. `now` tells the machine's time (UTC); the world's clock may be ahead of it."""

    def __init__(self, roster: Roster, state: State, now: Callable[[], datetime]) -> None:
        self.roster = roster
        self.state = state
        self._now = now
        # A roster never changes: looked up by (platform, id), because whoever plays thousands of campaigns asks often.
        self._accounts = {(each.platform, each.external_id): each for each in reversed(roster.accounts)}
        self._budgets = {(each.account.platform, each.external_id): each for each in reversed(roster.budgets)}
        self._campaigns = {_key(each): each for each in reversed(roster.campaigns)}
        self._of_account: defaultdict[tuple[str, str], list[CampaignSpec]] = defaultdict(list)
        self._of_budget: defaultdict[tuple[str, str], list[CampaignSpec]] = defaultdict(list)
        for each in roster.campaigns:
            account = each.budget.account
            self._of_account[account.platform, account.external_id].append(each)
            self._of_budget[account.platform, each.budget.external_id].append(each)
        #: Whether somebody granted a platform's access token; what plays OAuth sets it.
        self.was_granted: Callable[[str, str], bool] = lambda _platform, _token: False

    def now_utc(self) -> datetime:
        """The world's time."""
        return self._now() + self.state.offset

    def advance(self, by: timedelta) -> None:
        """Move the world's clock forward."""
        self.state.advance(by)

    def reset(self, seed: int) -> None:
        """Start a new world now, with this seed."""
        self.state.reset(seed=seed, now_utc=self._now())

    def account(self, platform: str, external_id: str) -> AccountSpec:
        """Raises UnknownEntityError if the platform has no such account."""
        found = self._accounts.get((platform, external_id))
        if found is None:
            raise UnknownEntityError(f"{platform} has no account {external_id}")
        return found

    def campaigns(self, account: AccountSpec) -> list[CampaignSpec]:
        """The account's campaigns that have begun, in a fixed order."""
        return list(self._of_account[account.platform, account.external_id])

    def paid_by(self, budget: BudgetSpec) -> list[CampaignSpec]:
        """The campaigns that a budget entity serves, in a fixed order."""
        return list(self._of_budget[budget.account.platform, budget.external_id])

    def budget(self, platform: str, external_id: str) -> BudgetSpec:
        """Raises UnknownEntityError if the platform has no such budget entity."""
        found = self._budgets.get((platform, external_id))
        if found is None:
            raise UnknownEntityError(f"{platform} has no budget {external_id}")
        return found

    def budget_micros(self, budget: BudgetSpec) -> int:
        """Where the entity stands now, account micros a day."""
        newest = self.state.newest_amount(budget.account.platform, budget.external_id)
        # A world begins at the initial amount (sandbox/world.py: initial_steps).
        return budget.initial_micros if newest is None else newest

    def set_budget(
        self, budget: BudgetSpec, daily_budget_micros: int, *, request_id: str, source: EffectSource = "API"
    ) -> int:
        """Apply a budget from now on and enter it in the ledger. Returns the ledger row's id."""
        return self.state.record_effect(
            at_utc=self.now_utc(),
            platform=budget.account.platform,
            account=budget.account.external_id,
            entity=budget.external_id,
            before_micros=self.budget_micros(budget),
            after_micros=daily_budget_micros,
            request_id=request_id,
            source=source,
        )

    def lifetime_micros(self, budget: BudgetSpec) -> int:
        """The whole amount where the entity's budget is for its lifetime, account micros; 0 where it is daily.

        What such a campaign spends a day stays as it was: how a platform paces a lifetime budget is not modelled.
        """
        return self.state.lifetime_micros(budget.account.platform, budget.external_id)

    def campaign_of(self, account: AccountSpec, external_id: str) -> CampaignSpec:
        """Raises UnknownEntityError if the account has no such campaign."""
        found = self.campaign(account.platform, external_id)
        if found.budget.account != account:
            raise UnknownEntityError(f"account {account.external_id} has no campaign {external_id}")
        return found

    def campaign(self, platform: str, external_id: str) -> CampaignSpec:
        """Raises UnknownEntityError if the platform has no such campaign."""
        found = self._campaigns.get((platform, external_id))
        if found is None:
            raise UnknownEntityError(f"{platform} has no campaign {external_id}")
        return found

    def is_paused(self, campaign: CampaignSpec) -> bool:
        """Whether the campaign stands still now."""
        pauses = self._pauses(campaign)
        return bool(pauses) and pauses[-1].paused

    def set_paused(
        self, campaign: CampaignSpec, *, paused: bool, request_id: str, source: EffectSource = "API"
    ) -> None:
        """Pause the campaign, or set it running again, from now on, and remember who did."""
        self.state.record_pause(
            at_utc=self.now_utc(),
            platform=campaign.budget.account.platform,
            campaign=campaign.external_id,
            paused=paused,
            request_id=request_id,
            source=source,
        )

    def accepts(self, platform: str, token: str) -> bool:
        """Whether an access token is good now: granted on a consent page, or the standing one, which fixtures use."""
        return token == f"sandbox-{platform.lower()}-token" or self.was_granted(platform, token)

    def world_key(self) -> str:
        """Names this world: what is counted outside the state file is counted per world, so that a reset clears it."""
        return self.state.started_at_utc.isoformat()

    def option(self, option: Option) -> int:
        """A switch's value, 0 for off."""
        return self.state.option(option.value)

    def changes_since(self, budget: BudgetSpec, since: datetime) -> int:
        """How often the platform's API changed the entity after a moment."""
        effects = self.state.effects_of(budget.account.platform, budget.external_id)
        return sum(effect.source == "API" and effect.at_utc > since for effect in effects)

    def report(self, account: AccountSpec, since: date, until: date) -> list[CampaignDay]:
        """What the account's campaigns did per day, `since` and `until` included, as known now; day by day.

        Days outside the world's past have no rows, so any range may be asked for.
        """
        now, start = self.now_utc(), self.start_day(account)
        campaigns = self.campaigns(account)
        steps = {
            campaign.external_id: with_pauses(self._steps(campaign.budget), self._pauses(campaign))
            for campaign in campaigns
        }
        first = max(since, min((first_day(campaign, start) for campaign in campaigns), default=since))
        last = min(until, local_day(now, account.time_zone))
        rows = (
            report_day(self.state.seed, campaign, day, steps=steps[campaign.external_id], start_day=start, now_utc=now)
            for day in (first + timedelta(days=index) for index in range((last - first).days + 1))
            for campaign in campaigns
        )
        return [row for row in rows if row is not None]

    def start_day(self, account: AccountSpec) -> date:
        """The account-zone day on which this world began."""
        return local_day(self.state.started_at_utc, account.time_zone)

    def ledger(self, *, after_id: int = 0) -> list[Effect]:
        """Every effect later than row `after_id`, oldest first."""
        return self.state.effects(after_id=after_id)

    def take_fault(self, platform: str, operation: str) -> Fault | None:
        """The scripted fault this request meets, or None."""
        return self.state.take_fault(platform, operation)

    def _pauses(self, campaign: CampaignSpec) -> list[PauseStep]:
        rows = self.state.pauses_of(campaign.budget.account.platform, campaign.external_id)
        return [PauseStep(at, paused) for at, paused in rows]

    def _steps(self, budget: BudgetSpec) -> tuple[BudgetStep, ...]:
        before = initial_steps(self.state.seed, budget, self.start_day(budget.account))
        effects = self.state.effects_of(budget.account.platform, budget.external_id)
        return (*before, *(BudgetStep(effect.at_utc, effect.after_micros) for effect in effects))


def _key(campaign: CampaignSpec) -> tuple[str, str]:
    return campaign.budget.account.platform, campaign.external_id


def bearer(request: Request) -> str:
    """The bearer token of a request; "" for none."""
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def new_request_id() -> str:
    """A fresh id for a request, as a platform puts it into its answers."""
    return uuid4().hex


def is_whole_step(amount_micros: int, currency_code: str) -> bool:
    """Whether an amount is a whole number of the currency's smallest unit."""
    return amount_micros % step_micros(currency_code) == 0
