"""Domain enums as schema enums, each value with a sentence. Must not define values of its own."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import strawberry


def describe_enum(kind: type[Enum], description: str, values: Mapping[Any, str], name: str | None = None) -> None:
    """Give a domain enum its place in the schema.

    Args:
        kind: the domain's enum; annotate fields with it.
        description: what it tells.
        values: a sentence for each member.
        name: its name in the schema, where that is not its own.

    Raises:
        ValueError: a member without a sentence, so that a new one cannot slip into the schema unexplained.
    """
    missing = [member.name for member in kind if member not in values]
    if missing:
        raise ValueError(f"{kind.__name__} has members without a description: {', '.join(missing)}")
    strawberry.enum(kind, name=name or kind.__name__, description=description)
    definition = kind.__strawberry_definition__  # type: ignore[attr-defined]  # set by strawberry.enum
    for value in definition.values:
        value.description = values[kind[value.name]]
