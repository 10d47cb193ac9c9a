"""What fields of a strawberry schema declare with directives. Knows how strawberry keeps them, not what they mean."""

from typing import Final

from graphql import GraphQLField

#: Where strawberry keeps the field that it made a GraphQLField from.
_DEFINITION: Final = "strawberry-definition"


def declared(definition: GraphQLField, name: str) -> object | None:
    """A field's directive of that name; None if it has none."""
    field = definition.extensions.get(_DEFINITION)
    for directive in getattr(field, "directives", ()):
        known = getattr(type(directive), "__strawberry_directive__", None)
        if known is not None and (known.graphql_name or known.python_name.lower()) == name:
            return directive  # type: ignore[no-any-return]  # strawberry keeps them untyped
    return None
