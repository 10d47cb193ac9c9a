"""GraphQL documents that partners registered: values and rules only. Must not parse them."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.errors import InvalidInput
from domain.log import ActorKind

#: Of one document, in characters.
LONGEST: Final = 20_000
#: Documents of one workspace.
MOST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Document:
    """A registered document. Everybody in the tenant may send its hash; what they may do, they must hold themselves.

    Attributes:
        sha256: of the text in UTF-8, 64 hexadecimal digits.
    """

    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    sha256: str
    name: str
    text: str
    registered_by_kind: ActorKind
    registered_by_id: str
    registered_at_utc: datetime


def sha256_of(text: str) -> str:
    """What clients send instead of a document."""
    return hashlib.sha256(text.encode()).hexdigest()


def check_text(text: str) -> str:
    """The text as it is: not one character of it may change. Raises InvalidInput."""
    if not 1 <= len(text) <= LONGEST:
        raise InvalidInput(f"a document has 1 to {LONGEST} characters", path=("text",))
    return text
