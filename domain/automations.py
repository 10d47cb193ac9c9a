"""A workspace's switches for what runs without a person, and for what reaches real platforms. Pure.

All are off until somebody turns them on: auto-approval and live sending are chosen, and a pause is a kill switch that
takes effect whatever else is set.
"""

from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Automation:
    """The switches of one workspace; `version` is 0 until one was touched.

    Attributes:
        auto_approval: whether what lies inside both kinds of guardrail is approved without a person.
        paused: the kill switch: nothing is approved alone, and nothing that was approved alone is sent.
        live_sending: whether changes may be sent to real platforms; a sandbox needs no leave.
    """

    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    auto_approval: bool
    paused: bool
    live_sending: bool
    version: int

    @property
    def acts(self) -> bool:
        """Whether anything is approved without a person now."""
        return self.auto_approval and not self.paused


def untouched(tenant_id: UUID, workspace_id: UUID) -> Automation:
    """The switches as every workspace begins: all off."""
    return Automation(
        # Always the same for a workspace: the log must tell the switches from the workspace itself.
        uuid5(workspace_id, "automation"),
        tenant_id,
        workspace_id,
        auto_approval=False,
        paused=False,
        live_sending=False,
        version=0,
    )


@dataclass(frozen=True, slots=True)
class AutomationChange:
    """New positions; None leaves one as it is."""

    auto_approval: bool | None = None
    paused: bool | None = None
    live_sending: bool | None = None


def changed(automation: Automation, change: AutomationChange) -> Automation:
    """The next version. Raises InvalidInput if nothing would change."""
    after = replace(
        automation,
        auto_approval=automation.auto_approval if change.auto_approval is None else change.auto_approval,
        paused=automation.paused if change.paused is None else change.paused,
        live_sending=automation.live_sending if change.live_sending is None else change.live_sending,
    )
    if after == automation:
        raise InvalidInput("this would change nothing", path=("change",))
    return replace(after, version=automation.version + 1)
