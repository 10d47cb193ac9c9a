"""Counts calls that happen somewhere below, and stops them at a limit. Knows no domain.

Who wants to know opens a meter around an await; whoever makes calls counts each. A meter holds for one task and the
tasks that it starts; without one, counting costs one look.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


class MeterUsedUp(Exception):
    """No more calls are allowed under this meter."""


@dataclass(slots=True)
class Meter:
    """How many calls may be made, and how many were."""

    allowed: int
    used: int = 0


_meter: ContextVar[Meter | None] = ContextVar("meter", default=None)


@contextmanager
def metered(allowed: int) -> Iterator[Meter]:
    """Count the calls made inside the block; the one after `allowed` (>= 0) raises MeterUsedUp."""
    meter = Meter(allowed)
    token = _meter.set(meter)
    try:
        yield meter
    finally:
        _meter.reset(token)


def count_call() -> None:
    """Count a call that is about to be made. Raises MeterUsedUp, and the call must then not be made."""
    meter = _meter.get()
    if meter is None:
        return
    if meter.used >= meter.allowed:
        raise MeterUsedUp(f"all {meter.allowed} calls are used")
    meter.used += 1
