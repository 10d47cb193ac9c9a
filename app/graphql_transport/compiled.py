"""Selections of plain attributes as Python functions: from an object to the dict that the answer shows of it.

A function is written for each selection set that runs more than once. It reads the attributes, checks each value's type
and builds the dict, whole objects below it included; what has a resolver or is a list gets a place that the executor
fills. Whatever else it meets (a null where none may be, a value to be awaited, an exception, an unknown type) makes it
raise, and the executor runs that object in the general way, which finds the same again and knows how to say it. So a
function is either right or not used: attributes are read twice then, which must change nothing.

Must not call resolvers, or know errors and paths.
"""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, NamedTuple

from graphql import GraphQLObjectType, TypeNameMetaFieldDef
from graphql.execution.collect_fields import FieldDetailsList

from app.graphql_transport.field_kinds import (
    INT_MAX,
    FieldKind,
    FieldPlan,
    LeafCoercion,
    certain_class,
    is_awaitable,
    wire_forms,
)

Build = Callable[[Any], dict[str, Any]]
#: The plans of the fields below an object.
PlansBelow = Callable[[GraphQLObjectType, FieldDetailsList], Sequence[FieldPlan]]


class UncoveredError(Exception):
    """The general way must run this object."""


class Compiled(NamedTuple):
    """A selection set's function, and the fields that it left out: their places hold None."""

    build: Build
    rest: tuple[FieldPlan, ...]


def compiled(object_type: GraphQLObjectType, plans: Sequence[FieldPlan], below: PlansBelow) -> Compiled | None:
    """A function for a selection set; None where none of its fields would gain.

    The function raises for whatever it does not cover, and then anything.

    Args:
        object_type: what the objects are; the function makes sure where the type asks for it.
        plans: the set's fields in the order of the answer.
        below: for the fields of objects below.
    """
    writer = _Writer(below)
    shown = writer.shown("o", object_type, plans, may_leave=True)
    if shown is None or not any(plan.kind.attribute for plan in plans if plan not in writer.rest):
        return None
    lines = ["def build(o):", *(f"    {line}" for line in writer.lines), f"    return {shown}"]
    exec(compile("\n".join(lines), f"<{object_type.name}>", "exec"), writer.names)  # noqa: S102 - our own text: names of the schema only, as literals
    return Compiled(writer.names["build"], tuple(writer.rest))


class _Writer:
    """Writes one function's lines. Values are read into variables; `names` is what the lines refer to."""

    def __init__(self, below: PlansBelow) -> None:
        self.lines: list[str] = []
        self.rest: list[FieldPlan] = []
        self.names: dict[str, Any] = {"UncoveredError": UncoveredError, "checked": _checked}
        self._below = below
        self._numbers = count()

    def shown(
        self, variable: str, object_type: GraphQLObjectType, plans: Sequence[FieldPlan], *, may_leave: bool
    ) -> str | None:
        """The expression of an object's dict, after the lines that it needs; None if it cannot be covered."""
        if not self._make_sure(variable, object_type):
            return None
        places: list[str] = []
        for plan in plans:
            shown = self._field(variable, object_type, plan)
            if shown is None:
                if not may_leave:
                    return None
                self.rest.append(plan)
                shown = "None"
            places.append(f"{plan.response_name!r}: {shown}")
        return "{" + ", ".join(places) + "}"

    def _make_sure(self, variable: str, object_type: GraphQLObjectType) -> bool:
        """Check that a value is an object of the type; False if that is the type's own affair."""
        if object_type.is_type_of is None:
            known = self._name("known", set[type]())
            self.lines.append(f"if type({variable}) not in {known}: checked({variable}, {known})")
            return True
        origin = certain_class(object_type)
        if origin is None:
            return False
        self.lines.append(f"if type({variable}) is not {self._name('origin', origin)}: raise UncoveredError")
        return True

    def _field(self, parent: str, parent_type: GraphQLObjectType, plan: FieldPlan) -> str | None:
        kind = plan.kind
        if kind.definition is TypeNameMetaFieldDef:
            return repr(parent_type.name)
        if kind.attribute is None or not kind.attribute.isidentifier():
            return None
        if kind.leaf is not None:
            return self._leaf(parent, kind, kind.attribute, kind.leaf)
        return self._nested(parent, plan, kind.attribute)

    def _leaf(self, parent: str, kind: FieldKind, attribute: str, coerce: LeafCoercion) -> str:
        value = self._read(parent, attribute)
        bare = kind.leaf_type
        seen: set[type] = set()
        general = self._name("leaf", _careful(coerce, seen))
        if forms := wire_forms(bare):
            self.lines.append(f"{value} = {self._name('known', forms)}.get(id({value})) or {general}({value})")
            return value
        if kind.passes is not None:
            unlike = f"type({value}) is not {kind.passes.__name__}"
        elif bare.name == "Int":
            unlike = f"type({value}) is not int or not {-INT_MAX - 1} <= {value} <= {INT_MAX}"
        elif bare.name == "Float":
            # The difference is no number for an infinity, and for what is none itself.
            unlike = f"type({value}) is not float or {value} - {value} != 0.0"
        else:
            # A scalar of somebody's own: called outright for values of types that were shown to need no care.
            write, known = self._name("write", bare.coerce_output_value), self._name("seen", seen)
            self.lines += [
                f"if {value} is not None:",
                f"    {value} = {write}({value}) if type({value}) in {known} else {general}({value})",
                f"    if {value} is None: raise UncoveredError",
            ]
            unlike = f"{value} is None" if kind.is_required else "False"
        self.lines.append(f"if {unlike}: {value} = {general}({value})")
        return value

    def _nested(self, parent: str, plan: FieldPlan, attribute: str) -> str | None:
        object_type = plan.kind.object_type
        if object_type is None:
            return None
        lines, self.lines = self.lines, []
        value = self._read(parent, attribute)
        read, self.lines = self.lines, []
        shown = self.shown(value, object_type, self._below(object_type, plan.details), may_leave=False)
        inner, self.lines = self.lines, lines
        if shown is None:
            return None
        self.lines += read
        if plan.kind.is_required:
            # None has a type that is not known to be one of the object's.
            self.lines += inner
            return shown
        self.lines.append(f"if {value} is not None:")
        self.lines += [f"    {line}" for line in inner]
        self.lines.append(f"    {value} = {shown}")
        return value

    def _read(self, parent: str, attribute: str) -> str:
        value = f"v{next(self._numbers)}"
        self.lines.append(f"{value} = {parent}.{attribute}")
        return value

    def _name(self, what: str, value: object) -> str:
        name = f"{what}{next(self._numbers)}"
        self.names[name] = value
        return name


def _checked(value: Any, known: set[type]) -> None:
    """Learn that a type's instances are objects that can be shown as they are."""
    if value is None or isinstance(value, Exception) or is_awaitable(value):
        raise UncoveredError
    known.add(type(value))


def _careful(coerce: LeafCoercion, seen: set[type]) -> LeafCoercion:
    """A coercion that leaves to the general way what must be awaited or raised, and adds to `seen` what need not."""

    def careful(value: Any) -> Any:
        if isinstance(value, Exception) or is_awaitable(value):
            raise UncoveredError
        shown = coerce(value)
        seen.add(type(value))
        return shown

    return careful
