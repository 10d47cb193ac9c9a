"""How big a document is, before anything runs. Owns the counting; the numbers stand in `limits`.

Shape (depth, aliases, directives, root fields, selections) needs the document only and is checked before validation,
because validation itself is the first thing a hostile document makes expensive. Fragments are spread out, each counted
once and remembered, so that fragments which spread fragments cannot multiply the counting.

Nodes need the schema and the variables: what `first` and `last` ask for, multiplied down nested connections.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

from app.graphql_transport.errors import TOO_LARGE, RequestRefusedError, refuse
from app.graphql_transport.limits import TransportLimits

_INTROSPECTION = ("__schema", "__type")


class Shape(NamedTuple):
    """Counts of a selection set with its fragments spread out."""

    depth: int = 0
    introspection_depth: int = 0
    aliases: int = 0
    directives: int = 0
    fields: int = 0
    root_fields: int = 0


def check_shape(document: DocumentNode, limits: TransportLimits) -> None:
    """Refuse a parsed document that is larger than the limits. Each operation is counted by itself.

    Raises:
        RequestRefusedError: which limit, what it allows.
    """
    counter = _ShapeCounter(document, max(limits.depth, limits.introspection_depth))
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            shape = counter.of(definition.selection_set, 1)
            _within("depth", shape.depth, limits.depth)
            _within("depth of introspection", shape.introspection_depth, limits.introspection_depth)
            _within("number of aliases", shape.aliases, limits.aliases)
            directives = shape.directives + _directives_around(definition)
            _within("number of directives", directives, limits.directives)
            _within("number of root fields", shape.root_fields, limits.root_fields)
            _within("number of fields", shape.fields, limits.selections)


def _directives_around(operation: OperationDefinitionNode) -> int:
    variables = operation.variable_definitions or ()
    return len(operation.directives or ()) + sum(len(variable.directives or ()) for variable in variables)


def _within(what: str, count: int, allowed: int) -> None:
    if count > allowed:
        raise too_large(what, allowed)


def too_large(what: str, allowed: int) -> RequestRefusedError:
    """The refusal of a document beyond a limit."""
    return refuse(f"The operation's {what} is over the limit of {allowed}.", TOO_LARGE)


class _ShapeCounter:
    """Counts selection sets of one document; remembers fragments."""

    def __init__(self, document: DocumentNode, deepest: int) -> None:
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._deepest = deepest
        self._known: dict[str, Shape] = {}

    def of(self, selections: SelectionSetNode | None, level: int) -> Shape:
        """The shape of a selection set that stands `level` deep where it is written."""
        if selections is None:
            return Shape()
        if level > self._deepest:
            # Deeper than anything allowed: stop here, before Python's own stack is the limit.
            raise too_large("depth", self._deepest)
        depth = introspection_depth = aliases = directives = fields = root_fields = 0
        for selection in selections.selections:
            found = self._of_selection(selection, level)
            depth = max(depth, found.depth)
            introspection_depth = max(introspection_depth, found.introspection_depth)
            aliases += found.aliases
            directives += found.directives + len(_directives_of(selection))
            fields += found.fields
            root_fields += found.root_fields
        return Shape(depth, introspection_depth, aliases, directives, fields, root_fields)

    def _of_selection(self, selection: object, level: int) -> Shape:
        if isinstance(selection, FieldNode):
            return self._of_field(selection, level)
        if isinstance(selection, InlineFragmentNode):
            return self.of(selection.selection_set, level + 1)
        if isinstance(selection, FragmentSpreadNode):
            return self._of_fragment(selection.name.value)
        return Shape()

    def _of_field(self, node: FieldNode, level: int) -> Shape:
        below = self.of(node.selection_set, level + 1)
        depth, introspection_depth = below.depth + 1, below.introspection_depth
        if node.name.value in _INTROSPECTION:
            depth, introspection_depth = 1, max(depth, introspection_depth)
        aliases = below.aliases + (node.alias is not None)
        return Shape(depth, introspection_depth, aliases, below.directives, below.fields + 1, 1)

    def _of_fragment(self, name: str) -> Shape:
        known = self._known.get(name)
        if known is not None:
            return known
        self._known[name] = Shape()  # a fragment that spreads itself counts nothing here; validation refuses it
        fragment = self._fragments.get(name)
        if fragment is not None:
            self._known[name] = self.of(fragment.selection_set, 1)
        return self._known[name]


def _directives_of(selection: object) -> Collection[DirectiveNode]:
    return getattr(selection, "directives", None) or ()


@dataclass(frozen=True, slots=True)
class PagedField:
    """A field with `first`, `last` or `ids`, and the paged fields below it. A `str` size names a variable."""

    sizes: tuple[int | str, ...]
    below: "tuple[PagedField, ...]" = field(default=())

    def nodes(self, variables: Mapping[str, Any], page_max: int, parents: int = 1) -> int:
        """How many objects this asks for, if it stands below `parents` objects."""
        sizes = [_size(size, variables) for size in self.sizes]
        known = [size for size in sizes if size is not None]
        here = parents * max(max(known, default=page_max), 0)
        return here + sum(paged.nodes(variables, page_max, here) for paged in self.below)


def _size(size: int | str, variables: Mapping[str, Any]) -> int | None:
    if isinstance(size, int):
        return size
    value = variables.get(size)
    if isinstance(value, list):
        return len(value)
    return value if isinstance(value, int) else None


def paged_fields(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> tuple[PagedField, ...]:
    """The paged fields of a validated operation, as a tree; empty when it pages nothing."""
    root = schema.get_root_type(operation.operation)
    return _PagedFinder(schema, document).below(operation.selection_set, root)


class _PagedFinder:
    """Finds paged fields; remembers fragments, whose type condition makes their answer always the same."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._known: dict[str, tuple[PagedField, ...]] = {}

    def below(self, selections: SelectionSetNode | None, parent: GraphQLNamedType | None) -> tuple[PagedField, ...]:
        found: list[PagedField] = []
        for selection in selections.selections if selections is not None else ():
            if isinstance(selection, FieldNode):
                found.extend(self._of_field(selection, parent))
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                inner = self._schema.get_type(condition.name.value) if condition else parent
                found.extend(self.below(selection.selection_set, inner))
            elif isinstance(selection, FragmentSpreadNode):
                found.extend(self._of_fragment(selection.name.value))
        return tuple(found)

    def _of_field(self, node: FieldNode, parent: GraphQLNamedType | None) -> tuple[PagedField, ...]:
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return ()
        definition = self._schema.get_field(parent, node.name.value)
        if definition is None:
            return ()
        below = self.below(node.selection_set, get_named_type(definition.type))
        paging = {"first", "last", "ids"} & definition.args.keys()
        if not paging:
            return below
        return (PagedField(_sizes(node, definition), below),)

    def _of_fragment(self, name: str) -> tuple[PagedField, ...]:
        if name not in self._known:
            fragment = self._fragments[name]
            condition = self._schema.get_type(fragment.type_condition.name.value)
            self._known[name] = self.below(fragment.selection_set, condition)
        return self._known[name]


def _sizes(node: FieldNode, definition: GraphQLField) -> tuple[int | str, ...]:
    given = {argument.name.value: argument for argument in node.arguments or ()}
    sizes: list[int | str] = []
    for name in ("first", "last", "ids"):
        if name in given:
            sizes.extend(_argument_size(given[name]))
        elif name in definition.args and isinstance(definition.args[name].default_value, int):
            sizes.append(definition.args[name].default_value)
    return tuple(sizes)


def _argument_size(argument: ArgumentNode) -> tuple[int | str, ...]:
    value = argument.value
    if isinstance(value, IntValueNode):
        return (int(value.value),)
    if isinstance(value, ListValueNode):
        return (len(value.values),)
    if isinstance(value, VariableNode):
        return (value.name.value,)
    return ()
