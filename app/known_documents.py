"""Documents that everybody may run on a server set to known ones: read from files when the process starts.

Four places: what a partner needs to begin (app/documents), the operations of the plain review page, the console's with
its build, and the operator's own folder. Must not know what partners register; that is the database's.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    concat_ast,
    parse,
    print_ast,
    separate_operations,
)

from app.pages import documents_of
from domain.documents import LONGEST, sha256_of
from domain.errors import InvalidInput

BUILT_IN: Final = Path(__file__).parent / "documents"
#: As many as the transport reads of any document.
_MOST_TOKENS: Final = 1_000
#: Hashes of texts that were found to be known; there are as many spellings of one as somebody likes.
_MOST_REMEMBERED: Final = 10_000


class KnownDocuments:
    """Operations by hash and by meaning: a client's spaces, comments and order of fragments make no difference."""

    def __init__(self, places: Iterable[Path] = ()) -> None:
        """Read the .graphql files of folders, and what plain pages (.html) ask; each place's share their fragments.

        Raises:
            InvalidInput: a file is no GraphQL, or a place has two operations of one name, or one without.
        """
        # Two places may use one name for different operations: both are known, and the later one has the name.
        self.by_place: Mapping[Path, Mapping[str, str]] = {place: dict(_operations(place)) for place in places}
        self.by_name: Mapping[str, str] = {
            name: text for found in self.by_place.values() for name, text in found.items()
        }
        self._texts = {sha256_of(text): text for found in self.by_place.values() for text in found.values()}
        self._meanings = {_meaning(parse(text)) for text in self._texts.values()}
        self._remembered = set(self._texts)

    def text(self, sha256: str) -> str | None:
        """The operation with this hash."""
        return self._texts.get(sha256)

    def knows(self, text: str) -> bool:
        """Whether every operation of a document is known."""
        if len(text) > LONGEST:
            return False
        sha256 = sha256_of(text)
        if sha256 in self._remembered:
            return True
        try:
            document = parse(text, max_tokens=_MOST_TOKENS, no_location=True)
        except GraphQLError:
            return False
        separate = separate_operations(document)
        # Operations of one name would hide each other here; validation refuses them elsewhere.
        count = sum(isinstance(each, OperationDefinitionNode) for each in document.definitions)
        if (
            not count
            or len(separate) != count
            or not all(_meaning(each) in self._meanings for each in separate.values())
        ):
            return False
        if len(self._remembered) < _MOST_REMEMBERED:
            self._remembered.add(sha256)
        return True


def _operations(place: Path) -> Iterator[tuple[str, str]]:
    parsed = []
    for path, text in _texts_of(place):
        try:
            parsed.append(parse(text, no_location=True))
        except GraphQLError as error:
            raise InvalidInput(f"{path}: {error.message}") from error
    document = concat_ast(parsed)
    named = [each.name for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if None in named or len({each.value for each in named if each is not None}) != len(named):
        raise InvalidInput(f"{place}: each operation needs a name of its own")
    for name, operation in separate_operations(document).items():
        yield name, print_ast(operation)


def _texts_of(place: Path) -> Iterator[tuple[Path, str]]:
    if place.suffix == ".html":
        yield from ((place, text) for text in documents_of(place))
    else:
        yield from ((path, path.read_text("utf-8")) for path in sorted(place.glob("*.graphql")))


def _meaning(document: DocumentNode) -> str:
    parts = [
        print_ast(each)
        for each in document.definitions
        if isinstance(each, OperationDefinitionNode | FragmentDefinitionNode)
    ]
    return "\n".join(sorted(parts))
