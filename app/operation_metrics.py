"""Counts, times, log lines and spans of GraphQL operations, by the operation's name. Must not look into their data.

It runs around every operation and every event of a subscription, so what is not asked for is not even called: without a
tracer there are no spans, and metrics' children are found once for each name.
"""

import logging
import time
from collections.abc import Iterable
from contextvars import Token
from types import TracebackType
from typing import Final

from opentelemetry.trace import Span, Status, StatusCode, Tracer, use_span
from prometheus_client import CollectorRegistry, Counter, Histogram

from app.graphql_transport import Observed
from app.logs import REQUEST_ID

logger = logging.getLogger("campaign_express.operations")

#: Clients choose names: so many become label values, and what comes later is one.
MAX_NAMES: Final = 300
OTHERS: Final = "(other)"
ANONYMOUS: Final = "(anonymous)"
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
#: Errors of ours; the others say something to the client about its request.
_INTERNAL: Final = "INTERNAL"
OK, ERRORS, INTERNAL, CANCELLED = "ok", "errors", "internal", "cancelled"


class OperationMetrics:
    """The transport's observer.

    Args:
        registry: gets the metrics.
        tracer: makes each operation a span of its own, too.
        names: of operations that are labels in any case, so that nobody can crowd them out with others.
    """

    def __init__(self, registry: CollectorRegistry, tracer: Tracer | None = None, names: Iterable[str] = ()) -> None:
        self.tracer = tracer
        self._names = set(names)
        self._most_names = len(self._names) + MAX_NAMES
        self._known: dict[tuple[str | None, str], _Figures] = {}
        by = ("operation", "kind")
        self._operations = Counter("graphql_operations", "Executed, by outcome.", (*by, "outcome"), registry=registry)
        self._seconds = Histogram(
            "graphql_operation_seconds", "Time to execute.", by, buckets=_BUCKETS, registry=registry
        )
        self._points = Counter("graphql_cost_points", "Points of what was executed.", by, registry=registry)
        self._refused = Counter("graphql_refused", "Requests not executed, by code.", ("code",), registry=registry)

    def running(self, operation: Observed) -> "_Run":
        """Around one execution."""
        return _Run(self, operation, self._figures(operation))

    def refused(self, code: str) -> None:
        """A request was not executed."""
        self._refused.labels(code).inc()

    def _figures(self, operation: Observed) -> "_Figures":
        known = self._known.get((operation.name, operation.kind))
        if known is not None:
            return known
        label, kind = self._label(operation.name), operation.kind
        outcomes = {each: self._operations.labels(label, kind, each) for each in (OK, ERRORS, INTERNAL, CANCELLED)}
        found = _Figures(label, outcomes, self._seconds.labels(label, kind), self._points.labels(label, kind))
        if label != OTHERS:
            self._known[operation.name, kind] = found
        return found

    def _label(self, name: str | None) -> str:
        if name is None:
            return ANONYMOUS
        if name not in self._names:
            if len(self._names) >= self._most_names:
                return OTHERS
            self._names.add(name)
        return name


class _Figures:
    """Where one name's figures go."""

    __slots__ = ("label", "outcomes", "points", "seconds")

    def __init__(self, label: str, outcomes: dict[str, Counter], seconds: Histogram, points: Counter) -> None:
        self.label = label
        self.outcomes = outcomes
        self.seconds = seconds
        self.points = points


class _Run:
    """One execution: a context manager without a generator, which would cost as much as the counting."""

    __slots__ = ("_entered", "_figures", "_operation", "_span", "_started", "_token", "_watcher")

    def __init__(self, watcher: OperationMetrics, operation: Observed, figures: _Figures) -> None:
        self._watcher = watcher
        self._operation = operation
        self._figures = figures
        self._token: Token[str | None]
        self._span: Span | None = None
        self._started = 0.0

    def __enter__(self) -> None:
        operation = self._operation
        self._token = REQUEST_ID.set(operation.request_id)
        if self._watcher.tracer is not None:
            attributes = {
                "graphql.operation.name": operation.name or "",
                "graphql.operation.type": operation.kind,
                "campaign_express.request_id": operation.request_id,
            }
            name = f"{operation.kind} {self._figures.label}"
            self._span = self._watcher.tracer.start_span(name, attributes=attributes)
            self._entered = use_span(
                self._span, end_on_exit=True, record_exception=False, set_status_on_exception=False
            )
            self._entered.__enter__()
        self._started = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = time.perf_counter() - self._started
        outcome = CANCELLED if kind is not None else _outcome(self._operation.codes)
        self._figures.outcomes[outcome].inc()
        self._figures.seconds.observe(seconds)
        self._figures.points.inc(self._operation.cost)
        # An event of a subscription is no request; a thousand subscribers would write a thousand lines.
        if self._operation.kind != "subscription" and logger.isEnabledFor(logging.INFO):
            self._log(outcome, seconds)
        if self._span is not None:
            if outcome == INTERNAL:
                self._span.set_status(Status(StatusCode.ERROR))
            self._entered.__exit__(kind, error, trace)
        REQUEST_ID.reset(self._token)

    def _log(self, outcome: str, seconds: float) -> None:
        operation, label = self._operation, self._figures.label
        facts = {
            "operation": label,
            "kind": operation.kind,
            "outcome": outcome,
            "codes": operation.codes,
            "milliseconds": round(seconds * 1_000, 3),
            "cost": operation.cost,
        }
        logger.info("%s %s: %s", operation.kind, label, outcome, extra={"facts": facts})


def _outcome(codes: list[str]) -> str:
    if not codes:
        return OK
    return INTERNAL if _INTERNAL in codes else ERRORS
