"""Documents that are known by the hash of their text, and servers that run no others. Must not keep any.

Sending a hash together with its text registers nothing: that is an act of its own, with rights of its own.
"""

from dataclasses import replace
from typing import Final

from app.graphql_transport.errors import refuse
from app.graphql_transport.ports import Backend, Session
from app.graphql_transport.requests import GraphQLRequest

#: As clients with persisted queries know them: at the first they send the text too.
NOT_FOUND: Final = "PERSISTED_QUERY_NOT_FOUND"
ONLY_KNOWN: Final = "PERSISTED_QUERY_ONLY"


async def known_document(backend: Backend, session: Session, request: GraphQLRequest) -> GraphQLRequest:
    """The request with its text.

    Raises:
        RequestRefusedError: the hash is of no document that the session may run, or the text is of none and only such
            are run here.
    """
    if request.sha256 is not None:
        text = await backend.document(session, request.sha256)
        if text is None:
            raise refuse("No document with this hash is registered here.", NOT_FOUND)
        return replace(request, query=text, sha256=None)
    if not await backend.may_run(session, request.query):
        raise refuse("This server runs registered documents only.", ONLY_KNOWN)
    return request
