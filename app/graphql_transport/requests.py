"""The parameters of one GraphQL request, checked for shape. Owns no transport: HTTP and WebSocket both read here."""

from dataclasses import dataclass
from typing import Any

from app.graphql_transport.errors import BAD_REQUEST, refuse


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
        RequestRefusedError: not an object, no `query` string, or a parameter of the wrong type (malformed, 400).
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
    return GraphQLRequest(query, operation_name or None, parameters.get("variables"), parameters.get("extensions"))


def _malformed(message: str) -> Exception:
    return refuse(message, BAD_REQUEST, malformed=True)
