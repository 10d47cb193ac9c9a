"""Commands on the log: `log verify`, `log anchor`."""

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn

from app.cli.main import app, err, out, run
from app.container import open_container
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
        err.print(f"tenant {tenant}: row {fault.sequence}: {fault.reason}", style="red", highlight=False)
    if faults:
        raise typer.Exit(TAMPERED)
    out.print(f"{len(found)} chain(s) sound")


async def _verify(settings: Settings) -> dict[str, list[Fault]]:
    async with open_container(settings) as container:
        with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=err, transient=True) as bar:
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
    out.print(f"{run(_anchor(Settings()))} anchor(s) kept")


async def _anchor(settings: Settings) -> int:
    async with open_container(settings) as container:
        return await logs.anchor_heads(container.ports)
