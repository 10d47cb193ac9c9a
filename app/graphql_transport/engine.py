"""Runs GraphQL requests against a strawberry schema. Owns the order of the steps; knows no socket and no header.

prepare   text -> parsed, measured, validated (cached) -> variables coerced, nodes and cost counted
execute   one query or mutation, with a context of its own
subscribe the source events of a subscription; execute_event for each, again with a context of its own
"""

from collections.abc import AsyncIterator, Hashable
from dataclasses import dataclass
from typing import Any, Final, cast

import strawberry
from graphql import (
    ExecutionResult,
    OperationType,
    create_source_event_stream,
    execute_subscription_event,
)

from app.graphql_transport.cost import CostTree, measure
from app.graphql_transport.documents import Documents
from app.graphql_transport.errors import (
    VARIABLES,
    ErrorData,
    RequestRefusedError,
    exception_error,
    execution_errors,
    request_errors,
)
from app.graphql_transport.executor import FieldKinds, OperationExecutor, is_awaitable
from app.graphql_transport.limits import TransportLimits
from app.graphql_transport.observing import NoObserver, Observed, Observer
from app.graphql_transport.rates import RATE_LIMITED, RateLimitedError, Rates
from app.graphql_transport.requests import GraphQLRequest
from app.graphql_transport.shape import too_large
from app.graphql_transport.sharing import SharedResponses
from kit.time import Clock

QUERIES = frozenset({OperationType.QUERY})
QUERIES_AND_MUTATIONS = frozenset({OperationType.QUERY, OperationType.MUTATION})
SUBSCRIPTIONS = frozenset({OperationType.SUBSCRIPTION})
ALL_OPERATIONS = frozenset(OperationType)

ResponseData = dict[str, Any]

#: Points of a request that is refused: it was read, and perhaps validated.
REFUSED_POINTS: Final = 10


class SubscriptionRefusedError(Exception):
    """A subscription did not start; `errors` are ready for the wire."""

    def __init__(self, errors: list[ErrorData]) -> None:
        super().__init__(errors[0]["message"])
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Operation:
    """A request that is valid and within limits, ready to run once.

    `cost` is in the points of `cost`. `same_for_all`: its answer does not depend on who of a tenant asks.
    """

    executor: OperationExecutor
    kind: OperationType
    cost: int
    name: str | None = None
    same_for_all: bool = False

    def observed(self, request_id: str) -> Observed:
        """What watchers are told of it."""
        return Observed(self.name, self.kind.value, self.cost, request_id)


class GraphQLEngine:
    """One schema with its limits and caches; one per process.

    The observer is told of every operation that runs, each event of a subscription too, and of every refusal.

    In production an anonymous client gets neither introspection nor did-you-mean hints: both tell the schema to people
    who have no account.

    Raises:
        ValueError: the schema carries strawberry extensions or operation directives, which would silently not run.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        limits: TransportLimits,
        *,
        production: bool,
        clock: Clock,
        observer: Observer | None = None,
    ) -> None:
        if schema.extensions or schema.directives:
            raise ValueError("schema extensions and operation directives do not run here: build the schema without")
        if schema.config.enable_experimental_incremental_execution:
            raise ValueError("@defer and @stream do not run here: build the schema without")
        self.limits = limits
        self.clock = clock
        self._production = production
        self._observer = observer or NoObserver()
        self._schema = schema._schema  # noqa: SLF001 - strawberry shows graphql-core's schema nowhere else
        self._documents = Documents(self._schema, limits)
        self._kinds: FieldKinds = {}
        self.shared = SharedResponses(limits.shared_bytes)
        self._rates = Rates(limits.rate_burst, limits.rate_per_second)

    def prepare(
        self, request: GraphQLRequest, *, anonymous: bool, allowed: frozenset[OperationType] = ALL_OPERATIONS
    ) -> Operation:
        """An operation ready to run.

        Raises:
            RequestRefusedError: syntax, validation, variables, limits, or a kind of operation that is not allowed here.
        """
        restricted = self._production and anonymous
        prepared, operation = self._documents.prepare(
            request.query, request.operation_name, restricted=restricted, allowed=allowed
        )
        executor = OperationExecutor.build(
            self._schema,
            prepared.document,
            raw_variable_values=request.variables,
            operation_name=request.operation_name,
            is_awaitable=cast("Any", is_awaitable),  # a TypeGuard in all but its annotation
            hide_suggestions=restricted,
            operation_extensions=request.extensions,
            kinds=self._kinds,
            selections=prepared.selections,
        )
        if isinstance(executor, list):
            raise RequestRefusedError(request_errors(executor, VARIABLES))
        cost = self._within_limits(operation.costs, executor.variable_values.coerced)
        node = operation.node
        name = None if node.name is None else node.name.value
        return Operation(cast("OperationExecutor", executor), node.operation, cost, name, operation.same_for_all)

    def charge(self, viewer: Hashable, operation: Operation) -> ErrorData:
        """Let a viewer pay for an operation; the response's `extensions` about it.

        Raises:
            RateLimitedError: the viewer's share does not pay for it.
        """
        told = {"requested": operation.cost, "limit": self.limits.cost}
        left = self._spend(viewer, operation.cost)
        return {"cost": told if left is None else told | {"left": left}}

    def charge_refused(self, viewer: Hashable, refused: RequestRefusedError) -> None:
        """Let a viewer pay for a request that was refused. Raises RateLimitedError."""
        self._observer.refused(refused.errors[0]["extensions"]["code"])
        self._spend(viewer, REFUSED_POINTS)

    def _spend(self, viewer: Hashable, points: int) -> int | None:
        try:
            return self._rates.spend(viewer, points)
        except RateLimitedError:
            self._observer.refused(RATE_LIMITED)
            raise

    async def execute(self, operation: Operation, context: Any, correlation_id: str) -> ResponseData:
        """The response to a query or mutation: `data`, and `errors` if there are any."""
        executor = operation.executor
        executor.context_value = context
        observed = operation.observed(correlation_id)
        with self._observer.running(observed):
            result = executor.execute_operation()
            if executor.is_awaitable(result):
                result = await cast("Any", result)
            return _response(cast("ExecutionResult", result), observed)

    async def subscribe(self, operation: Operation, context: Any, correlation_id: str) -> AsyncIterator[Any]:
        """The source events of a subscription. The caller closes the iterator if it can be closed.

        Raises:
            SubscriptionRefusedError: the field refused, or failed.
        """
        executor = operation.executor
        executor.context_value = context
        stream: Any = create_source_event_stream(executor)
        if executor.is_awaitable(stream):
            stream = await stream
        if isinstance(stream, ExecutionResult):
            raise SubscriptionRefusedError(execution_errors(stream.errors or [], correlation_id))
        return aiter(stream)

    async def execute_event(self, operation: Operation, event: Any, context: Any, correlation_id: str) -> ResponseData:
        """The response to one source event, resolved with a context made for it."""
        executor = operation.executor.build_per_event_executor(event)
        executor.context_value = context
        observed = operation.observed(correlation_id)
        with self._observer.running(observed):
            result = execute_subscription_event(executor)
            if executor.is_awaitable(result):
                result = await result
            return _response(cast("ExecutionResult", result), observed)

    def _within_limits(self, costs: CostTree, variables: dict[str, Any]) -> int:
        cost, nodes = measure(costs, variables, self.limits.page_max)
        if nodes > self.limits.nodes:
            raise too_large("number of requested nodes", self.limits.nodes)
        if cost > self.limits.cost:
            raise too_large(f"cost of {cost} points", self.limits.cost)
        return max(cost, 1)


def failed(exception: Exception, correlation_id: str) -> list[ErrorData]:
    """Errors for a request that broke outside any field: masked unless they may be shown."""
    return [exception_error(exception, correlation_id)]


def _response(result: ExecutionResult, observed: Observed) -> ResponseData:
    if not result.errors:
        return {"data": result.data}
    errors = execution_errors(result.errors, observed.request_id)
    observed.codes.extend(error.get("extensions", {}).get("code", "GRAPHQL") for error in errors)
    return {"errors": errors, "data": result.data}
