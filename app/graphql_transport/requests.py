"""The parameters of one GraphQL request, checked for shape. Owns no transport: HTTP and WebSocket both read here."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Final

from app.graphql_transport.errors import BAD_REQUEST, refuse

#: U+0000 as it is, or as a GraphQL string writes it.
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_DOCUMENT_ID: Final = "sha256:"
_NUL_IN_DOCUMENT: Final = re.compile(r"\0|\\u(?:0000|\{0+\})")


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What the client sent: a document, which operation of it, its variables and extensions.

    Instead of the document it may be the hash of one that is known here (see `known`); then `query` is empty.
    """

    query: str
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None
    sha256: str | None = None


def parse_parameters(parameters: Any) -> GraphQLRequest:
    """A request from decoded JSON.

    A hash comes as `documentId: "sha256:..."`, as the drafts of GraphQL over HTTP have it, or as most clients send it,
    in `extensions.persistedQuery.sha256Hash`; a text beside it must be the one it is of.

    Raises:
        RequestRefusedError: not an object, neither a `query` string nor a hash, both and not of each other, a
            parameter of the wrong type, or U+0000 in a text
            (malformed, 400). PostgreSQL keeps no such text, so it must not depend on the database who learns of it.
    """
    if isinstance(parameters, list):
        raise _malformed("Batching is off: send one operation per request.")
    if not isinstance(parameters, dict):
        raise _malformed("A GraphQL request is a JSON object.")
    operation_name = parameters.get("operationName")
    if operation_name is not None and not isinstance(operation_name, str):
        raise _malformed("The parameter 'operationName' must be a string or null.")
    for name in ("variables", "extensions"):
        if not isinstance(parameters.get(name), dict | None):
            raise _malformed(f"The parameter '{name}' must be an object or null.")
    query, sha256 = _document(parameters)
    if _NUL_IN_DOCUMENT.search(query) or _holds_nul(parameters.get("variables")):
        raise _malformed("A text cannot hold the character U+0000.")
    return GraphQLRequest(
        query, operation_name or None, parameters.get("variables"), parameters.get("extensions"), sha256
    )


def _document(parameters: dict[str, Any]) -> tuple[str, str | None]:
    """The text, or nothing and a hash."""
    query, sha256 = parameters.get("query"), _hash(parameters)
    if not isinstance(query, str | None):
        raise _malformed("The parameter 'query' must be a GraphQL document.")
    if not query:
        if sha256 is None:
            raise _malformed("The parameter 'query' must be a GraphQL document.")
        return "", sha256
    if sha256 is not None and hashlib.sha256(query.encode()).hexdigest() != sha256:
        raise _malformed("The hash is not that of the document.")
    return query, None


def _hash(parameters: dict[str, Any]) -> str | None:
    document_id = parameters.get("documentId")
    found: Any
    if document_id is not None:
        if not isinstance(document_id, str) or not document_id.startswith(_DOCUMENT_ID):
            raise _malformed(f"The parameter 'documentId' must be {_DOCUMENT_ID} and a hash.")
        found = document_id.removeprefix(_DOCUMENT_ID)
    else:
        persisted = (parameters.get("extensions") or {}).get("persistedQuery")
        if persisted is None:
            return None
        found = persisted.get("sha256Hash") if isinstance(persisted, dict) and persisted.get("version") == 1 else None
    if not isinstance(found, str) or _HASH.fullmatch(found) is None:
        raise _malformed("A document's hash is 64 hexadecimal digits, in lower case.")
    return found


def _holds_nul(value: Any) -> bool:
    """Whether any text in decoded JSON holds U+0000. Not recursive: a client chooses the depth."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text if "\0" in text:
                return True
            case dict() as members:
                waiting.extend(members.values())
                waiting.extend(members)
            case list() as items:
                waiting.extend(items)
    return False


def _malformed(message: str) -> Exception:
    return refuse(message, BAD_REQUEST, malformed=True)
