"""What fields declare that they cost. Owns the directive; the transport reads it by its name."""

import strawberry
from strawberry.schema_directive import Location


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="cost",
    description="What the field costs, in points, instead of 1 for objects, 0 for leaves and 10 for a mutation.",
)
class Cost:
    """The directive."""

    weight: int


#: Where a page lies is known with the page.
FREE = Cost(weight=0)
#: Computed from many rows, or with a password's hash.
HEAVY = Cost(weight=50)
#: Asks an ad platform while the client waits.
PLATFORM = Cost(weight=100)
