"""The parameters of one GraphQL request, checked for shape. Owns no transport: HTTP and WebSocket both read here."""

import re
from dataclasses import dataclass
from typing import Any, Final

from app.graphql_transport.errors import BAD_REQUEST, refuse

#: U+0000 as it is, or as a GraphQL string writes it.
_NUL_IN_DOCUMENT: Final = re.compile(r"\0|\\u(?:0000|\{0+\})")


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What the client sent: a document, which operation of it, its variables and extensions."""

    query: str
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None


def parse_parameters(parameters: Any) -> GraphQLRequest:
    """A request from decoded JSON.

    Raises:
        RequestRefusedError: not an object, no `query` string, a parameter of the wrong type, or U+0000 in a text
            (malformed, 400). PostgreSQL keeps no such text, so it must not depend on the database who learns of it.
    """
    if isinstance(parameters, list):
        raise _malformed("Batching is off: send one operation per request.")
    if not isinstance(parameters, dict):
        raise _malformed("A GraphQL request is a JSON object.")
    query = parameters.get("query")
    if not isinstance(query, str) or not query:
        raise _malformed("The parameter 'query' must be a GraphQL document.")
    operation_name = parameters.get("operationName")
    if operation_name is not None and not isinstance(operation_name, str):
        raise _malformed("The parameter 'operationName' must be a string or null.")
    for name in ("variables", "extensions"):
        if not isinstance(parameters.get(name), dict | None):
            raise _malformed(f"The parameter '{name}' must be an object or null.")
    if _NUL_IN_DOCUMENT.search(query) or _holds_nul(parameters.get("variables")):
        raise _malformed("A text cannot hold the character U+0000.")
    return GraphQLRequest(query, operation_name or None, parameters.get("variables"), parameters.get("extensions"))


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
