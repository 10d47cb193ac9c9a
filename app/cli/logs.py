"""Commands on the log: `log verify`, `log anchor`."""

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn

from app.cli.database import opened
from app.cli.main import app, err, out, run, tell
from app.settings import Settings
from domain.log import Fault
from services import logs

log_app = typer.Typer(help="The sequenced log: verify its chains, anchor its heads.", no_args_is_help=True)
app.add_typer(log_app, name="log")

TAMPERED = 3


@log_app.command()
def verify() -> None:
    """Check every tenant's chain against its hashes and signed anchors; exit 3 if anything was changed.

    Example: `campaign-express log verify`
    """
    found = run(_verify(Settings()))
    faults = [(tenant, fault) for tenant, each in found.items() for fault in each]
    for tenant, fault in faults:
        tell(f"tenant {tenant}: row {fault.sequence}: {fault.reason}", style="red")
    if faults:
        raise typer.Exit(TAMPERED)
    tell(f"{len(found)} chain(s) sound", console=out)


async def _verify(settings: Settings) -> dict[str, list[Fault]]:
    async with opened(settings) as container:
        columns = (SpinnerColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
            task = bar.add_task("verifying")
            found = await logs.verify_all(
                container.ports, lambda rows: bar.update(task, description=f"verifying: {rows:,} rows")
            )
        return {str(tenant): faults for tenant, faults in found.items()}


@log_app.command()
def anchor() -> None:
    """Keep a signed anchor of every log that grew; the worker does this by itself.

    Example: `campaign-express log anchor`
    """
    tell(f"{run(_anchor(Settings()))} anchor(s) kept", console=out)


async def _anchor(settings: Settings) -> int:
    async with opened(settings) as container:
        return await logs.anchor_heads(container.ports)
