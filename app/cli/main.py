"""The command line's entry: the commands, and errors told in one line that says what to do.

Exit codes: 0 done; 1 it could not be done; 2 the command line was wrong; 3 `log verify` found tampering.
Results go to standard output; errors, reports and progress to standard error. Must not import what only some commands
need: a container asks for its health every few seconds.
"""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

import typer
from rich.console import Console

from kit import compiled

T = TypeVar("T")

app = typer.Typer(
    name="campaign-express",
    help="An advertising and marketing platform behind one GraphQL schema. `make run` starts everything.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
out = Console()
err = Console(stderr=True)


@app.callback()
def _group() -> None:
    # Without it a single registered command would be the whole program and lose its name.
    pass


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine to its end."""
    return asyncio.run(work)


def fail(message: str, code: int = 1) -> typer.Exit:
    """Say in one line what went wrong and what to do; raise what this returns."""
    tell(f"campaign-express: {message}", style="red")
    return typer.Exit(code)


def tell(text: str, *, console: Console = err, style: str | None = None) -> None:
    """Print one line as it is: no wrapping, no markup, and nothing in it that would steer a terminal."""
    plain = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    console.print(plain, style=style, markup=False, highlight=False, soft_wrap=True, emoji=False)


def register_commands(first_argument: str) -> None:
    """Import the modules whose commands may be meant; importing one registers its commands."""
    from app.cli import health  # noqa: F401, PLC0415 - see above

    if first_argument == "bid":
        # Before anything else of it is imported: its hot modules, compiled where they were.
        compiled.interpreted_because = compiled.use_compiled()
        # Alone: the bid process must not carry the ORM that the other commands bring.
        from app.cli import bidding  # noqa: PLC0415 - see above

        return
    if first_argument != "health":
        from app.cli import bidding, credentials, data, documents, keys, logs, serving  # noqa: F401, PLC0415 - see above


def main() -> None:
    """Run the command line."""
    register_commands(sys.argv[1] if len(sys.argv) > 1 else "")
    try:
        app()
    except Exception as error:
        from app.cli.errors import line  # noqa: PLC0415 - it knows every library's errors

        text = line(error)
        if text is None:
            raise
        fail(text)
        sys.exit(1)
