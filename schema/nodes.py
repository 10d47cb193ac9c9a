"""Which type shows which domain value: so that types which refer to each other need not import each other.

A type says `@shows(Value)` above itself and has a class method `of`; whoever holds a value asks for its `view`. Must
not know any type by name.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar


class _Shown(Protocol):
    @classmethod
    def of(cls, value: Any) -> Any:
        """The clients' view of a value."""


C = TypeVar("C", bound=type[_Shown])

_VIEWS: dict[type, Callable[[Any], Any]] = {}


def shows(value_type: type) -> Callable[[C], C]:
    """Make the decorated type the view of a kind of domain value."""

    def register(shown: C) -> C:
        _VIEWS[value_type] = shown.of
        return shown

    return register


def view(value: object) -> Any:
    """The clients' view of a domain value, None for None. Raises KeyError for a value that no type shows."""
    return None if value is None else _VIEWS[type(value)](value)
