"""Which fields show the same to all who may see their object. Owns the directive; the transport reads it by name."""

import strawberry
from strawberry.schema_directive import Location


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="sameForAll",
    description="The field shows the same to everybody in the tenant who may see its object, whoever asks. Fields that "
    "only read their object need not say so. One execution of an event serves all subscribers of a document of which "
    "every field is so.",
)
class SameForAll:
    """The directive."""


SAME_FOR_ALL = SameForAll()
