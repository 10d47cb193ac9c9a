"""What is known of a field of the schema, whoever asks for it: how its value is had, and how it is written.

Most fields of most answers are an attribute of built-in type. Which those are is found here, once for each field.
Errors in coercing an output value are ours, not the client's, and may quote data: they leave as plain exceptions, so
that the edge masks them.
"""

from collections.abc import Callable
from math import isfinite
from types import GeneratorType
from typing import Any, NamedTuple, cast

from graphql import (
    Executor,
    GraphQLError,
    GraphQLField,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    is_leaf_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetailsList
from strawberry.execution import optimized_is_awaitable
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

_DEFINITION = "strawberry-definition"  # where strawberry's converter keeps what it made a GraphQL type or field from

LeafCoercion = Callable[[Any], Any]


class OutputCoercionError(Exception):
    """A resolver returned a value that its GraphQL type cannot show."""


class FieldKind(NamedTuple):
    """What is known of a field of the schema, whoever asks for it.

    `attribute` is None where a resolver must be called; `leaf` is None where the value is not a scalar or enum;
    values of exactly the type `passes` need no coercion; `object_type` is the type of a value that is an object.
    """

    definition: GraphQLField
    attribute: str | None
    leaf: LeafCoercion | None
    passes: type | None
    object_type: GraphQLObjectType | None

    @property
    def is_required(self) -> bool:
        """Whether null may not be here."""
        return is_non_null_type(self.definition.type)

    @property
    def leaf_type(self) -> GraphQLLeafType:
        """The scalar or enum, where `leaf` is not None."""
        declared = self.definition.type
        return cast("GraphQLLeafType", declared.of_type if is_non_null_type(declared) else declared)


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


def field_kind(schema: GraphQLSchema, parent_type: GraphQLObjectType, field_name: str) -> FieldKind:
    """What is known of a field. Raises LookupError if there is none."""
    definition = schema.get_field(parent_type, field_name)
    if definition is None:  # validation refuses unknown fields, so this is a bug of ours
        raise LookupError(f"no field {field_name} on {parent_type.name}")
    attribute, required = plain_attribute(definition), is_non_null_type(definition.type)
    bare = definition.type.of_type if is_non_null_type(definition.type) else definition.type
    if is_leaf_type(bare):
        leaf = _leaf(bare, f"{parent_type.name}.{field_name}", required=required)
        return FieldKind(definition, attribute, leaf, _PASSING.get(bare.name), None)
    return FieldKind(definition, attribute, None, None, bare if is_object_type(bare) else None)


def certain_class(object_type: GraphQLObjectType) -> type | None:
    """The class whose own instances are of an object type for certain; None where the type has its own way to tell."""
    definition = object_type.extensions.get(_DEFINITION)
    if not isinstance(definition, StrawberryObjectDefinition) or definition.is_type_of is not None:
        return None
    return definition.origin


def wire_forms(return_type: GraphQLLeafType) -> dict[int, str]:
    """Names of an enum's members by identity (members live as long as the enum, and need not be hashable)."""
    members = getattr(return_type, "wrapped_cls", ())
    return {id(member): cast("str", return_type.coerce_output_value(member)) for member in members}


#: Built-in scalars whose exact Python type is already the wire form. Int and Float are not: they have ranges.
_PASSING: dict[str, type] = {"String": str, "ID": str, "Boolean": bool}
INT_MAX = 2**31 - 1


def plain_attribute(definition: GraphQLField) -> str | None:
    """The attribute that a field reads, if reading it is all that its resolver does."""
    field = definition.extensions.get(_DEFINITION)
    if not isinstance(field, StrawberryField) or not field.is_basic_field or field.default_resolver is not getattr:
        return None
    # Exception handlers of a schema wrap even plain fields; strawberry's unwrapped resolver is told by its name.
    name = getattr(definition.resolve, "__name__", "")
    return field.python_name if name == "_get_basic_result" else None


def _leaf(return_type: GraphQLLeafType, where: str, *, required: bool) -> LeafCoercion:
    """A function from an attribute's value to its wire form, which raises if null may not be here."""
    known = wire_forms(return_type)
    is_int, is_float = return_type.name == "Int", return_type.name == "Float"

    def coerce(value: Any) -> Any:
        if is_int and type(value) is int and -INT_MAX - 1 <= value <= INT_MAX:
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
