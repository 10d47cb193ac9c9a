"""graphql-core's executor with what strawberry's resolvers expect, and two short ways for plain attributes.

Owns: the resolve info that strawberry's `Info` reads, and how fields without a resolver are completed. For these the
general way (an info tuple, argument coercion, a resolver call, value completion by cases) costs several times the work
itself. The first short way completes them one by one; the second runs the function that `compiled` wrote for a whole
selection set. Both give the same values and errors as graphql-core.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

from graphql import (
    Executor,
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLResolveInfoHelpers,
    GraphQLSchema,
    TypeNameMetaFieldDef,
    Undefined,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.pyutils import AwaitableOrValue, Path, gather_with_cancel

from app.graphql_transport.compiled import Compiled, compiled
from app.graphql_transport.field_kinds import (
    FieldKinds,
    FieldPlan,
    OutputCoercionError,
    certain_class,
    field_kind,
    is_awaitable,
)

__all__ = ["FieldKinds", "OperationExecutor", "SelectionCache", "is_awaitable"]


class ResolveInfo(NamedTuple):
    """graphql-core's resolve info, with plain variables and the request's extensions, as strawberry's `Info` reads."""

    field_name: str
    field_nodes: list[FieldNode]
    return_type: GraphQLOutputType
    parent_type: GraphQLObjectType
    path: Path
    schema: GraphQLSchema
    fragments: dict[str, Any]
    root_value: Any
    operation: Any
    variable_values: dict[str, Any]
    context: Any
    is_awaitable: Callable[[Any], bool]
    abort_signal: Any
    async_helpers: Any
    operation_extensions: dict[str, Any] | None


@dataclass(slots=True)
class Selection:
    """A selection set as it is run on objects of one type.

    `runs` counts its objects, up to where a function for them pays; `function` is None before, or if none would help.
    """

    object_type: GraphQLObjectType
    plans: list[FieldPlan]
    runs: int = 0
    function: Compiled | None = None


#: Selections by the nodes that ask for them, for as long as those nodes live, and as long as they mean the same.
SelectionCache = dict[tuple[str | int, ...], Selection]
#: Writing a function takes about as long as running so many objects without one; a request may never come again.
_PAYS_AFTER: Final = 50


class OperationExecutor(Executor[None]):
    """Runs one operation, or one event of a subscription."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.operation_extensions: dict[str, Any] | None = kwargs.pop("operation_extensions", None)
        self._kinds: FieldKinds = kwargs.pop("kinds")
        # The document's own, where no directive makes its selections depend on a request's variables.
        shared: SelectionCache | None = kwargs.pop("selections", None)
        self._selections: SelectionCache = {} if shared is None else shared
        self._pays_after = float("inf") if shared is None else _PAYS_AFTER
        super().__init__(*args, **kwargs)

    @property
    def async_helpers(self) -> GraphQLResolveInfoHelpers:
        """The helpers of a resolve info, made for each.

        Kept, they would close a circle with the executor, and each request's objects would stay until the collector
        comes, which then stops everybody.
        """
        return GraphQLResolveInfoHelpers(gather=self.gather_async_work, track=self.track_async_work)

    @async_helpers.setter
    def async_helpers(self, helpers: GraphQLResolveInfoHelpers) -> None:
        """Let go of graphql-core's own."""

    def build_resolve_info(
        self, field_def: GraphQLField, field_nodes: list[FieldNode], parent_type: GraphQLObjectType, path: Path
    ) -> GraphQLResolveInfo[Any]:
        """The info for a resolver."""
        return ResolveInfo(  # type: ignore[return-value]  # same fields, plain variables: what strawberry reads
            field_nodes[0].name.value,
            field_nodes,
            field_def.type,
            parent_type,
            path,
            self.schema,
            self.fragment_definitions,
            self.root_value,
            self.operation,
            self.variable_values.coerced,
            self.context_value,
            self.is_awaitable,
            self.abort_signal,
            self.async_helpers,
            self.operation_extensions,
        )

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: None,  # noqa: ARG002 - graphql-core's signature
    ) -> AwaitableOrValue[dict[str, Any]]:
        """Run the fields of the operation itself, those that wait at the same time.

        The executors of a subscription's events share their selections; graphql-core collects the root's anew for each
        event, so the first one stands for all.
        """
        key = (parent_type.name, id(self.operation))
        selection = self._selections.get(key)
        if selection is None:
            selection = self._selections[key] = self._selection_of(parent_type, grouped_field_set)
        return self._run(selection, source_value, path)

    def collect_and_execute_subfields(
        self,
        return_type: GraphQLObjectType,
        field_details_list: FieldDetailsList,
        path: Path,
        result: Any,
        position_context: None,  # noqa: ARG002 - graphql-core's signature
    ) -> AwaitableOrValue[dict[str, Any]]:
        """Run the fields below an object."""
        return self._run(self._selection(return_type, field_details_list), result, path)

    def _run(self, selection: Selection, source: Any, path: Path | None) -> AwaitableOrValue[dict[str, Any]]:
        """An object's fields, by the selection's function as far as it goes."""
        if selection.runs < self._pays_after:
            self._count(selection, 1)
        if (function := selection.function) is not None:
            try:
                results = function.build(source)
            except Exception:  # noqa: BLE001 - whatever it was, the general way meets it again and tells it
                return self._run_fields(selection, selection.plans, source, path, {})
            if not function.rest:
                return results
            return self._run_fields(selection, function.rest, source, path, results)
        return self._run_fields(selection, selection.plans, source, path, {})

    def _count(self, selection: Selection, objects: int) -> None:
        selection.runs += objects
        if selection.runs >= self._pays_after:
            selection.function = compiled(selection.object_type, selection.plans, self._plans_below)

    def _run_fields(  # noqa: C901 - one loop on purpose: a call per field is what it saves
        self,
        selection: Selection,
        plans: Sequence[FieldPlan],
        source: Any,
        path: Path | None,
        results: dict[str, Any],
    ) -> AwaitableOrValue[dict[str, Any]]:
        """Run fields one by one into `results`."""
        waiting: list[str] = []
        parent_type = selection.object_type
        type_name = parent_type.name
        try:
            for plan in plans:
                name, details, return_type, (definition, attribute, leaf, passes, _) = plan
                if attribute is None:
                    if definition is TypeNameMetaFieldDef:
                        results[name] = type_name
                        continue
                    result = self.execute_field(parent_type, source, details, Path(path, name, type_name), None)
                else:
                    try:
                        value = getattr(source, attribute)
                        if type(value) is passes:
                            results[name] = value
                            continue
                        if leaf is not None and not is_awaitable(value):
                            results[name] = leaf(value)
                            continue
                        result = self._complete_attribute(plan, parent_type, Path(path, name, type_name), value)
                    except Exception as error:  # noqa: BLE001 - any failure is this field's, as in graphql-core
                        self.handle_field_error(error, return_type, details, Path(path, name, type_name))
                        result = None
                if result is Undefined:
                    results.pop(name, None)
                    continue
                results[name] = result
                if is_awaitable(result):
                    waiting.append(name)
        except Exception:
            if waiting:
                self.settle_in_background([results[name] for name in waiting])
            raise
        return _gathered(results, waiting) if waiting else results

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: None,
    ) -> AwaitableOrValue[Any]:
        """The wire form of a resolver's value. Raises OutputCoercionError if it has none."""
        if isinstance(result, Exception):
            raise result
        try:
            return super().complete_value(return_type, field_details_list, info, path, result, position_context)
        except GraphQLError as error:
            if error.path is None:  # graphql-core's own, about this value; those of fields below have a path
                raise OutputCoercionError(str(error)) from error
            raise

    def complete_iterable_value(
        self,
        item_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        items: Iterable[Any],
        position_context: None,
    ) -> AwaitableOrValue[list[Any]]:
        """Complete a list; for a list of objects, without asking the same questions for each."""
        object_type = item_type.of_type if is_non_null_type(item_type) else item_type
        known = items if isinstance(items, list) else list(items)
        if not is_object_type(object_type):
            return super().complete_iterable_value(item_type, field_details_list, info, path, known, position_context)
        selection = self._selection(object_type, field_details_list)
        built = self._built(selection, known)
        if built is not None:
            return built
        certain = certain_class(object_type)
        if not all(type(item) is certain or self._is_plain(item, object_type, info) for item in known):
            return super().complete_iterable_value(item_type, field_details_list, info, path, known, position_context)
        completed: list[Any] = []
        waiting: list[int] = []
        try:
            for index, item in enumerate(known):
                item_path = path.add_key(index, None)
                try:
                    value = self._run(selection, item, item_path)
                except Exception as error:  # noqa: BLE001 - any failure is this item's, as in graphql-core
                    self.handle_field_error(error, item_type, field_details_list, item_path)
                    value = cast("Any", None)
                if is_awaitable(value):
                    value = self._guarded(value, item_type, field_details_list, item_path)
                    waiting.append(index)
                completed.append(value)
        except Exception:
            if waiting:
                self.settle_in_background([completed[index] for index in waiting])
            raise
        return _gathered(completed, waiting) if waiting else completed

    def _built(self, selection: Selection, items: list[Any]) -> list[Any] | None:
        """A list by the selection's function; None where that does not cover all of it."""
        if selection.runs < self._pays_after:
            self._count(selection, len(items))
        function = selection.function
        if function is None or function.rest:
            return None
        try:
            return [function.build(item) for item in items]
        except Exception:  # noqa: BLE001 - whatever it was, the general way meets it again and tells it
            return None

    @staticmethod
    def _is_plain(item: Any, object_type: GraphQLObjectType, info: GraphQLResolveInfo[Any]) -> bool:
        """Whether an item of a list is there, and certainly of the list's type."""
        if item is None or is_awaitable(item) or isinstance(item, Exception):
            return False
        return object_type.is_type_of is None or object_type.is_type_of(item, info) is True

    def _complete_attribute(
        self, plan: FieldPlan, parent_type: GraphQLObjectType, path: Path, value: Any
    ) -> AwaitableOrValue[Any]:
        """Complete an attribute's value that is an object, a list, or still to be awaited."""
        kind, details, return_type = plan.kind, plan.details, plan.return_type
        waits = is_awaitable(value)
        is_object = kind.object_type is not None and kind.object_type.is_type_of is None
        if is_object and value is not None and not waits and not isinstance(value, Exception):
            completed = self.collect_and_execute_subfields(cast("Any", kind.object_type), details, path, value, None)
        else:
            info = self.build_resolve_info(kind.definition, [at.node for at in details], parent_type, path)
            if waits:
                return self.complete_awaitable_value(return_type, details, info, path, value, None)
            completed = self.complete_value(return_type, details, info, path, value, None)
        return self._guarded(completed, return_type, details, path) if is_awaitable(completed) else completed

    async def _guarded(
        self, completed: Any, return_type: GraphQLOutputType, details: FieldDetailsList, path: Path
    ) -> Any:
        try:
            return await completed
        except Exception as error:  # noqa: BLE001 - any failure is this field's, as in graphql-core
            self.handle_field_error(error, return_type, details, path)
            return None

    def _selection(self, object_type: GraphQLObjectType, details: FieldDetailsList) -> Selection:
        key: tuple[str | int, ...] = (object_type.name, *[id(each.node) for each in details])
        known = self._selections.get(key)
        if known is None:
            fields = self.collect_subfields(object_type, details).grouped_field_set
            known = self._selections[key] = self._selection_of(object_type, fields)
        return known

    def _plans_below(self, object_type: GraphQLObjectType, details: FieldDetailsList) -> Sequence[FieldPlan]:
        return self._selection(object_type, details).plans

    def _selection_of(self, object_type: GraphQLObjectType, fields: GroupedFieldSet) -> Selection:
        return Selection(object_type, [self._plan(object_type, name, details) for name, details in fields.items()])

    def _plan(self, parent_type: GraphQLObjectType, name: str, details: FieldDetailsList) -> FieldPlan:
        field_name = details[0].node.name.value
        kind = self._kinds.get((parent_type.name, field_name))
        if kind is None:
            kind = self._kinds[parent_type.name, field_name] = field_kind(self.schema, parent_type, field_name)
        return FieldPlan(name, details, kind.definition.type, kind)


async def _gathered(results: Any, waiting: Sequence[Any]) -> Any:
    """The same dict or list, with what waits at those keys replaced by what came of it."""
    if len(waiting) == 1:
        results[waiting[0]] = await results[waiting[0]]
    else:
        values = await gather_with_cancel(*(results[key] for key in waiting))
        for key, value in zip(waiting, values, strict=True):
            results[key] = value
    return results
