"""What running an operation may cost, in points, before anything runs. Owns the rule; the bounds stand in `limits`.

A field that gives objects costs 1 point, a leaf none, a root field of a mutation or subscription 10; a field may
declare another weight with the schema's directive @cost. Below a field that is paged (`first`, `last` or `ids`)
everything counts once for each object asked for. So the points of a query are about the objects it may return; an
operation costs 1 at least.

Nodes are counted along: what `first`, `last` and `ids` ask for, multiplied down nested lists.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from graphql import (
    ArgumentNode,
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
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)

from app.graphql_transport.declared import declared

#: The name of the schema directive, and of its argument.
DIRECTIVE: Final = "cost"
_ROOT_WEIGHTS: Final = {OperationType.QUERY: 1, OperationType.MUTATION: 10, OperationType.SUBSCRIPTION: 10}
_PAGING: Final = ("first", "last", "ids")


class FieldCost(NamedTuple):
    """A field that costs something, or has something below that does.

    `sizes` are of its page, a `str` naming a variable; None where it is not paged. `repeated`: its own weight counts
    for each object, because it gives a bare list and not a connection.
    """

    weight: int
    sizes: tuple[int | str, ...] | None
    repeated: bool
    below: "CostTree"


CostTree = tuple[FieldCost, ...]


def measure(tree: CostTree, variables: Mapping[str, Any], page_max: int, parents: int = 1) -> tuple[int, int]:
    """Points and nodes of fields that stand below `parents` objects."""
    cost = nodes = 0
    for field in tree:
        here = parents
        if field.sizes is not None:
            here *= _page_size(field.sizes, variables, page_max)
            nodes += here
        cost += field.weight * (here if field.repeated else parents)
        cost_below, nodes_below = measure(field.below, variables, page_max, here)
        cost += cost_below
        nodes += nodes_below
    return cost, nodes


def _page_size(sizes: tuple[int | str, ...], variables: Mapping[str, Any], page_max: int) -> int:
    known = [size for size in (_size(size, variables) for size in sizes) if size is not None]
    return max(max(known, default=page_max), 0)


def _size(size: int | str, variables: Mapping[str, Any]) -> int | None:
    if isinstance(size, int):
        return size
    value = variables.get(size)
    if isinstance(value, list):
        return len(value)
    return value if isinstance(value, int) else None


def cost_trees(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> CostTree:
    """The fields of a validated operation that cost something, as a tree."""
    root = schema.get_root_type(operation.operation)
    return _Costs(schema, document, _ROOT_WEIGHTS[operation.operation]).below(operation.selection_set, root)


class _Costs:
    """Finds what costs; remembers fragments, whose type condition makes their answer always the same."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, root_weight: int) -> None:
        self._schema = schema
        self._root_weight = root_weight
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._known: dict[str, CostTree] = {}

    def below(self, selections: SelectionSetNode | None, parent: GraphQLNamedType | None) -> CostTree:
        found: list[FieldCost] = []
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

    def _of_field(self, node: FieldNode, parent: GraphQLNamedType | None) -> CostTree:
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return ()
        definition = self._schema.get_field(parent, node.name.value)
        if definition is None:
            return ()
        below = self.below(node.selection_set, get_named_type(definition.type))
        weight = self._weight(definition, parent)
        sizes = _sizes(node, definition) if definition.args.keys() & set(_PAGING) else None
        if not (weight or below or sizes):
            return ()
        return (FieldCost(weight, sizes, is_list_type(get_nullable_type(definition.type)), below),)

    def _of_fragment(self, name: str) -> CostTree:
        if name not in self._known:
            fragment = self._fragments[name]
            condition = self._schema.get_type(fragment.type_condition.name.value)
            self._known[name] = self.below(fragment.selection_set, condition)
        return self._known[name]

    def _weight(self, definition: GraphQLField, parent: GraphQLNamedType) -> int:
        weight = declared_weight(definition)
        if weight is not None:
            return weight
        if parent in {self._schema.mutation_type, self._schema.subscription_type}:
            return self._root_weight
        return 0 if is_leaf_type(get_named_type(definition.type)) else 1


def declared_weight(definition: GraphQLField) -> int | None:
    """What a field of a strawberry schema declares with the directive; None for nothing."""
    directive: Any = declared(definition, DIRECTIVE)
    return None if directive is None else int(directive.weight)


def _sizes(node: FieldNode, definition: GraphQLField) -> tuple[int | str, ...]:
    given = {argument.name.value: argument for argument in node.arguments or ()}
    sizes: list[int | str] = []
    for name in _PAGING:
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
