"""What every domain's types share: global ids, money, scalars, connections, typed errors. Must hold no rules."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, NewType, Protocol, Self, TypeVar
from uuid import UUID

import strawberry
from graphql import GraphQLError

from domain import errors
from domain.emergency_stops import MAX_WINDOW_HOURS
from kit import money as amounts
from kit.pagination import Slice
from kit.time import iso_utc
from schema.costs import FREE
from schema.enums import describe_enum

T = TypeVar("T")
V = TypeVar("V")


@strawberry.interface(description="An object with a global id, which `node` and `nodes` fetch again.")
class Node:
    """Global object identification."""

    id: strawberry.ID = strawberry.field(description="Opaque global id.")


def global_id(type_name: str, id_: UUID) -> strawberry.ID:
    """The opaque id clients see."""
    # Such text has no bits that would need the URL-safe alphabet's own two letters.
    return strawberry.ID(binascii.b2a_base64(f"{type_name}:{id_}".encode(), newline=False).decode())


def split_global_id(text: str, path: tuple[str, ...] = ("id",)) -> tuple[str, UUID]:
    """Type name and id behind a global id. Raises InvalidInput for what we never gave out."""
    try:
        type_name, _, id_ = base64.urlsafe_b64decode(text.encode()).decode().partition(":")
        return type_name, UUID(id_)
    except (ValueError, binascii.Error) as error:
        raise errors.InvalidInput("this is not an id this API gave out", path=path) from error


def parse_id(text: str, type_name: str, path: tuple[str, ...] = ("id",)) -> UUID:
    """The id behind a global id of one type. Raises InvalidInput, or NotFound for an id of another type."""
    found, id_ = split_global_id(text, path)
    if found != type_name:
        raise errors.NotFound(f"this id is not one of a {type_name}")
    return id_


CurrencyCode = NewType("CurrencyCode", str)
PageSize = NewType("PageSize", int)
StopWindow = NewType("StopWindow", int)
SummaryDays = NewType("SummaryDays", int)
Cursor = NewType("Cursor", str)
DateTime = NewType("DateTime", datetime)

MAX_PAGE = 100
MAX_SUMMARY_DAYS = 90


def _between(least: int, most: int, what: str) -> Callable[[object], int]:
    """Reads a whole number of a range, so that the range is the schema's rule and not a field's."""

    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise GraphQLError(f"{what} {least} to {most}")
        return value

    return parse


def _utc(value: object) -> DateTime:
    if not isinstance(value, str):
        raise GraphQLError("a moment is ISO 8601 text with an offset, such as 2026-01-31T12:00:00Z")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise GraphQLError(f"{value!r} is not an ISO 8601 moment") from error
    if moment.tzinfo is None:
        raise GraphQLError("a moment needs an offset, such as Z")
    return DateTime(moment.astimezone(UTC))


#: Scalars by their Python names, for the schema's configuration.
SCALARS: dict[object, object] = {
    CurrencyCode: strawberry.scalar(name="CurrencyCode", description="ISO 4217 code, such as USD."),
    PageSize: strawberry.scalar(
        name="PageSize",
        description="How many items, 1 to 100.",
        serialize=int,
        parse_value=_between(1, MAX_PAGE, "the items of a page are"),
    ),
    StopWindow: strawberry.scalar(
        name="WindowHours",
        description="How many hours back, 0 to 168.",
        serialize=int,
        parse_value=_between(0, MAX_WINDOW_HOURS, "the hours of a window are"),
    ),
    SummaryDays: strawberry.scalar(
        name="SummaryDays",
        description="How many days back, 1 to 90.",
        serialize=int,
        parse_value=_between(1, MAX_SUMMARY_DAYS, "the days of a summary are"),
    ),
    Cursor: strawberry.scalar(name="Cursor", description="Opaque place in a list or a stream."),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="A moment in UTC, ISO 8601 with microseconds and Z.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=iso_utc,
        parse_value=_utc,
    ),
}


@strawberry.type(description="An amount of money as a decimal string, never a float.")
class Money:
    """Money as clients see it; inside it is integer micros."""

    amount: Decimal = strawberry.field(description="In units of the currency, exact.")
    currency: CurrencyCode = strawberry.field(description="Which currency.")

    @classmethod
    def of(cls, micros: int, currency_code: str) -> Self:
        """Money of integer micros."""
        # Lists show amounts of a hundred items; the written __init__ and a NewType's call cost half as much again.
        money = cls.__new__(cls)
        money.amount = amounts.to_decimal(micros)
        money.currency = currency_code  # type: ignore[assignment]  # a code, as the caller says
        return money


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """Relay's page information."""

    has_next_page: bool = strawberry.field(description="Whether more follows.")
    has_previous_page: bool = strawberry.field(description="Whether something comes before.")
    start_cursor: Cursor | None = strawberry.field(description="The first item's place; null on an empty page.")
    end_cursor: Cursor | None = strawberry.field(description="The last item's place; null on an empty page.")


@strawberry.type(description="An item and its place in the list.")
class Edge(Generic[T]):
    """An item and its place."""

    cursor: Cursor = strawberry.field(description="Its place, for after and before.")
    node: T = strawberry.field(description="The item.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    """A page of a list."""

    nodes: list[T] = strawberry.field(description="The page's items alone, at most 100.")
    page_info: PageInfo = strawberry.field(description="Where the page lies.", directives=[FREE])
    kept: strawberry.Private[Sequence[Any]]
    key: strawberry.Private[Callable[[Any], UUID]]

    @strawberry.field(description="The page's items with their places, at most 100.")
    def edges(self) -> list[Edge[T]]:
        """Made only when asked for: most clients read the nodes alone."""
        return [
            Edge(cursor=_cursor(self.key(value)), node=node) for value, node in zip(self.kept, self.nodes, strict=True)
        ]


class Identified(Protocol):
    """A value that lists order by its id."""

    @property
    def id(self) -> UUID:
        """Ids of a list go up, or down, with time."""


W = TypeVar("W", bound=Identified)


def parse_slice(first: int | None, after: str | None, last: int | None, before: str | None) -> Slice[UUID]:
    """The slice that paging arguments ask for; exactly one of `first` and `last` is required. Raises InvalidInput."""
    limit = last if first is None else first
    if limit is None or None not in {first, last}:
        raise errors.InvalidInput("give either first or last, 1 to 100", path=("first",))
    return Slice(
        limit=limit,
        after=_parse_cursor(after, "after"),
        before=_parse_cursor(before, "before"),
        backwards=last is not None,
    )


def connection(asked: Slice[UUID], found: Sequence[W], node: Callable[[W], T]) -> Connection[T]:
    """The page of values that were fetched with the slice's `fetch_limit`."""
    return keyed_connection(asked, found, lambda value: value.id, node)


def keyed_connection(
    asked: Slice[UUID], found: Sequence[V], key: Callable[[V], UUID], node: Callable[[V], T]
) -> Connection[T]:
    """The same of values that their lists order by another key than an id of their own."""
    kept = asked.kept(found)
    return Connection(
        nodes=[node(value) for value in kept],
        kept=kept,
        key=key,
        page_info=PageInfo(
            has_next_page=asked.has_next(found),
            has_previous_page=asked.has_previous(found),
            start_cursor=_cursor(key(kept[0])) if kept else None,
            end_cursor=_cursor(key(kept[-1])) if kept else None,
        ),
    )


def _cursor(id_: UUID) -> Cursor:
    return Cursor(base64.urlsafe_b64encode(id_.bytes).decode().rstrip("="))


def _parse_cursor(text: str | None, name: str) -> UUID | None:
    if text is None:
        return None
    try:
        return UUID(bytes=base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error) as error:
        raise errors.InvalidInput("this is not a cursor this API gave out", path=(name,)) from error


class ErrorCode(StrEnum):
    """Stable codes of domain.errors."""

    NOT_FOUND = "NOT_FOUND"
    INVALID_INPUT = "INVALID_INPUT"
    FORBIDDEN = "FORBIDDEN"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    INVALID_TRANSITION = "INVALID_TRANSITION"
    PLAN_UNFUNDED = "PLAN_UNFUNDED"
    GUARDRAIL_BLOCKED = "GUARDRAIL_BLOCKED"
    BUDGET_CHANGED_ELSEWHERE = "BUDGET_CHANGED_ELSEWHERE"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    PLATFORM_REFUSED = "PLATFORM_REFUSED"
    PLATFORM_RETRYABLE = "PLATFORM_RETRYABLE"


describe_enum(
    ErrorCode,
    "What kind of answer a user error is; clients branch on it.",
    {
        ErrorCode.NOT_FOUND: "There is no such thing for you.",
        ErrorCode.INVALID_INPUT: "A value is outside what is allowed; field says which.",
        ErrorCode.FORBIDDEN: "You are known, but not allowed.",
        ErrorCode.UNAUTHENTICATED: "Nobody is signed in, or the credential is no longer good.",
        ErrorCode.VERSION_CONFLICT: "Somebody else changed it first.",
        ErrorCode.INVALID_TRANSITION: "It is in a state from which this step is not possible.",
        ErrorCode.PLAN_UNFUNDED: "The plan's approved decreases do not pay for this increase.",
        ErrorCode.GUARDRAIL_BLOCKED: "A hard limit forbids it, whoever asks.",
        ErrorCode.BUDGET_CHANGED_ELSEWHERE: "Somebody changed the budget on its platform; look at it again.",
        ErrorCode.IDEMPOTENCY_KEY_REUSED: "The idempotency key was used before with other arguments.",
        ErrorCode.PLATFORM_REFUSED: "The ad platform said no.",
        ErrorCode.PLATFORM_RETRYABLE: "The ad platform did not answer; trying again may help.",
    },
)


@strawberry.interface(description="Something about the request that its sender can understand and change.")
class UserError:
    """An expected refusal."""

    field: list[str] | None = strawberry.field(description="Path of the input field it is about, outermost first.")
    message: str = strawberry.field(description="What is wrong, for a person.")
    code: ErrorCode = strawberry.field(description="What is wrong, for a program.")


@strawberry.type(description="A refusal that needs no further facts.")
class RequestError(UserError):
    """The plain user error."""


def camel(name: str) -> str:
    """snake_case as the schema spells it."""
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def request_error(error: errors.DomainError) -> RequestError:
    """A domain error without further facts, as clients see it."""
    path = [camel(part) for part in error.path] if isinstance(error, errors.InvalidInput) else []
    return RequestError(field=path or None, message=error.message, code=ErrorCode(error.code))
