"""Runs what a written function builds in the general way as well, and keeps a record of every difference.

The functions promise to give what the general way gives, which `tests/unit/transport/test_execution.py` holds to
strawberry's own executor. Here the promise is checked on every object that any test's query shows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.graphql_transport import executor as executors
from app.graphql_transport.executor import OperationExecutor, Selection

#: The executor's own, also for a check within a check: the inner one takes over.
_COUNT = OperationExecutor._count


@dataclass
class Record:
    """How many objects were built both ways, and the differences."""

    compared: int = 0
    differences: list[str] = field(default_factory=list)


@contextmanager
def built_both_ways() -> Iterator[Record]:
    """Write a function for every selection at once, and compare whatever the functions build."""
    record = Record()

    def counted(self: OperationExecutor, selection: Selection, objects: int) -> None:
        _COUNT(self, selection, objects)
        function = selection.function
        if function is None:
            return
        plans = [plan for plan in selection.plans if plan not in function.rest]

        def build(source: Any) -> dict[str, Any]:
            built = function.build(source)
            expected = OperationExecutor._run_fields(self, selection, plans, source, None, {})
            record.compared += 1
            found = {plan.response_name: built[plan.response_name] for plan in plans}
            if found != expected or list(built) != [plan.response_name for plan in selection.plans]:
                record.differences.append(f"{selection.object_type.name}: {found} is not {expected}")
            return built

        selection.function = function._replace(build=build)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executors, "_PAYS_AFTER", 1)
        patch.setattr(OperationExecutor, "_count", counted)
        yield record
