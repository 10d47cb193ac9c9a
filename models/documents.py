"""Registered GraphQL documents and their queries."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from tortoise import Model, fields

from domain.documents import Document
from kit.pagination import Slice
from models.scope import Scope, WriteScope, as_value, only, sliced


class DocumentTable(Model):
    """A document of a partner. The tenant finds it by the hash of its text."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField()
    workspace_id = fields.UUIDField()
    sha256 = fields.CharField(max_length=64)
    name = fields.CharField(max_length=200)
    text = fields.TextField()
    registered_by_kind = fields.CharField(max_length=16)
    registered_by_id = fields.CharField(max_length=64)
    registered_at_utc = fields.DatetimeField()

    class Meta:
        table = "documents"
        unique_together = (("workspace_id", "sha256"),)
        indexes = (("tenant_id", "sha256"),)


def _value(row: Mapping[str, Any]) -> Document:
    return as_value(Document, row)


async def document_text(scope: Scope, sha256: str) -> str | None:
    """The text with that hash, if any of the tenant's workspaces registered it."""
    rows = await scope.of(DocumentTable).filter(sha256=sha256).limit(1).values("text")
    return str(rows[0]["text"]) if rows else None


async def document(scope: Scope, document_id: UUID) -> Document:
    """One document. Raises NotFound, also for another tenant's."""
    rows = await scope.of(DocumentTable).filter(id=document_id).values()
    return _value(only(rows, "no such document"))


async def document_of(scope: Scope, workspace_id: UUID, sha256: str) -> Document | None:
    """A workspace's document with that hash."""
    rows = await scope.of(DocumentTable).filter(workspace_id=workspace_id, sha256=sha256).values()
    return _value(rows[0]) if rows else None


async def documents_by_id(scope: Scope, ids: list[UUID]) -> dict[UUID, Document]:
    """Documents by id; other tenants' are absent."""
    found = [_value(row) for row in await scope.of(DocumentTable).filter(id__in=ids).values()]
    return {each.id: each for each in found}


async def document_page(scope: Scope, workspace_id: UUID, place: Slice[UUID]) -> list[Document]:
    """What a slice fetches of a workspace's documents, newest first."""
    query = scope.of(DocumentTable).filter(workspace_id=workspace_id)
    return [_value(row) for row in await sliced(query, place, newest_first=True)]


async def count_documents(scope: Scope, workspace_id: UUID) -> int:
    """How many a workspace has."""
    return int(await scope.of(DocumentTable).filter(workspace_id=workspace_id).count())


async def add_document(scope: WriteScope, new: Document) -> bool:
    """A new document; False when the workspace has that text already."""
    added = await scope.rows(
        "INSERT INTO documents (id, tenant_id, workspace_id, sha256, name, text, registered_by_kind, registered_by_id, "
        "registered_at_utc) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING id",
        new.id,
        scope.tenant_id,
        new.workspace_id,
        new.sha256,
        new.name,
        new.text,
        new.registered_by_kind.value,
        new.registered_by_id,
        new.registered_at_utc,
    )
    return bool(added)


async def remove_document(scope: WriteScope, document_id: UUID) -> bool:
    """Forget a document; False when it was gone."""
    touched = await scope.execute(
        "DELETE FROM documents WHERE id = $1 AND tenant_id = $2", document_id, scope.tenant_id
    )
    return bool(touched)
