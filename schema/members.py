"""Members and the viewer as clients see them. No logic."""

from typing import Self

import strawberry

from domain.access import PrincipalKind
from domain.members import MemberProfile, Place, Profile
from schema.actors import Actor
from schema.base import DateTime, Node, UserError, global_id
from schema.conflicts import VersionConflict
from schema.enums import describe_enum
from schema.nodes import shows
from schema.permissions import Permission

describe_enum(
    PrincipalKind,
    "What kind of viewer is asking.",
    {PrincipalKind.USER: "A person.", PrincipalKind.API_KEY: "A program with an API key."},
    name="ViewerKind",
)


@strawberry.type(description="A customer of the platform: nothing crosses from one to another.")
class Tenant:
    """A tenant."""

    id: strawberry.ID = strawberry.field(description="Opaque global id; sessionCreate takes it.")
    name: str = strawberry.field(description="What it is called.")


@strawberry.type(description="What the viewer holds in one workspace.")
class ViewerWorkspace:
    """A workspace the viewer can enter."""

    id: strawberry.ID = strawberry.field(description="The workspace's global id.")
    name: str = strawberry.field(description="The workspace's name.")
    roles: list[str] = strawberry.field(description="Roles held here, those in the whole tenant among them.")
    permissions: list[Permission] = strawberry.field(description="What counts: of the roles, within the credential.")
    may_decide_budgets: bool = strawberry.field(description="Whether the viewer may approve, edit and reject here.")

    @classmethod
    def of(cls, value: Place) -> Self:
        """The clients' view of a value."""
        return cls(
            id=global_id("Workspace", value.workspace_id),
            name=value.name,
            roles=list(value.roles),
            permissions=list(value.permissions),
            may_decide_budgets=value.may_decide_budgets,
        )


@strawberry.type(description="Who is asking.")
class Viewer:
    """The viewer."""

    id: strawberry.ID = strawberry.field(description="Opaque global id of the person or API key.")
    kind: PrincipalKind = strawberry.field(description="A person, or a program.")
    name: str = strawberry.field(description="The person's name, or what the API key was called.")
    email: str | None = strawberry.field(description="Null for an API key.")
    tenant: Tenant = strawberry.field(description="Whose data the viewer works with; nobody else's is visible.")
    expires_at: DateTime | None = strawberry.field(description="When the credential ends; null for never.")
    workspaces: list[ViewerWorkspace] = strawberry.field(description="Those the viewer can enter, oldest first.")

    @classmethod
    def of(cls, value: Profile) -> Self:
        """The clients' view of a value."""
        return cls(
            id=global_id("User" if value.kind is PrincipalKind.USER else "ApiKey", value.subject_id),
            kind=value.kind,
            name=value.name,
            email=value.email,
            tenant=Tenant(id=global_id("Tenant", value.tenant_id), name=value.tenant_name),
            expires_at=None if value.expires_at_utc is None else DateTime(value.expires_at_utc),
            workspaces=[ViewerWorkspace.of(place) for place in value.places],
        )


@shows(MemberProfile)
@strawberry.type(description="A person's roles in a workspace or in the whole tenant.")
class Member(Node):
    """A member."""

    version: int = strawberry.field(description="Goes up with every change; send it back as expectedVersion.")
    user_id: strawberry.ID = strawberry.field(description="The person: the same in all workspaces of a tenant.")
    name: str = strawberry.field(description="The person's name.")
    email: str = strawberry.field(description="The person's e-mail address.")
    roles: list[str] = strawberry.field(description="Roles held, such as reviewer.")
    tenant_wide: bool = strawberry.field(description="Whether the roles hold in every workspace of the tenant.")
    changed_by: Actor | None = strawberry.field(description="Null where the tenant was set up with it.")
    changed_at: DateTime | None = strawberry.field(description="When it last changed; null likewise.")
    revoked_at: DateTime | None = strawberry.field(description="Since when it gives nothing any more.")

    @classmethod
    def of(cls, value: MemberProfile) -> Self:
        """The clients' view of a value."""
        member, person = value.member, value.person
        by = member.changed_by
        return cls(
            id=global_id("Member", member.id),
            version=member.version,
            user_id=global_id("User", person.id),
            name=person.name,
            email=person.email,
            roles=list(member.roles),
            tenant_wide=member.workspace_id is None,
            changed_by=None if by is None else Actor(kind=by.kind, reference=by.id),
            changed_at=None if member.changed_at_utc is None else DateTime(member.changed_at_utc),
            revoked_at=None if member.revoked_at_utc is None else DateTime(member.revoked_at_utc),
        )


@strawberry.input(description="Whom to add to a workspace.")
class MemberInput:
    """A new member."""

    email: str = strawberry.field(description="Of the person; it is how they sign in.")
    name: str = strawberry.field(description="Of a new account; one that the tenant has already keeps its own.")
    password: str = strawberry.field(description="The first one of a new account, 12 to 128 characters; likewise.")
    roles: list[str] = strawberry.field(description="At least one of the tenant's roles, such as campaign_manager.")


@strawberry.type(description="Somebody else changed the member first.")
class MemberVersionConflict(VersionConflict):
    """The loser's answer."""

    current: Member = strawberry.field(description="The member as it is now.")


@strawberry.type(description="What a mutation left; on a refusal userErrors says why and nothing changed.")
class MemberPayload:
    """The payload of every mutation on one member."""

    member: Member | None = strawberry.field(description="The member afterwards; null on a refusal.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was done.")


@strawberry.type(description="What memberAdd left; on a refusal userErrors says why and nothing changed.")
class MemberAddPayload:
    """The payload of memberAdd."""

    member: Member | None = strawberry.field(description="The new member; null on a refusal.")
    account_created: bool = strawberry.field(
        description="False when the tenant had an account with that e-mail address: it keeps its name and password."
    )
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was done.")
