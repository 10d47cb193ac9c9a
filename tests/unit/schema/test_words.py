"""Enums enter the schema with a sentence for each value; views are found by the value they show."""

from enum import Enum

import pytest
import strawberry

from domain.log import ActorKind
from schema.enums import describe_enum
from schema.nodes import shows, view


class Colour(Enum):
    RED = "r"
    BLUE = "b"


def test_a_value_without_a_sentence_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^Colour has members without a description: BLUE$"):
        describe_enum(Colour, "A colour.", {Colour.RED: "Red."})


def test_a_described_enum_shows_its_sentences() -> None:
    describe_enum(Colour, "A colour.", {Colour.RED: "Red.", Colour.BLUE: "Blue."}, name="Hue")

    @strawberry.type
    class Query:
        colour: Colour

    told = strawberry.Schema(query=Query).as_str()
    assert 'enum Hue {\n  """Red."""\n  RED\n\n  """Blue."""\n  BLUE\n}' in told


def test_a_value_is_viewed_by_the_type_that_shows_it() -> None:
    class Thing:
        pass

    @shows(Thing)
    class ThingView:
        @classmethod
        def of(cls, value: Thing) -> tuple[str, Thing]:
            return "view of", value

    thing = Thing()
    assert view(thing) == ("view of", thing)
    assert view(None) is None
    with pytest.raises(KeyError):
        view(ActorKind.MEMBER)
