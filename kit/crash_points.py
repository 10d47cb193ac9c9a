"""Named places at which a process may be told to die or to freeze, so that tests can show that nothing is lost there.

    CE_CRASH_AT=dispatch.after_call       the process exits there at once, as if killed: no clean-up, nothing flushed
    CE_CRASH_AT=dispatch.after_call:3     there, the third time
    CE_FREEZE_AT=dispatch.before_call     the process stops itself there (SIGSTOP) until somebody continues it

Read once, when the process starts; a name that is no crash point is refused then. Unset, a crash point costs one
comparison. Must not know what happens at a point.
"""

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

#: What a shell reports of a process killed by SIGKILL.
KILLED: Final = 137

#: Every crash point, in the order in which a change passes them, and what a process that dies there leaves behind.
POINTS: Final[Mapping[str, str]] = {
    "dispatch.before_claim_commit": "nothing: the claim is rolled back",
    "dispatch.after_claim_commit": "a lease, and nothing sent",
    "dispatch.before_intent_commit": "a lease; the budget was read, the intent is rolled back",
    "dispatch.after_intent": "an intent, and nothing sent",
    "dispatch.before_call": "as after_intent: the lease was checked, the request is next",
    "dispatch.after_call": "the platform obeyed; our records say only that it was asked",
    "dispatch.before_applied_commit": "as after_call",
    "dispatch.after_applied_commit": "APPLIED under a lease, not read back",
    "dispatch.after_read_back": "as after_applied_commit: it was read back, nobody wrote that down",
    "dispatch.before_confirm_commit": "as after_applied_commit: the confirmation is rolled back",
    "dispatch.after_confirm_commit": "CONFIRMED; nobody was told yet",
    "dispatch.before_postpone_commit": "an intent whose reply was cut; the postponement is rolled back",
    "shift.before_commit": "a shift as it was; its next step and the change that puts it back are rolled back",
    "shift.after_commit": "the step and its restoring change, both",
    "status.before_claim_commit": "nothing: the claim of a status change is rolled back",
    "status.after_claim_commit": "a lease, and nothing sent",
    "status.before_intent_commit": "a lease; the status was read, the intent is rolled back",
    "status.after_intent": "an intent, and nothing sent",
    "status.before_call": "as after_intent: the lease was checked, the request is next",
    "status.after_call": "the platform obeyed; our records say only that it was asked",
    "status.after_read_back": "as after_call: it was read back, nobody wrote that down",
    "status.before_confirm_commit": "as after_call: the confirmation is rolled back",
    "status.after_confirm_commit": "CONFIRMED; nobody was told yet",
    "status.before_postpone_commit": "an intent whose reply was cut; the postponement is rolled back",
    "status_recheck.before_reopen_commit": "CONFIRMED, undone by a stray write; the reopening is rolled back",
    "recheck.after_read": "CONFIRMED, read once more; nobody wrote that down",
    "recheck.before_reopen_commit": "CONFIRMED, undone by a stray write; the reopening is rolled back",
}


@dataclass(slots=True)
class _Armed:
    """A point and how many more times it is passed unharmed."""

    name: str
    unharmed: int


def _armed(variable: str) -> _Armed | None:
    text = os.environ.get(variable, "")
    if not text:
        return None
    name, _, nth = text.partition(":")
    if name not in POINTS or not (nth or "1").isdigit() or nth == "0":
        # Before anything runs, and in one line: whoever misspells it must not believe that nothing can happen there.
        raise SystemExit(f"{variable}={text} is no crash point; there are: {', '.join(POINTS)}, each with :n at will")
    return _Armed(name, int(nth or "1") - 1)


_crash: Final = _armed("CE_CRASH_AT")
_freeze: Final = _armed("CE_FREEZE_AT")


def reach(name: str) -> None:
    """Pass a crash point; returns unless the process was told to die here. `name` is one of POINTS."""
    if _crash is not None and _due(_crash, name):
        os._exit(KILLED)
    if _freeze is not None and _due(_freeze, name):
        os.kill(os.getpid(), signal.SIGSTOP)


def _due(armed: _Armed, name: str) -> bool:
    if armed.name != name:
        return False
    armed.unharmed -= 1
    return armed.unharmed == -1
