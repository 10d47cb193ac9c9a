"""How big a document is, before anything runs. Owns the counting; the numbers stand in `limits`.

Shape (depth, aliases, directives, root fields, selections) needs the document only and is checked before validation,
because validation itself is the first thing a hostile document makes expensive. Fragments are spread out, each counted
once and remembered, so that fragments which spread fragments cannot multiply the counting. What an operation costs to
run is counted after validation (see `cost`).
"""

from collections.abc import Collection
from typing import NamedTuple

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
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


def check_shape(document: DocumentNode, limits: TransportLimits) -> int:
    """How many directives a document has; refuses what is larger than the limits. Each operation is counted by itself.

    Raises:
        RequestRefusedError: which limit, what it allows.
    """
    counter = _ShapeCounter(document, max(limits.depth, limits.introspection_depth))
    total = 0
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
            total += directives
    return total


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
