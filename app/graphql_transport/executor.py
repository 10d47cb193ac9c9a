"""graphql-core's executor with what strawberry's resolvers expect, and a short way for plain attributes.

Owns: the resolve info that strawberry's `Info` reads, and how fields without a resolver are completed. Most fields of
most answers are an attribute of built-in type: for these the general way (an info tuple, argument coercion, a resolver
call, value completion by cases) costs several times the work itself. The short way gives the same values and errors.

Errors in coercing an output value are ours, not the client's, and may quote data: they leave as plain exceptions, so
that the edge masks them.
"""

from collections.abc import Callable
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
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.pyutils import AwaitableOrValue, Path, gather_with_cancel
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
    values of exactly the type `passes` need no coercion.
    """

    definition: GraphQLField
    attribute: str | None
    leaf: LeafCoercion | None
    passes: type | None


#: Field kinds by type name and field name; one for the life of a schema.
FieldKinds = dict[tuple[str, str], FieldKind]


class FieldPlan(NamedTuple):
    """How one field of a selection set is run."""

    response_name: str
    details: FieldDetailsList
    return_type: GraphQLOutputType
    kind: FieldKind


class OperationExecutor(Executor[None]):
    """Runs one operation, or one event of a subscription."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.operation_extensions: dict[str, Any] | None = kwargs.pop("operation_extensions", None)
        self._kinds: FieldKinds = kwargs.pop("kinds")
        super().__init__(*args, **kwargs)
        # By identity of the field set; the set is kept beside its plans so that the identity stays its own.
        self._plans: dict[int, tuple[GroupedFieldSet, list[FieldPlan]]] = {}

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

    def execute_fields(  # noqa: C901, PLR0912 - one loop on purpose: a call per field is what it saves
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: None,
    ) -> AwaitableOrValue[dict[str, Any]]:
        """Run the fields of a selection set, those that wait at the same time."""
        known = self._plans.get(id(grouped_field_set))
        if known is None:
            plans = [self._plan(parent_type, name, details) for name, details in grouped_field_set.items()]
            known = self._plans[id(grouped_field_set)] = (grouped_field_set, plans)
        results: dict[str, Any] = {}
        waiting: list[str] = []
        type_name = parent_type.name
        try:
            for plan in known[1]:
                name, details, return_type, (definition, attribute, leaf, passes) = plan
                if attribute is None:
                    if definition is TypeNameMetaFieldDef:
                        results[name] = type_name
                        continue
                    field_path = Path(path, name, type_name)
                    result = self.execute_field(parent_type, source_value, details, field_path, position_context)
                else:
                    try:
                        value = getattr(source_value, attribute)
                        if leaf is not None and not self.is_awaitable(value):
                            if type(value) is passes:
                                results[name] = value
                            elif value is None and not is_non_null_type(return_type):
                                results[name] = None
                            else:
                                results[name] = leaf(value)
                            continue
                        result = self._complete_attribute(plan, parent_type, path, value)
                    except Exception as error:  # noqa: BLE001 - any failure is this field's, as in graphql-core
                        self.handle_field_error(error, return_type, details, Path(path, name, type_name))
                        result = None
                if result is not Undefined:
                    results[name] = result
                    if self.is_awaitable(result):
                        waiting.append(name)
        except Exception:
            if waiting:
                self.settle_in_background([results[name] for name in waiting])
            raise
        return _gathered(results, waiting) if waiting else results

    @staticmethod
    def complete_leaf_value(return_type: GraphQLLeafType, result: Any) -> Any:
        """The wire form of a scalar or enum value. Raises OutputCoercionError if it has none."""
        try:
            return Executor.complete_leaf_value(return_type, result)
        except GraphQLError as error:
            raise OutputCoercionError(str(error)) from error

    def _complete_attribute(
        self, plan: FieldPlan, parent_type: GraphQLObjectType, path: Path | None, value: Any
    ) -> AwaitableOrValue[Any]:
        """Complete an attribute's value that is an object, a list, or still to be awaited."""
        field_path = Path(path, plan.response_name, parent_type.name)
        info = self.build_resolve_info(plan.kind.definition, [at.node for at in plan.details], parent_type, field_path)
        if self.is_awaitable(value):
            return self.complete_awaitable_value(plan.return_type, plan.details, info, field_path, value, None)
        completed = self.complete_value(plan.return_type, plan.details, info, field_path, value, None)
        return self._guarded(completed, plan, field_path) if self.is_awaitable(completed) else completed

    async def _guarded(self, completed: Any, plan: FieldPlan, path: Path) -> Any:
        try:
            return await completed
        except Exception as error:  # noqa: BLE001 - any failure is this field's, as in graphql-core
            self.handle_field_error(error, plan.return_type, plan.details, path)
            return None

    def _plan(self, parent_type: GraphQLObjectType, name: str, details: FieldDetailsList) -> FieldPlan:
        field_name = details[0].node.name.value
        kind = self._kinds.get((parent_type.name, field_name))
        if kind is None:
            kind = _field_kind(self.schema, parent_type, field_name)
            self._kinds[parent_type.name, field_name] = kind
        return FieldPlan(name, details, kind.definition.type, kind)


async def _gathered(results: dict[str, Any], waiting: list[str]) -> dict[str, Any]:
    if len(waiting) == 1:
        results[waiting[0]] = await results[waiting[0]]
    else:
        values = await gather_with_cancel(*(results[name] for name in waiting))
        results.update(zip(waiting, values, strict=True))
    return results


#: Built-in scalars whose exact Python type is already the wire form. Int and Float are not: they have ranges.
_PASSING: dict[str, type] = {"String": str, "ID": str, "Boolean": bool}
_INT_MAX = 2**31 - 1


def _field_kind(schema: GraphQLSchema, parent_type: GraphQLObjectType, field_name: str) -> FieldKind:
    definition = schema.get_field(parent_type, field_name)
    if definition is None:  # validation refuses unknown fields, so this is a bug of ours
        raise LookupError(f"no field {field_name} on {parent_type.name}")
    bare = definition.type.of_type if is_non_null_type(definition.type) else definition.type
    if not is_leaf_type(bare):
        return FieldKind(definition, _plain_attribute(definition), None, None)
    leaf = _leaf(bare, f"{parent_type.name}.{field_name}")
    return FieldKind(definition, _plain_attribute(definition), leaf, _PASSING.get(bare.name))


def _plain_attribute(definition: GraphQLField) -> str | None:
    """The attribute that a field reads, if reading it is all that its resolver does."""
    field = definition.extensions.get(_DEFINITION)
    if not isinstance(field, StrawberryField) or not field.is_basic_field or field.default_resolver is not getattr:
        return None
    # Exception handlers of a schema wrap even plain fields; strawberry's unwrapped resolver is told by its name.
    name = getattr(definition.resolve, "__name__", "")
    return field.python_name if name == "_get_basic_result" else None


def _leaf(return_type: GraphQLLeafType, where: str) -> LeafCoercion:
    """A function from an attribute's value, never None unless null is an error here, to its wire form."""
    known = _wire_forms(return_type)

    def coerce(value: Any) -> Any:
        if type(value) is int and return_type.name == "Int" and -_INT_MAX - 1 <= value <= _INT_MAX:
            return value
        if known and (wire := known.get(id(value))) is not None:
            return wire
        if isinstance(value, Exception):
            raise value
        if value is None:
            raise TypeError(f"Cannot return null for non-nullable field {where}.")
        return OperationExecutor.complete_leaf_value(return_type, value)

    return coerce


def _wire_forms(return_type: GraphQLLeafType) -> dict[int, str]:
    """Names of an enum's members by identity (members live as long as the enum, and need not be hashable)."""
    members = getattr(return_type, "wrapped_cls", ())
    return {id(member): cast("str", return_type.coerce_output_value(member)) for member in members}
