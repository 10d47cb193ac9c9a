"""Commands on stored credentials: `credentials rotate`, `credentials new-key`."""

import typer

from adapters.credential_keys import FileCredentialRing, new_credential_key
from app.cli.database import opened
from app.cli.main import app, out, run, tell
from app.connections import credential_ring
from app.settings import Settings
from models import across_tenants
from services import connection_tokens

credentials_app = typer.Typer(help="The keys that seal ad platforms' tokens.", no_args_is_help=True)
app.add_typer(credentials_app, name="credentials")


@credentials_app.command("new-key")
def new_key() -> None:
    """Print a fresh key, to be put before the others in CE_CREDENTIAL_KEYS.

    Example: `CE_CREDENTIAL_KEYS="$(campaign-express credentials new-key),$CE_CREDENTIAL_KEYS"`
    """
    print(new_credential_key())  # noqa: T201 - the command's output, for a shell variable


@credentials_app.command()
def rotate() -> None:
    """Seal every stored token under the newest key; a ring in a file gets a fresh one first.

    Example: `campaign-express credentials rotate`
    """
    settings = Settings()
    ring = credential_ring(settings)
    if isinstance(ring, FileCredentialRing):
        tell(f"key {ring.add_key()} seals now", console=out)
    tell(f"{run(_reseal(settings))} connections sealed under the newest key", console=out)
    if isinstance(ring, FileCredentialRing):
        tell(f"{ring.drop_old_keys()} old keys forgotten", console=out)


async def _reseal(settings: Settings) -> int:
    async with opened(settings) as container:
        tenants = await across_tenants.tenant_ids(container.ports.database.system())
        return sum([await connection_tokens.reseal_all(container.ports, each) for each in tenants])
