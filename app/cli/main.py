"""The command line's entry: the commands, and errors told in one line that says what to do.

Exit codes: 0 done; 1 it could not be done; 2 the command line was wrong; 3 `log verify` found tampering.
"""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

import httpx
import typer
from asyncpg import PostgresError
from pydantic import ValidationError
from rich.console import Console
from tortoise.exceptions import BaseORMException

from domain.errors import DomainError

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


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine to its end."""
    return asyncio.run(work)


def fail(message: str, code: int = 1) -> typer.Exit:
    """Say in one line what went wrong and what to do; raise what this returns."""
    err.print(f"campaign-express: {message}", style="red", markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(code)


def main() -> None:
    """Run the command line."""
    from app.cli import data, keys, logs, serving  # noqa: F401, PLC0415 - importing registers their commands

    try:
        app()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"])
        sys.exit(_say(f"the setting CE_{name.upper()} is not good: {first['msg']}"))
    except DomainError as error:
        sys.exit(_say(error.message))
    except (BaseORMException, PostgresError) as error:
        sys.exit(_say(f"the database refused: {error}; is it migrated? run: campaign-express migrate"))
    except (OSError, httpx.TransportError) as error:
        sys.exit(_say(f"{error}; check the addresses in the CE_* settings"))


def _say(message: str) -> int:
    fail(message)
    return 1
