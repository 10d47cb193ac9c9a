"""The judge of status changes: compares what the platforms did with what our records say. Pure; must not repair.

What the platforms did is the sandbox's ledger of pauses and starts, which knows nothing of us.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.log import LogEvent
from domain.platforms import CampaignStatus
from domain.status_changes import SETTLED, StatusChange, StatusChangeState

#: (platform, campaign), in the platform's own ids.
Where = tuple[str, str]


@dataclass(frozen=True, slots=True)
class StatusEffect:
    """One row of the ledger."""

    where: Where
    status: CampaignStatus

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "StatusEffect":
        """A row of GET /control/statuses."""
        return cls(
            (row["platform"], row["campaign"]), CampaignStatus.PAUSED if row["paused"] else CampaignStatus.ENABLED
        )


def wrong(
    effects: Sequence[StatusEffect], changes: Iterable[tuple[Where, StatusChange]], events: Sequence[LogEvent]
) -> list[str]:
    """Everything that is wrong once the system has come to rest, of campaigns that all ran at first.

    Each confirmed change must have moved its campaign once and in order, and nothing else may have.
    """
    found = []
    moves: dict[Where, list[CampaignStatus]] = defaultdict(list)
    standing: dict[Where, CampaignStatus] = defaultdict(lambda: CampaignStatus.ENABLED)
    for effect in effects:
        if standing[effect.where] is not effect.status:
            moves[effect.where].append(effect.status)
            standing[effect.where] = effect.status
    wanted: dict[Where, list[CampaignStatus]] = defaultdict(list)
    for where, change in sorted(changes, key=lambda each: each[1].id):
        if change.state not in SETTLED:
            found.append(f"{change.id} is {change.state.value}")
        # One that never was sent was found so already: it moved nothing.
        if change.state is StatusChangeState.CONFIRMED and change.sent_at_utc is not None:
            wanted[where].append(change.wanted)
        found += _against_log(change, [each for each in events if each.entry.subject_id == change.id])
    for where in sorted({*moves, *wanted}):
        if moves[where] != wanted[where]:
            found.append(f"{where} went {moves[where]}, our records say {wanted[where]}")
    return found


def _against_log(change: StatusChange, events: Sequence[LogEvent]) -> list[str]:
    versions = [event.entry.subject_version for event in events]
    if versions != list(range(1, change.version + 1)):
        return [f"{change.id} has version {change.version}, its events have {versions}"]
    last = events[-1].after
    if last is not None and last["state"] != change.state.value:
        return [f"{change.id} is {change.state.value}, its last event says {last['state']}"]
    return []
