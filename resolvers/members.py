"""Member fields: authorise, parse, one service call, payload."""

import strawberry

from resolvers.context import Info
from schema.members import Viewer
from services import members


@strawberry.type
class MemberQuery:
    """Query fields."""

    @strawberry.field(description="Who is asking; null for who did not sign in.")
    async def viewer(self, info: Info) -> Viewer | None:
        """The viewer."""
        asking = info.context.viewer
        return None if asking is None else Viewer.of(await members.profile(info.context.ports, asking))
