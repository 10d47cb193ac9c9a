"""What files make known: by hash, and by meaning however it is written."""

from pathlib import Path

import pytest
from graphql import parse, print_ast, validate
from graphql.utilities import strip_ignored_characters

from app.graphql import build_schema
from app.known_documents import BUILT_IN, KnownDocuments
from domain.documents import sha256_of
from domain.errors import InvalidInput

CONSOLE = Path(__file__).parents[2] / "console" / "src" / "operations"
TEXT = "query List { items { ...A ...B } } fragment A on Item { id } fragment B on Item { name }"
#: The same with all that may differ.
REORDERED = """# of a client
fragment B on Item { name, }
fragment A on Item {
  id
}
query List { items { ...A, ...B } }"""


@pytest.fixture
def known(tmp_path: Path) -> KnownDocuments:
    (tmp_path / "a.graphql").write_text("query List { items { ...A ...B } } fragment A on Item { id }")
    (tmp_path / "b.graphql").write_text("fragment B on Item { name } mutation Set($to: Int = 3) { set(to: $to) }")
    return KnownDocuments([tmp_path])


def test_files_of_a_folder_share_fragments_and_each_operation_has_a_hash(known: KnownDocuments) -> None:
    assert sorted(known.by_name) == ["List", "Set"]
    for text in known.by_name.values():
        assert known.text(sha256_of(text)) == text
    assert print_ast(parse(known.by_name["List"])) == print_ast(parse(TEXT))
    assert known.text(sha256_of("{ other }")) is None


def test_spaces_comments_and_order_make_no_difference(known: KnownDocuments) -> None:
    both = f"{TEXT} mutation Set($to: Int = 3) {{ set(to: $to) }}"
    for text in (TEXT, REORDERED, strip_ignored_characters(TEXT), both):
        assert known.knows(text)
        assert known.knows(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "fragment A on Item { id }",
        "query List { items { id } }",
        "query Other { items { ...A ...B } } fragment A on Item { id } fragment B on Item { name }",
        TEXT.replace("{ name }", "{ name secret }"),
        f"{TEXT} query Evil {{ secrets }}",
        f"query List {{ secrets }} {TEXT}",
        f"{TEXT} query List {{ secrets }}",
        "mutation Set($to: Int = 4) { set(to: $to) }",
        TEXT + " " * 20_000,
    ],
)
def test_anything_else_is_unknown(known: KnownDocuments, text: str) -> None:
    assert not known.knows(text)


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (["{ a }"], "each operation needs a name of its own"),
        (["query A { a }", "query A { b }"], "each operation needs a name of its own"),
        (["query A {"], "Syntax Error"),
    ],
)
def test_files_that_cannot_serve_are_refused(tmp_path: Path, texts: list[str], why: str) -> None:
    for place, text in enumerate(texts):
        (tmp_path / f"{place}.graphql").write_text(text)
    with pytest.raises(InvalidInput, match=why):
        KnownDocuments([tmp_path])


@pytest.mark.parametrize("folder", [BUILT_IN, CONSOLE])
def test_what_is_known_everywhere_fits_the_schema(folder: Path) -> None:
    schema = build_schema()._schema
    found = KnownDocuments([folder]).by_name
    assert len(found) >= 6
    assert {name: validate(schema, parse(text)) for name, text in found.items()} == {name: [] for name in found}
