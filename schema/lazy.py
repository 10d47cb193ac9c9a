"""Views whose fields are computed when somebody asks for them, each from the attributes of the value that it names.

Clients select a few fields of many, in lists of a hundred. So a view holds its value and nothing else, a field that is
not selected costs nothing, and a list can be read with only the columns that its fields name. Must not know any type.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Final, TypeVar, cast

from strawberry.utils.str_converters import to_camel_case

C = TypeVar("C")

_READS: Final = "__reads__"


@dataclass(frozen=True, slots=True)
class Computed:
    """A field's value: what `make` makes of these attributes of the view's value, in their order."""

    attributes: tuple[str, ...]
    make: Callable[..., object] | None

    def getter(self) -> Callable[[Any], object]:
        """From a view to the field's value."""
        if self.make is None:
            return attrgetter(f"value.{self.attributes[0]}")
        # Written out: an attrgetter's tuple, unpacked again, would cost as much as what is made of it.
        read = ", ".join(f"value.{each}" for each in self.attributes)
        body = f"def get(view):\n    value = view.value\n    return make({read})"
        names: dict[str, Any] = {"make": self.make}
        exec(body, names)  # noqa: S102 - attribute names of our own types
        return cast("Callable[[Any], object]", names["get"])


def same(attribute: str) -> Computed:
    """A field that is an attribute as it is."""
    return Computed((attribute,), None)


def computed(make: Callable[..., object], *attributes: str) -> Computed:
    """A field that is made of attributes."""
    return Computed(attributes, make)


def lazily(shown: Mapping[str, Computed], resolved: Mapping[str, tuple[str, ...]]) -> Callable[[type[C]], type[C]]:
    """Make a strawberry type's fields lazy. The type has one private field, `value`.

    Args:
        shown: every plain field by its Python name.
        resolved: for each field with a resolver, the attributes that the resolver reads.

    Raises:
        TypeError: a plain field is missing, or one is named that the type does not have.
    """

    def decorate(cls: type[C]) -> type[C]:
        plain = {each.name for each in fields(cls) if each.init} - {"value"}  # type: ignore[arg-type]  # strawberry made it one
        if plain != set(shown):
            raise TypeError(f"{cls.__name__}: these fields are not computed, or are none: {plain ^ set(shown)}")
        for name, field in shown.items():
            setattr(cls, name, property(field.getter()))
        read = {**{name: field.attributes for name, field in shown.items()}, **resolved}
        setattr(cls, _READS, {to_camel_case(name): attributes for name, attributes in read.items()})
        return cls

    return decorate


def over(cls: type[C], value: object) -> C:
    """The lazy view of a value, or of the part of one that has the attributes which will be asked for."""
    view = cls.__new__(cls)
    view.value = value  # type: ignore[attr-defined]  # what `lazily` asks of its types
    return view


def reads(cls: type) -> Mapping[str, tuple[str, ...]]:
    """For each field of a lazy type, by its GraphQL name, the attributes of its value that it reads."""
    known: Mapping[str, tuple[str, ...]] = getattr(cls, _READS)
    return known
