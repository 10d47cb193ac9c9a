"""Fields on registered documents: authorise, parse, one service call, payload."""

from typing import Annotated, Final

import strawberry
from graphql import GraphQLError, parse, validate

from domain.errors import InvalidInput
from resolvers.context import Info, viewer
from resolvers.errors import refusing
from resolvers.fields import Fields, page_of, workspace
from schema.arguments import After, Before, First, Id, Last, WorkspaceId
from schema.base import Connection, parse_id, parse_slice
from schema.documents import TrustedDocument, TrustedDocumentRegisterPayload, TrustedDocumentWithdrawPayload
from services import documents

Name = Annotated[str, strawberry.argument(description="What it is for, 1 to 200 characters.")]
Text = Annotated[
    str, strawberry.argument(description="The document, 1 to 20,000 characters, exactly as its hash is to be taken.")
]
#: As many as the server reads of any document.
_MOST_TOKENS: Final = 1_000


@strawberry.type
class DocumentQuery:
    """Query fields."""

    @strawberry.field(description="The documents that a workspace registered, newest first.")
    async def trusted_documents(
        self,
        info: Info,
        workspace_id: WorkspaceId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[TrustedDocument]:
        """A page of documents."""
        asked = parse_slice(first, after, last, before)
        return await page_of(info, workspace_id, asked, documents.page, TrustedDocument.of)


@strawberry.type
class DocumentMutation:
    """Mutation fields."""

    @strawberry.mutation(
        description="Register a document, so that the tenant's clients may send its hash instead, also where a server "
        "runs known documents only. One that the workspace has already stays as it is."
    )
    @refusing(lambda why: TrustedDocumentRegisterPayload(document=None, user_errors=why))
    async def trusted_document_register(
        self, info: Info, workspace_id: WorkspaceId, name: Name, text: Text
    ) -> TrustedDocumentRegisterPayload:
        """Register one."""
        asking = viewer(info)
        _check(info, text)
        found = await documents.register(info.context.ports, asking, workspace(workspace_id), name, text)
        return TrustedDocumentRegisterPayload(document=TrustedDocument.of(found), user_errors=[])

    @strawberry.mutation(description="Withdraw a document: nobody can run it by its hash any more.")
    @refusing(lambda why: TrustedDocumentWithdrawPayload(document=None, user_errors=why))
    async def trusted_document_withdraw(self, info: Info, id: Id) -> TrustedDocumentWithdrawPayload:  # noqa: A002 - the schema's word
        """Withdraw one."""
        before = await documents.withdraw(info.context.ports, viewer(info), parse_id(id, "TrustedDocument"))
        return TrustedDocumentWithdrawPayload(document=TrustedDocument.of(before), user_errors=[])


def _check(info: Info, text: str) -> None:
    """Refuse what the schema would refuse whenever it is run. Raises InvalidInput."""
    try:
        found = validate(info.schema._schema, parse(text, max_tokens=_MOST_TOKENS), max_errors=1)  # noqa: SLF001 - strawberry shows it nowhere else
    except GraphQLError as error:
        found = [error]
    if found:
        raise InvalidInput(f"no document of this schema: {found[0].message}", path=("text",))


FIELDS = Fields(query=DocumentQuery, mutation=DocumentMutation)
