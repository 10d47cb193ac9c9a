"""How errors look on the wire. Owns masking; must not decide what is an error.

raised                                  message          extensions
graphql-core's own, or a GraphQLError   as it is         as it is (code GRAPHQL_... for refused requests)
domain.errors.DomainError               as it is         code, and field for InvalidInput with a path
anything else                           Internal error   code INTERNAL, correlationId; logged with its traceback
"""

import logging
from collections.abc import Iterable
from typing import Any

from graphql import GraphQLError

from domain.errors import DomainError, InvalidInput

logger = logging.getLogger("campaign_express.graphql")

SYNTAX = "GRAPHQL_PARSE_FAILED"
VALIDATION = "GRAPHQL_VALIDATION_FAILED"
VARIABLES = "BAD_USER_INPUT"
TOO_LARGE = "QUERY_LIMIT_EXCEEDED"
BAD_REQUEST = "BAD_REQUEST"

ErrorData = dict[str, Any]


class RequestRefusedError(Exception):
    """The operation never started; `errors` are ready for the wire and say why.

    `malformed` is True where even the legacy media type answers with a 4xx: the request is no GraphQL request at all.
    """

    def __init__(self, errors: list[ErrorData], *, status: int = 400, malformed: bool = False) -> None:
        super().__init__(errors[0]["message"])
        self.errors = errors
        self.status = status
        self.malformed = malformed


def refuse(message: str, code: str, *, status: int = 400, malformed: bool = False) -> RequestRefusedError:
    """A refusal with one error that has no place in the document."""
    return RequestRefusedError([plain_error(message, code)], status=status, malformed=malformed)


def plain_error(message: str, code: str) -> ErrorData:
    """An error without locations or path."""
    return {"message": message, "extensions": {"code": code}}


def request_errors(errors: Iterable[GraphQLError], code: str) -> list[ErrorData]:
    """Errors found before execution (syntax, validation, variables), each with a code. They may always be shown."""
    found = []
    for error in errors:
        data: ErrorData = {"message": error.message}
        if error.locations:
            data["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
        data["extensions"] = {"code": code} | (error.extensions or {})
        found.append(data)
    return found


def execution_errors(errors: Iterable[GraphQLError], correlation_id: str) -> list[ErrorData]:
    """Errors raised by fields, masked as the table in this module's docstring says."""
    return [_execution_error(error, correlation_id) for error in errors]


def exception_error(exception: BaseException, correlation_id: str) -> ErrorData:
    """An error for an exception raised outside any field: building a context, a subscription's source."""
    if isinstance(exception, GraphQLError):
        return _execution_error(exception, correlation_id)
    if isinstance(exception, DomainError):
        return {"message": exception.message, "extensions": _domain_extensions(exception)}
    return _masked(exception, correlation_id)


def _execution_error(error: GraphQLError, correlation_id: str) -> ErrorData:
    cause = _root_cause(error)
    if cause is None:
        data: ErrorData = {"message": error.message}
        if error.extensions:
            data["extensions"] = error.extensions
    else:
        data = exception_error(cause, correlation_id)
    if error.locations:
        data["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        data["path"] = list(error.path)
    return data


def _root_cause(error: GraphQLError) -> BaseException | None:
    """The exception that is not GraphQL's, if one lies below: graphql-core wraps what resolvers raise."""
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def _domain_extensions(error: DomainError) -> ErrorData:
    extensions: ErrorData = {"code": error.code}
    if isinstance(error, InvalidInput) and error.path:
        extensions["field"] = list(error.path)
    return extensions


def _masked(exception: BaseException, correlation_id: str) -> ErrorData:
    logger.error("unexpected error, correlation id %s", correlation_id, exc_info=exception)
    return {"message": "Internal error", "extensions": {"code": "INTERNAL", "correlationId": correlation_id}}
