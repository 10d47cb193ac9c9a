"""The explorer: GraphiQL where the console is built, else the plain page; and the example operations that both offer.

Examples are files in pages/examples, one for each domain. Their variables name what to fill in, such as WORKSPACE; how
each is found stands here once, for both pages and for the test that runs them all. Where known documents only are run,
those are listed instead. Must not run anything itself.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.console import built_page
from app.known_documents import BUILT_IN, KnownDocuments
from app.pages import PAGES, page
from domain.documents import sha256_of

EXAMPLES: Final = PAGES / "examples"

_HEADERS: Final = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}

_ENTRY: Final = re.compile(
    r"^#: (?P<title>.+)\n(?P<about>(?:# [^{\n].*\n)+)# (?P<variables>\{.*\})\n(?P<document>(?:(?!#: ).*\n)+)",
    re.MULTILINE,
)
_NAME: Final = re.compile(r"^(?:query|mutation|subscription) (\w+)", re.MULTILINE)

#: Operations that find what examples are about. Each may take $workspaceId, which the first one finds.
ASKS: Final = {
    "workspaces": "query Workspaces { workspaces(first: 1) { nodes { id version } } }",
    "campaigns": """query Campaigns($workspaceId: ID!) {
  campaigns(workspaceId: $workspaceId, first: 50) { nodes { id status } }
}""",
    "recommendations": """query Open($workspaceId: ID!) {
  recommendations(workspaceId: $workspaceId, first: 50, statuses: [NEEDS_REVIEW]) {
    nodes { id version delta { amount } }
  }
}""",
    "adjustments": """query Changes($workspaceId: ID!) {
  adjustments(workspaceId: $workspaceId, first: 50) { nodes { id version status restores { id } restoredBy { id } } }
}""",
    "failed": """query Failed($workspaceId: ID!) {
  failed: adjustments(workspaceId: $workspaceId, first: 1, statuses: [FAILED, UNKNOWN]) { nodes { id version } }
  confirmed: adjustments(workspaceId: $workspaceId, first: 1, statuses: [CONFIRMED]) { nodes { id version } }
}""",
    "grants": """query Grants($workspaceId: ID!) {
  platformGrants(workspaceId: $workspaceId, first: 10) { nodes { id status } }
}""",
    "guardrails": """query Guardrails($workspaceId: ID!) {
  guardrails(workspaceId: $workspaceId, first: 50) { nodes { id version } }
  automation(workspaceId: $workspaceId) { version }
}""",
    "members": """query Members($workspaceId: ID!) {
  members(workspaceId: $workspaceId, first: 50) { nodes { id version email revokedAt } }
}""",
    "keys": """query Keys($workspaceId: ID!) {
  apiKeys(workspaceId: $workspaceId, first: 50) { nodes { id name revokedAt } }
}""",
    "documents": """query Documents($workspaceId: ID!) {
  trustedDocuments(workspaceId: $workspaceId, first: 1) { nodes { id } }
}""",
    "stops": """query Stops($workspaceId: ID!) {
  emergencyStops(workspaceId: $workspaceId, first: 1) { nodes { id version liftedAt } }
}""",
}

Step: TypeAlias = str | int | list[str]

_OPEN: Final[list[Step]] = ["recommendations", "nodes", ["delta.amount", "-"]]
_RUNNING: Final[list[Step]] = ["campaigns", "nodes", ["status", "ENABLED"]]
_CONFIRMED: Final[list[Step]] = [
    "adjustments", "nodes", ["status", "CONFIRMED"], ["restores", "null"], ["restoredBy", "null"], 0,
]  # fmt: skip
_COLLEAGUE: Final[list[Step]] = ["members", "nodes", ["email", "colleague."], ["revokedAt", "null"], 0]

#: Words of variables: which operation finds them, and where in its data. A step is a name, a place, or a pair that
#: keeps those objects whose field's text begins so; what is not there reads "null". Several paths: the first that leads
#: anywhere. Decreases are taken of recommendations, because they need no money from others.
WORDS: Final[dict[str, tuple[str, list[list[Step]]]]] = {
    "WORKSPACE": ("workspaces", [["workspaces", "nodes", 0, "id"]]),
    "WORKSPACE_VERSION": ("workspaces", [["workspaces", "nodes", 0, "version"]]),
    "CAMPAIGN": ("campaigns", [["campaigns", "nodes", 0, "id"]]),
    "RUNNING_CAMPAIGN": ("campaigns", [[*_RUNNING, 0, "id"]]),
    "OTHER_RUNNING_CAMPAIGN": ("campaigns", [[*_RUNNING, 1, "id"]]),
    "PAUSED_CAMPAIGN": ("campaigns", [["campaigns", "nodes", ["status", "PAUSED"], 0, "id"]]),
    "RECOMMENDATION": ("recommendations", [[*_OPEN, 0, "id"]]),
    "VERSION": ("recommendations", [[*_OPEN, 0, "version"]]),
    "OTHER_RECOMMENDATION": ("recommendations", [[*_OPEN, 1, "id"]]),
    "OTHER_VERSION": ("recommendations", [[*_OPEN, 1, "version"]]),
    "CONFIRMED_ADJUSTMENT": ("adjustments", [[*_CONFIRMED, "id"]]),
    "CONFIRMED_VERSION": ("adjustments", [[*_CONFIRMED, "version"]]),
    "FAILED_ADJUSTMENT": ("failed", [["failed", "nodes", 0, "id"], ["confirmed", "nodes", 0, "id"]]),
    "FAILED_VERSION": ("failed", [["failed", "nodes", 0, "version"], ["confirmed", "nodes", 0, "version"]]),
    "GRANT": ("grants", [["platformGrants", "nodes", ["status", "CONNECTED"], 0, "id"]]),
    "GUARDRAIL": ("guardrails", [["guardrails", "nodes", 0, "id"]]),
    "GUARDRAIL_VERSION": ("guardrails", [["guardrails", "nodes", 0, "version"]]),
    "AUTOMATION_VERSION": ("guardrails", [["automation", "version"]]),
    "NEW_MEMBER": ("members", [[*_COLLEAGUE, "id"]]),
    "NEW_MEMBER_VERSION": ("members", [[*_COLLEAGUE, "version"]]),
    "API_KEY": ("keys", [["apiKeys", "nodes", ["name", "Reporting"], ["revokedAt", "null"], 0, "id"]]),
    "TRUSTED_DOCUMENT": ("documents", [["trustedDocuments", "nodes", 0, "id"]]),
    "STOP": ("stops", [["emergencyStops", "nodes", ["liftedAt", "null"], 0, "id"]]),
    "STOP_VERSION": ("stops", [["emergencyStops", "nodes", ["liftedAt", "null"], 0, "version"]]),
}

#: Words that each page makes up afresh, from 32 hexadecimal digits where the braces stand.
FRESH: Final = {"KEY": "{}", "NEW_EMAIL": "colleague.{}@demo.test", "NEW_PASSWORD": "{}"}


@dataclass(frozen=True, slots=True)
class Example:
    """An operation to try: what it is for, its text, and its variables with words in them."""

    domain: str
    name: str
    title: str
    about: str
    variables: dict[str, Any]
    document: str


def read_examples() -> list[Example]:
    """All examples, by domain, in the order in which one would try them."""
    return [each for path in sorted(EXAMPLES.glob("*.graphql")) for each in _examples_of(path)]


def _examples_of(path: Path) -> Iterator[Example]:
    head, _, text = path.read_text(encoding="utf-8").partition("\n")
    for found in _ENTRY.finditer(text):
        document = found["document"].strip()
        [name] = _NAME.findall(document)
        yield Example(
            domain=head.removeprefix("#! "),
            name=name,
            title=found["title"],
            about=" ".join(line.removeprefix("# ") for line in found["about"].splitlines()),
            variables=json.loads(found["variables"]),
            document=document,
        )


async def _anybody(_: Request) -> bool:
    return True


def explorer_routes(
    built: Path, only: KnownDocuments | None = None, may_read: Callable[[Request], Awaitable[bool]] = _anybody
) -> list[BaseRoute]:
    """The explorer at /explorer, the plain one always at /plain/explorer, and what both offer to try.

    Args:
        built: where the console's build lies.
        only: the documents that everybody may run, where no others than those and partners' own are answered.
        may_read: whether who asks may see those.
    """
    examples = [] if only else [asdict(each) for each in read_examples()]
    offered = {"only": only is not None, "examples": examples, "asks": ASKS, "words": WORDS, "fresh": FRESH}
    known = [] if only is None else list(_told(only, built))

    async def show_examples(_: Request) -> Response:
        return JSONResponse(offered, headers=_HEADERS)

    async def show_documents(request: Request) -> Response:
        if not await may_read(request):
            return JSONResponse([], 401, {**_HEADERS, "www-authenticate": "Bearer"})
        return JSONResponse(known, headers=_HEADERS)

    plain = PAGES / "explorer.html"
    graphiql = built_page("/explorer", built / "explorer.html", editor=True)
    return [
        graphiql or page("/explorer", plain),
        page("/plain/explorer", plain),
        Route("/explorer/examples.json", show_examples),
        Route("/explorer/documents.json", show_documents),
    ]


def _told(known: KnownDocuments, built: Path) -> Iterator[dict[str, str]]:
    """What a partner may want to run, as the explorer lists it; the plain page's own are for that page."""
    titles = {BUILT_IN: "To begin with", built: "The console's"}
    for place, found in known.by_place.items():
        if place.is_dir():
            for name, text in sorted(found.items()):
                yield {"of": titles.get(place, "This server's"), "name": name, "sha256": sha256_of(text), "text": text}
