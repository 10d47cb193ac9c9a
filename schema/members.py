"""Members and the viewer as clients see them. No logic."""

from typing import Self

import strawberry

from domain.access import Permission, PrincipalKind
from domain.members import Place, Profile
from schema.base import DateTime, global_id

strawberry.enum(PrincipalKind, name="ViewerKind", description="A person, or a program with an API key.")
strawberry.enum(Permission, name="Permission", description="Read or write on one kind of resource.")


@strawberry.type(description="A customer of the platform: nothing crosses from one to another.")
class Tenant:
    """A tenant."""

    id: strawberry.ID
    name: str


@strawberry.type(description="What the viewer holds in one workspace.")
class ViewerWorkspace:
    """A workspace the viewer can enter."""

    id: strawberry.ID = strawberry.field(description="The workspace's global id.")
    name: str
    roles: list[str]
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

    id: strawberry.ID
    kind: PrincipalKind
    name: str = strawberry.field(description="The person's name, or what the API key was called.")
    email: str | None = strawberry.field(description="Null for an API key.")
    tenant: Tenant
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
