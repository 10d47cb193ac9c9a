"""Commands on keys and tokens: `token`, `keys rotate`."""

from typing import Annotated

import typer

from adapters.keyring import FileKeyRing
from app.cli.database import opened
from app.cli.main import app, fail, out, run, tell
from app.container import key_ring
from app.settings import Settings
from kit.time import SystemClock
from services import sessions

keys_app = typer.Typer(help="The keys that sign access tokens and anchors.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")


@app.command()
def token(user: Annotated[str, typer.Option(help="The person's e-mail address.")]) -> None:
    """Print an access token for a person, for local use: whoever can read var/keys can sign in as anybody anyway.

    Example: `TOKEN=$(campaign-express token --user ana@demo.test)`
    """
    print(run(_token(Settings(), user)))  # noqa: T201 - the command's output, for a shell variable


async def _token(settings: Settings, user: str) -> str:
    async with opened(settings) as container:
        return (await sessions.open_local(container.ports, user)).access_token.text


@keys_app.command()
def rotate(
    ring: Annotated[str, typer.Argument(help="tokens or anchors")],
) -> None:
    """Add a signing key; the one before keeps verifying for a while (tokens) or for ever (anchors).

    Example: `campaign-express keys rotate tokens`
    """
    settings = Settings()
    overlaps = {"tokens": settings.token_ttl_seconds + 60, "anchors": None}
    if ring not in overlaps:
        raise fail("the rings are: tokens, anchors", 2)
    keys = key_ring(settings, ring, SystemClock(), overlaps[ring])
    if not isinstance(keys, FileKeyRing):
        raise fail(f"the {ring} ring comes from CE_{ring.upper()}_KEYS: rotate it where that is set")
    tell(f"key {keys.rotate()} signs now", console=out)
