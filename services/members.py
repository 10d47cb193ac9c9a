"""Use-cases on members: who is asking."""

from domain.access import PrincipalKind, authority_in, may_decide_budgets
from domain.members import Place, Profile
from domain.workspaces import Workspace
from models import api_keys, members, tenants
from services.ports import Ports
from services.viewers import Viewer


async def profile(ports: Ports, viewer: Viewer) -> Profile:
    """Who is asking, and what they hold in each workspace they can enter."""
    scope = ports.database.read(viewer.tenant_id)
    principal = viewer.principal
    if principal.kind is PrincipalKind.USER:
        person, tenant_name = await members.person_in_tenant(scope, principal.subject_id)
        name, email = person.name, person.email
    else:
        name, tenant_name = await api_keys.name_in_tenant(scope, principal.subject_id)
        email = None
    entered = [each for each in await tenants.workspaces(scope) if viewer.enters(each.id)]
    return Profile(
        kind=principal.kind,
        subject_id=principal.subject_id,
        name=name,
        email=email,
        tenant_id=viewer.tenant_id,
        tenant_name=tenant_name,
        expires_at_utc=principal.expires_at_utc,
        places=tuple(_place(viewer, each) for each in entered),
    )


def _place(viewer: Viewer, workspace: Workspace) -> Place:
    authority = authority_in(viewer.principal, viewer.standing, workspace.id)
    return Place(
        workspace_id=workspace.id,
        name=workspace.name,
        roles=tuple(sorted(authority.roles)),
        permissions=tuple(sorted(authority.permissions)),
        may_decide_budgets=may_decide_budgets(authority),
    )
