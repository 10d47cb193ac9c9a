"""The plain pages: one static file each, no framework, no foreign host. Must not build HTML from data."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

PAGES: Final = Path(__file__).parent

_BLOCK: Final = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)
_DOCUMENT: Final = re.compile(r'<script type="application/graphql" id="\w+">(.*?)</script>', re.DOTALL)


def documents_of(path: Path) -> list[str]:
    """What a page may ask: its GraphQL blocks, each one operation or fragment."""
    return _DOCUMENT.findall(path.read_text(encoding="utf-8"))


def page(address: str, path: Path) -> Route:
    """A route that shows one file, whose content security policy lets exactly its own blocks run."""
    text = path.read_text(encoding="utf-8")
    headers = {
        "content-security-policy": content_security_policy(text),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",
    }

    async def show(_: Request) -> Response:
        return HTMLResponse(text, headers=headers)

    return Route(address, show, name=path.stem)


def content_security_policy(text: str) -> str:
    """The policy of a page: its script and style blocks by their hashes, requests to its own host, nothing else."""
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for kind, body in _BLOCK.findall(text):
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        hashes[kind].append(f"'sha256-{digest}'")
    script, style = (" ".join(hashes[kind]) or "'none'" for kind in ("script", "style"))
    return (
        f"default-src 'none'; script-src {script}; "
        f"style-src {style}; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
