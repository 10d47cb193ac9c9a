"""Which sections a GPP string holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotpath.auction.gpp import sections_of
from tests.unit.hotpath.auction.test_consents import packed

TCF = "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"
#: Type 3, version 1.
HEAD = "000011000001"


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        # Both from the examples of the platform's specification.
        (f"DBABMA~{TCF}", {2: TCF}),
        (f"DBACNYA~{TCF}~1YNN", {2: TCF, 6: "1YNN"}),
        # 2, then 6 to 8: a range as its distance and its length.
        (packed(HEAD + f"{2:012b}" + "0011" + "11011011") + "~a~b~c~d", {2: "a", 6: "b", 7: "c", 8: "d"}),
        (packed(HEAD + f"{1:012b}" + "011") + "~a", {1: "a"}),
    ],
)
def test_sections_are_found_by_their_numbers(text: str, sections: dict[int, str]) -> None:
    assert sections_of(text) == sections


@pytest.mark.parametrize(
    "text",
    [
        "",
        "~",
        TCF,
        "DBABMA",
        f"DBABMA~{TCF}~1YNN",
        f"DBACNYA~{TCF}",
        "DBAC",
        packed(HEAD + f"{1:012b}" + "0" * 40) + "~a",
        packed(HEAD + f"{1:012b}" + "1011" + "0000000001" * 3 + "11") + "~a",
    ],
)
def test_what_cannot_be_read_has_none(text: str) -> None:
    assert sections_of(text) == {}


@given(st.text(alphabet="ABCDEMNYabcxyz019-_~", max_size=40))
def test_any_text_is_an_answer(text: str) -> None:
    assert isinstance(sections_of(text), dict)
