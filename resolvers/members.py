"""Member fields: authorise, parse, one service call, payload."""

from functools import partial
from typing import Annotated

import strawberry

from domain.errors import VersionConflict
from resolvers.context import Info, viewer
from resolvers.errors import lost_race, refusing, user_errors
from resolvers.fields import Fields, one_or_null, page_of, workspace
from schema.arguments import After, Before, ExpectedVersion, First, Id, Last, WorkspaceId
from schema.base import Connection, UserError, parse_id, parse_slice
from schema.conflicts import VersionConflict as Conflict
from schema.members import Member, MemberAddPayload, MemberInput, MemberPayload, MemberVersionConflict, Viewer
from services import members

New = Annotated[MemberInput, strawberry.argument(description="Whom to add, with which roles.")]
Roles = Annotated[list[str], strawberry.argument(description="All that the member shall hold: at least one.")]
OptionalKey = Annotated[
    str | None,
    strawberry.argument(description="Of your choosing, 1 to 128 characters; sent again it replays the stored answer."),
]


@strawberry.type
class MemberQuery:
    """Query fields."""

    @strawberry.field(description="Who is asking; null for who did not sign in.")
    async def viewer(self, info: Info) -> Viewer | None:
        """The viewer."""
        asking = info.context.viewer
        return None if asking is None else Viewer.of(await members.profile(info.context.ports, asking))

    @strawberry.field(description="Those who hold something in a workspace, oldest first.")
    async def members(
        self,
        info: Info,
        workspace_id: WorkspaceId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Member]:
        """A page of members."""
        asked = parse_slice(first, after, last, before)
        return await page_of(info, workspace_id, asked, members.page, Member.of)

    @strawberry.field(description="One member; null when there is none for you.")
    async def member(self, info: Info, id: Id) -> Member | None:  # noqa: A002 - the schema's word
        """A member by global id."""
        return await one_or_null(info, id, "Member", members.one, Member.of)


def _inside(error: UserError) -> UserError:
    """The refusal with its path inside the `member` argument, where every field of a new member stands."""
    if error.field:
        error.field = error.field if error.field[0] == "workspaceId" else ["member", *error.field]
    return error


def _refused_to_add(why: list[UserError]) -> MemberAddPayload:
    return MemberAddPayload(member=None, account_created=False, user_errors=[_inside(each) for each in why])


async def _conflict(info: Info, error: VersionConflict) -> Conflict:
    current = Member.of(await members.one(info.context.ports, viewer(info), error.subject_id))
    return lost_race(MemberVersionConflict, error, current, current.changed_by)


_changing = refusing(lambda why: MemberPayload(member=None, user_errors=why), partial(user_errors, conflict=_conflict))


@strawberry.type
class MemberMutation:
    """Mutation fields."""

    @strawberry.mutation(description="Add a person to a workspace, or add a revoked one again.")
    @refusing(_refused_to_add)
    async def member_add(self, info: Info, workspace_id: Id, member: New) -> MemberAddPayload:
        """Add one."""
        new = members.NewMember(member.email, member.name, member.password, tuple(member.roles))
        added = await members.add(info.context.ports, viewer(info), workspace(workspace_id), new)
        return MemberAddPayload(member=Member.of(added.profile), account_created=added.account_created, user_errors=[])

    @strawberry.mutation(description="Give a member exactly these roles; it counts from their next operation on.")
    @_changing
    async def member_roles_set(
        self,
        info: Info,
        id: Id,  # noqa: A002 - the schema's word
        expected_version: ExpectedVersion,
        roles: Roles,
        idempotency_key: OptionalKey = None,
    ) -> MemberPayload:
        """Set the roles of one."""
        changed = await members.set_roles(
            info.context.ports, viewer(info), parse_id(id, "Member"), expected_version, tuple(roles), idempotency_key
        )
        return MemberPayload(member=Member.of(changed), user_errors=[])

    @strawberry.mutation(description="Take away what a member gives; it counts from the person's next operation on.")
    @_changing
    async def member_revoke(
        self,
        info: Info,
        id: Id,  # noqa: A002 - the schema's word
        expected_version: ExpectedVersion,
    ) -> MemberPayload:
        """Revoke one."""
        changed = await members.revoke(info.context.ports, viewer(info), parse_id(id, "Member"), expected_version)
        return MemberPayload(member=Member.of(changed), user_errors=[])


FIELDS = Fields(query=MemberQuery, mutation=MemberMutation, types=(MemberVersionConflict,))
