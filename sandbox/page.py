"""The sandbox's one page: clock, campaigns, ledger, a button that lets a day pass. Every value is escaped."""

from collections.abc import Iterable
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from kit.money import to_decimal
from kit.time import iso_utc
from sandbox.simulation import Simulation

PAGE_STYLE = (
    "body{font:15px/1.4 system-ui,sans-serif;margin:2rem;max-width:70rem}"
    "table{border-collapse:collapse;margin:.5rem 0 2rem}th,td{padding:.2rem .8rem;border-bottom:1px solid #ddd;"
    "text-align:left}"
)
_CAMPAIGN_HEADS = ("Platform", "Account", "Campaign", "Budget entity", "Daily budget", "Currency", "State")


class Page:
    """GET /: the world at a glance."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    async def show(self, _request: Request) -> Response:
        """The page as it stands now."""
        now, offset = iso_utc(self._simulation.now_utc()), self._simulation.state.offset
        parts = (
            "<!doctype html><html lang='en'><meta charset='utf-8'><title>Sandbox</title>",
            f"<style>{PAGE_STYLE}</style><h1>Sandbox</h1>",
            f"<p>The world's time is <b>{escape(now)}</b>, {escape(str(offset))} ahead of this machine.</p>",
            "<form method='post' action='/control/page/advance-day'><button>Let a day pass</button></form>",
            "<p><a href='/mailbox'>Mailbox</a>: e-mails, text messages and chat messages to people.</p>",
            "<h2>Campaigns</h2>",
            table(_CAMPAIGN_HEADS, self._campaigns()),
            "<h2>Effects applied, newest first</h2>",
            table(("#", "At", "Platform", "Budget entity", "Before", "After", "By"), self._effects()),
        )
        return HTMLResponse(
            "".join(parts),
            headers={"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"},
        )

    def _campaigns(self) -> Iterable[tuple[object, ...]]:
        for campaign in self._simulation.roster.campaigns:
            account, budget = campaign.budget.account, campaign.budget
            amount = to_decimal(self._simulation.budget_micros(budget))
            state = "paused" if self._simulation.is_paused(campaign) else "running"
            if lifetime := self._simulation.lifetime_micros(budget):
                state += f", lifetime budget {to_decimal(lifetime)}"
            names = account.platform, account.name, campaign.name, budget.external_id
            yield *names, amount, account.currency_code, state

    def _effects(self) -> Iterable[tuple[object, ...]]:
        for effect in reversed(self._simulation.ledger()):
            before, after = to_decimal(effect.before_micros), to_decimal(effect.after_micros)
            yield effect.id, iso_utc(effect.at_utc), effect.platform, effect.entity, before, after, effect.source


def table(heads: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """An HTML table; whatever a cell holds is text, never markup."""
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
