"""Registered documents as clients see them. No logic."""

from typing import Self

import strawberry

from domain.documents import Document as Value
from schema.actors import Actor
from schema.base import DateTime, Node, UserError, global_id
from schema.nodes import shows


@shows(Value)
@strawberry.type(
    description="A GraphQL document that the tenant's clients may run by its hash, with whatever rights they hold."
)
class TrustedDocument(Node):
    """A document."""

    name: str = strawberry.field(description="What it was called when it was registered.")
    sha256: str = strawberry.field(description="Of the text, 64 hexadecimal digits; sent as documentId after sha256: .")
    text: str = strawberry.field(description="The document.")
    registered_by: Actor = strawberry.field(description="Who registered it.")
    registered_at: DateTime = strawberry.field(description="When.")

    @classmethod
    def of(cls, value: Value) -> Self:
        """The clients' view of a value."""
        return cls(
            id=global_id("TrustedDocument", value.id),
            name=value.name,
            sha256=value.sha256,
            text=value.text,
            registered_by=Actor(kind=value.registered_by_kind, reference=value.registered_by_id),
            registered_at=DateTime(value.registered_at_utc),
        )


@strawberry.type(description="What trustedDocumentRegister left; on a refusal userErrors says why and nothing changed.")
class TrustedDocumentRegisterPayload:
    """The payload of trustedDocumentRegister."""

    document: TrustedDocument | None = strawberry.field(description="The document; null on a refusal.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was done.")


@strawberry.type(description="What trustedDocumentWithdraw left; on a refusal userErrors says why and nothing changed.")
class TrustedDocumentWithdrawPayload:
    """The payload of trustedDocumentWithdraw."""

    document: TrustedDocument | None = strawberry.field(description="The document as it was; null on a refusal.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was done.")
