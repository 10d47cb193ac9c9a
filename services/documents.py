"""Use-cases on registered GraphQL documents: register, list, withdraw. Must not parse them: who asks has done so."""

from typing import Final
from uuid import UUID

from domain.access import Permission
from domain.documents import MOST, Document, check_text, sha256_of
from domain.errors import InvalidInput
from domain.members import check_name
from kit.ids import new_id
from kit.pagination import Slice
from models import documents
from services.ports import Ports
from services.unit_of_work import begin
from services.viewers import Viewer, authority_in_own

SUBJECT: Final = "document"


async def page(ports: Ports, viewer: Viewer, workspace_id: UUID, place: Slice[UUID]) -> list[Document]:
    """What a slice fetches of a workspace's documents, newest first. Raises NotFound, Forbidden."""
    await authority_in_own(ports, viewer, workspace_id, Permission.SYSTEM_READ)
    return await documents.document_page(ports.database.read(viewer.tenant_id), workspace_id, place)


async def register(ports: Ports, viewer: Viewer, workspace_id: UUID, name: str, text: str) -> Document:
    """Let the tenant's clients send a document's hash. One that the workspace has already stays as it is.

    Raises:
        NotFound, Forbidden
        InvalidInput: the name, the text's length, or the workspace has a thousand.
    """
    await authority_in_own(ports, viewer, workspace_id, Permission.SYSTEM_WRITE)
    new = Document(
        id=new_id(),
        tenant_id=viewer.tenant_id,
        workspace_id=workspace_id,
        sha256=sha256_of(check_text(text)),
        name=check_name(name),
        text=text,
        registered_by_kind=viewer.actor.kind,
        registered_by_id=viewer.actor.id,
        registered_at_utc=ports.clock.now_utc(),
    )
    async with begin(ports, viewer.tenant_id, viewer.actor) as work:
        if await documents.add_document(work.scope, new):
            if await documents.count_documents(work.scope, workspace_id) > MOST:
                raise InvalidInput(f"a workspace has at most {MOST} documents; withdraw some first")
            work.record("document.registered", SUBJECT, None, new)
            return new
        known = await documents.document_of(work.scope, workspace_id, new.sha256)
    if known is None:
        # Withdrawn between the two statements, by somebody else.
        return await register(ports, viewer, workspace_id, name, text)
    return known


async def withdraw(ports: Ports, viewer: Viewer, document_id: UUID) -> Document:
    """Forget a document: its hash is unknown from now on. Returns it as it was.

    Raises:
        NotFound, Forbidden
    """
    before = await documents.document(ports.database.read(viewer.tenant_id), document_id)
    viewer.require_at(before, Permission.SYSTEM_WRITE, "no such document")
    async with begin(ports, viewer.tenant_id, viewer.actor) as work:
        if await documents.remove_document(work.scope, document_id):
            work.record("document.withdrawn", SUBJECT, before, None)
    return before


async def text_of(ports: Ports, tenant_id: UUID, sha256: str) -> str | None:
    """The tenant's document with that hash."""
    return await documents.document_text(ports.database.read(tenant_id), sha256)
