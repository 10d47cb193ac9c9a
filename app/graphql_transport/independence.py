"""Whether an operation's answer depends on who asks. Owns the rule: every field it selects must be known not to.

A field that only reads an attribute of its object shows what the object is; any other must declare with the schema's
directive @sameForAll that it asks nothing of its viewer. What declares nothing depends on the viewer.
"""

from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeNameMetaFieldDef,
    get_named_type,
)

from app.graphql_transport.declared import declared
from app.graphql_transport.field_kinds import plain_attribute

#: The name of the schema directive.
DIRECTIVE: Final = "sameForAll"


def same_for_all(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> bool:
    """Whether no field of a validated operation depends on the viewer."""
    root = schema.get_root_type(operation.operation)
    return root is not None and _Independence(schema, document).of(operation.selection_set, root)


class _Independence:
    """Walks selections; remembers fragments, whose type condition makes their answer always the same."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._known: dict[str, bool] = {}

    def of(self, selections: SelectionSetNode | None, parent: GraphQLNamedType) -> bool:
        """Whether selections below objects of a type are independent."""
        return selections is None or all(self._of_selection(each, parent) for each in selections.selections)

    def _of_selection(self, selection: object, parent: GraphQLNamedType) -> bool:
        match selection:
            case FieldNode():
                return self._of_field(selection, parent)
            case InlineFragmentNode(type_condition=condition):
                inner = parent if condition is None else self._type(condition.name.value)
                return self.of(selection.selection_set, inner)
            case FragmentSpreadNode():
                return self._of_fragment(selection.name.value)
        return False

    def _of_field(self, node: FieldNode, parent: GraphQLNamedType) -> bool:
        return all(self._of_object_field(node, each) for each in self._objects(parent))

    def _of_object_field(self, node: FieldNode, parent: GraphQLObjectType) -> bool:
        definition = self._schema.get_field(parent, node.name.value)
        if definition is TypeNameMetaFieldDef:
            return True
        if definition is None or (plain_attribute(definition) is None and declared(definition, DIRECTIVE) is None):
            return False
        return self.of(node.selection_set, get_named_type(definition.type))

    def _of_fragment(self, name: str) -> bool:
        if name not in self._known:
            fragment = self._fragments[name]
            self._known[name] = self.of(fragment.selection_set, self._type(fragment.type_condition.name.value))
        return self._known[name]

    def _objects(self, parent: GraphQLNamedType) -> list[GraphQLObjectType]:
        """The types that an object of a selection can have."""
        if isinstance(parent, GraphQLInterfaceType | GraphQLUnionType):
            return list(self._schema.get_possible_types(parent))
        return [parent] if isinstance(parent, GraphQLObjectType) else []

    def _type(self, name: str) -> GraphQLNamedType:
        found = self._schema.get_type(name)
        if found is None:  # validation refuses unknown types, so this is a bug of ours
            raise LookupError(f"no type {name}")
        return found
