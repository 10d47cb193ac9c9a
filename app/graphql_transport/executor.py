"""graphql-core's executor with what strawberry's resolvers expect, and a short way for plain attributes.

Owns: the resolve info that strawberry's `Info` reads, and how fields without a resolver are completed. Most fields of
most answers are an attribute of built-in type: for these the general way (an info tuple, argument coercion, a resolver
call, value completion by cases) costs several times the work itself. The short way gives the same values and errors.

Errors in coercing an output value are ours, not the client's, and may quote data: they leave as plain exceptions, so
that the edge masks them.
"""

from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from types import GeneratorType
from typing import Any, NamedTuple, cast

from graphql import (
    Executor,
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    TypeNameMetaFieldDef,
    Undefined,
    is_leaf_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.pyutils import AwaitableOrValue, Path, gather_with_cancel
from strawberry.execution import optimized_is_awaitable
from strawberry.types.field import StrawberryField

_DEFINITION = "strawberry-definition"  # where strawberry's converter keeps the field it made a GraphQLField from

LeafCoercion = Callable[[Any], Any]


class OutputCoercionError(Exception):
    """A resolver returned a value that its GraphQL type cannot show."""


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


class FieldKind(NamedTuple):
    """What is known of a field of the schema, whoever asks for it.

    `attribute` is None where a resolver must be called; `leaf` is None where the value is not a scalar or enum;
    values of exactly the type `passes` need no coercion; `plain_object` is the type of a value that is an object whose
    type need not be checked.
    """

    definition: GraphQLField
    attribute: str | None
    leaf: LeafCoercion | None
    passes: type | None
    plain_object: GraphQLObjectType | None


#: Field kinds by type name and field name; one for the life of a schema.
FieldKinds = dict[tuple[str, str], FieldKind]


class FieldPlan(NamedTuple):
    """How one field of a selection set is run."""

    response_name: str
    details: FieldDetailsList
    return_type: GraphQLOutputType
    kind: FieldKind


#: Types that are known to have no awaitable instances: asked once per type, not once per value.
_PLAIN_TYPES: set[type] = {dict, str, int, float, bool, list, type(None)}


def is_awaitable(value: Any) -> bool:
    """Whether a resolver's result must be awaited."""
    kind = type(value)
    if kind in _PLAIN_TYPES:
        return False
    if optimized_is_awaitable(value):
        return True
    if not hasattr(kind, "__await__") and kind is not GeneratorType:
        _PLAIN_TYPES.add(kind)
    return False


class OperationExecutor(Executor[None]):
    """Runs one operation, or one event of a subscription."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.operation_extensions: dict[str, Any] | None = kwargs.pop("operation_extensions", None)
        self._kinds: FieldKinds = kwargs.pop("kinds")
        super().__init__(*args, **kwargs)
        # By identity of the field set; the set is kept beside its plans so that the identity stays its own.
        self._plans: dict[int, tuple[GroupedFieldSet, list[FieldPlan]]] = {}
        self._root_fields: list[GroupedFieldSet] = []

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

    def execute_root_grouped_field_set(
        self,
        root_type: GraphQLObjectType,
        root_value: Any,
        grouped_field_set: GroupedFieldSet,
        serially: bool,
        position_context: None,
    ) -> AwaitableOrValue[dict[str, Any]]:
        """Run the fields of the operation itself.

        The executors of a subscription's events share their plans, which are known by the identity of the field sets;
        graphql-core collects the root's anew for each event, so the first one stands for all. Without this every event
        would be planned anew and its plans kept for as long as the subscription lives.
        """
        if not self._root_fields:
            self._root_fields.append(grouped_field_set)
        fields = self._root_fields[0]
        return super().execute_root_grouped_field_set(root_type, root_value, fields, serially, position_context)

    def execute_fields(  # noqa: C901 - one loop on purpose: a call per field is what it saves
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: None,
    ) -> AwaitableOrValue[dict[str, Any]]:
        """Run the fields of a selection set, those that wait at the same time."""
        results: dict[str, Any] = {}
        waiting: list[str] = []
        type_name = parent_type.name
        try:
            for plan in self._plans_of(parent_type, grouped_field_set):
                name, details, return_type, (definition, attribute, leaf, passes, _) = plan
                if attribute is None:
                    if definition is TypeNameMetaFieldDef:
                        results[name] = type_name
                        continue
                    field_path = Path(path, name, type_name)
                    result = self.execute_field(parent_type, source_value, details, field_path, position_context)
                else:
                    try:
                        value = getattr(source_value, attribute)
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
                if result is not Undefined:
                    results[name] = result
                    if is_awaitable(result):
                        waiting.append(name)
        except Exception:
            if waiting:
                self.settle_in_background([results[name] for name in waiting])
            raise
        return _gathered(results, waiting) if waiting else results

    def collect_and_execute_subfields(
        self,
        return_type: GraphQLObjectType,
        field_details_list: FieldDetailsList,
        path: Path,
        result: Any,
        position_context: None,
    ) -> AwaitableOrValue[dict[str, Any]]:
        """Run the fields below an object."""
        fields = self.collect_subfields(return_type, field_details_list).grouped_field_set
        return self.execute_fields(return_type, result, path, fields, position_context)

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
        if not is_object_type(object_type) or not all(self._is_plain(item, object_type, info) for item in known):
            return super().complete_iterable_value(item_type, field_details_list, info, path, known, position_context)
        fields = self.collect_subfields(object_type, field_details_list).grouped_field_set
        completed: list[Any] = []
        waiting: list[int] = []
        try:
            for index, item in enumerate(known):
                item_path = path.add_key(index, None)
                try:
                    value = self.execute_fields(object_type, item, item_path, fields, position_context)
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
        if kind.plain_object is not None and value is not None and not waits and not isinstance(value, Exception):
            completed = self.collect_and_execute_subfields(kind.plain_object, details, path, value, None)
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

    def _plans_of(self, parent_type: GraphQLObjectType, fields: GroupedFieldSet) -> list[FieldPlan]:
        known = self._plans.get(id(fields))
        if known is None:
            plans = [self._plan(parent_type, name, details) for name, details in fields.items()]
            known = self._plans[id(fields)] = (fields, plans)
        return known[1]

    def _plan(self, parent_type: GraphQLObjectType, name: str, details: FieldDetailsList) -> FieldPlan:
        field_name = details[0].node.name.value
        kind = self._kinds.get((parent_type.name, field_name))
        if kind is None:
            kind = _field_kind(self.schema, parent_type, field_name)
            self._kinds[parent_type.name, field_name] = kind
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


#: Built-in scalars whose exact Python type is already the wire form. Int and Float are not: they have ranges.
_PASSING: dict[str, type] = {"String": str, "ID": str, "Boolean": bool}
_INT_MAX = 2**31 - 1


def _field_kind(schema: GraphQLSchema, parent_type: GraphQLObjectType, field_name: str) -> FieldKind:
    definition = schema.get_field(parent_type, field_name)
    if definition is None:  # validation refuses unknown fields, so this is a bug of ours
        raise LookupError(f"no field {field_name} on {parent_type.name}")
    attribute, required = _plain_attribute(definition), is_non_null_type(definition.type)
    bare = definition.type.of_type if is_non_null_type(definition.type) else definition.type
    if is_leaf_type(bare):
        leaf = _leaf(bare, f"{parent_type.name}.{field_name}", required=required)
        return FieldKind(definition, attribute, leaf, _PASSING.get(bare.name), None)
    plain_object = bare if is_object_type(bare) and bare.is_type_of is None else None
    return FieldKind(definition, attribute, None, None, plain_object)


def _plain_attribute(definition: GraphQLField) -> str | None:
    """The attribute that a field reads, if reading it is all that its resolver does."""
    field = definition.extensions.get(_DEFINITION)
    if not isinstance(field, StrawberryField) or not field.is_basic_field or field.default_resolver is not getattr:
        return None
    # Exception handlers of a schema wrap even plain fields; strawberry's unwrapped resolver is told by its name.
    name = getattr(definition.resolve, "__name__", "")
    return field.python_name if name == "_get_basic_result" else None


def _leaf(return_type: GraphQLLeafType, where: str, *, required: bool) -> LeafCoercion:
    """A function from an attribute's value to its wire form, which raises if null may not be here."""
    known = _wire_forms(return_type)
    is_int, is_float = return_type.name == "Int", return_type.name == "Float"

    def coerce(value: Any) -> Any:
        if is_int and type(value) is int and -_INT_MAX - 1 <= value <= _INT_MAX:
            return value
        if is_float and type(value) is float and isfinite(value):
            return value
        if value is None and not required:
            return None
        if known and (wire := known.get(id(value))) is not None:
            return wire
        if isinstance(value, Exception):
            raise value
        if value is None:
            raise TypeError(f"Cannot return null for non-nullable field {where}.")
        try:
            return Executor.complete_leaf_value(return_type, value)
        except GraphQLError as error:
            raise OutputCoercionError(str(error)) from error

    return coerce


def _wire_forms(return_type: GraphQLLeafType) -> dict[int, str]:
    """Names of an enum's members by identity (members live as long as the enum, and need not be hashable)."""
    members = getattr(return_type, "wrapped_cls", ())
    return {id(member): cast("str", return_type.coerce_output_value(member)) for member in members}
