"""A sandbox with as many budgets as a fault test wants: `python sandbox_process.py PORT STATE_FILE COUNT`."""

import sys
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import uvicorn

from sandbox import app as sandbox_app
from sandbox.roster import PLATFORMS, Roster, demo_roster
from sandbox.world import CampaignSpec


def roster(count: int) -> Roster:
    """`count` campaigns of the demo's accounts, one budget entity each, spread over the platforms."""
    demo = demo_roster()
    firsts = [next(c for c in demo.campaigns if c.budget.account.platform == name) for name in PLATFORMS]
    campaigns = tuple(_copy(first, n) for n, first in enumerate(islice(cycle(firsts), count)))
    accounts = tuple(dict.fromkeys(first.budget.account for first in firsts))
    return Roster(accounts, tuple(each.budget for each in campaigns), campaigns)


def _copy(first: CampaignSpec, number: int) -> CampaignSpec:
    """Campaign and budget of equal id, as where a campaign carries its budget."""
    external_id = str(90_000_000 + number)
    return replace(
        first, external_id=external_id, name=f"Campaign {number}", budget=replace(first.budget, external_id=external_id)
    )


if __name__ == "__main__":
    port, state_path, count = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    sandbox_app.demo_roster = lambda: roster(count)
    uvicorn.run(sandbox_app.create_app(state_path), host="127.0.0.1", port=port, log_level="warning")
