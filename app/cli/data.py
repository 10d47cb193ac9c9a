"""Commands on data: `migrate`, `seed`, `import-metrics`, `import-rates`, `export-schema`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, TextIO

import typer
from rich.progress import Progress

from app.cli.database import database_told, opened
from app.cli.main import app, err, fail, out, run, tell
from app.graphql import build_schema
from app.migrations import migrate as apply_migrations
from app.seed import seed_demo
from app.settings import Settings
from domain.currencies import Rate, parse_rates
from domain.errors import InvalidInput
from domain.metric_imports import ImportProfile, ParsedFile, parse_profile, profile_from_options
from domain.workspaces import Workspace
from kit.pagination import Slice
from services import currency_rates, metric_imports, sessions, workspaces

SCHEMA_FILE = Path(__file__).parents[2] / "schema.graphql"
#: A line of an export is a few hundred characters; a file without line ends must not fill the memory.
LONGEST_LINE: Final = 1_000_000


@app.command()
def migrate() -> None:
    """Bring the database to the newest tables; does nothing when it is there already.

    Example: `CE_DATABASE_URL=postgres://me@db:5432/ce campaign-express migrate`
    """
    settings = Settings()
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    with database_told(settings):
        run(apply_migrations(settings.database))
    tell("the database is up to date", console=out)


@app.command()
def seed() -> None:
    """Make the demo workspace, if there is none: people, accounts, 90 days of metrics, recommendations.

    Example: `campaign-express seed`
    """
    run(_seed(Settings()))


async def _seed(settings: Settings) -> None:
    async with opened(settings) as container:
        made = await seed_demo(container)
    tell("the demo workspace is there" if made else "the demo workspace was there already", console=out)


@app.command("export-schema")
def export_schema(
    *, check: Annotated[bool, typer.Option(help="Only compare; exit 1 when schema.graphql is not up to date.")] = False
) -> None:
    """Write schema.graphql from the code.

    Example: `campaign-express export-schema --check`
    """
    text = build_schema().as_str() + "\n"
    if not check:
        SCHEMA_FILE.write_text(text, encoding="utf-8")
        tell(f"{SCHEMA_FILE} written", console=out)
    elif not SCHEMA_FILE.exists() or SCHEMA_FILE.read_text(encoding="utf-8") != text:
        raise fail("schema.graphql is not what the code says: run campaign-express export-schema and commit it")
    else:
        tell("schema.graphql is up to date", console=out)


@app.command("import-metrics")
def import_metrics(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV export.")],
    user: Annotated[str, typer.Option(help="Who imports: an e-mail address.")],
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="field=Column; join columns with +. Repeat for each field.")
    ] = None,
    profile: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A TOML profile, which says all below.")
    ] = None,
    platform: Annotated[
        str | None, typer.Option(help="META, GOOGLE, TIKTOK, LINKEDIN, AMAZON or MICROSOFT, for the whole file.")
    ] = None,
    account: Annotated[str | None, typer.Option(help="The account's id for the whole file.")] = None,
    currency: Annotated[str | None, typer.Option(help="ISO code for the whole file.")] = None,
    date_format: Annotated[list[str] | None, typer.Option(help="strptime format of the day; may repeat.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="IANA zone of the account.")] = None,
    decimal: Annotated[str | None, typer.Option(help="Decimal sign: . or ,")] = None,
    workspace: Annotated[str | None, typer.Option(help="Name; default: the person's only workspace.")] = None,
    encoding: Annotated[str, typer.Option(help="utf-8-sig (any UTF-8), utf-16, latin-1, ...")] = "utf-8-sig",
    *,
    skip_rejected: Annotated[bool, typer.Option(help="Store the good rows even when some were rejected.")] = False,
) -> None:
    """Load daily metrics from a CSV export; importing the same days again replaces them.

    Example: `campaign-express import-metrics ads.csv --user ana@demo.test --platform META --account 916
    --currency USD --map campaign=campaign_id --map day=date --map spend=cost --map clicks=clicks`
    """
    chosen = _profile(profile, map_ or [], date_format or [], platform, account, currency, time_zone, decimal)
    _require_encoding(encoding)
    with _text(file, encoding, "give another --encoding, such as latin-1") as handle:
        report = run(_import(Settings(), user, workspace, handle, file.stat().st_size, chosen, skip_rejected))
    _tell_rejected(report)
    if report.rejected_count and not (skip_rejected and report.days):
        raise fail(
            f"{report.rejected_count} of {report.rows_read} rows were rejected and nothing was stored; "
            "mend them, or give --skip-rejected"
        )
    stored = report.rows_read - report.rejected_count
    tell(f"{stored} rows as {len(report.days)} campaign days stored", console=out)


def _tell_rejected(report: ParsedFile) -> None:
    for row in report.rejected:
        tell(str(row), style="yellow")
    if report.rejected_count > len(report.rejected):
        tell(f"... and {report.rejected_count - len(report.rejected)} more", style="yellow")


@contextmanager
def _text(file: Path, encoding: str, hint: str) -> Iterator[TextIO]:
    """The file's text; what is no text in that encoding ends in one line, however late it is found."""
    try:
        with file.open(encoding=encoding, newline="") as handle:
            yield handle
    except UnicodeError as error:
        raise fail(f"{file} is not text in {encoding}: {error}; {hint}") from error


def _require_encoding(name: str) -> None:
    try:
        "".encode(name)
    except LookupError:
        raise fail(f"{name!r} is not an encoding of text; usual are utf-8-sig, utf-16 and latin-1", 2) from None


def _profile(
    path: Path | None,
    maps: list[str],
    date_formats: list[str],
    platform: str | None,
    account: str | None,
    currency: str | None,
    time_zone: str | None,
    decimal: str | None,
) -> ImportProfile:
    if path is not None:
        if any((maps, date_formats, platform, account, currency, time_zone, decimal)):
            raise fail("a --profile says all of it: give it alone, or --map and the other options without it", 2)
        with _text(path, "utf-8", "save the profile as UTF-8") as handle:
            return parse_profile(handle.read())
    return profile_from_options(
        maps,
        date_formats=date_formats,
        platform=platform,
        account=account,
        currency=currency,
        time_zone=time_zone,
        decimal=decimal,
    )


def _chosen(places: list[Workspace], name: str | None) -> Workspace:
    """The workspace of that name, or the only one."""
    wanted = [each for each in places if name is None or each.name == name]
    if len(wanted) == 1:
        return wanted[0]
    names = ", ".join(each.name for each in places)
    if name is not None and not wanted:
        raise fail(f"there is no workspace {name!r} for this person; there are: {names or 'none'}")
    raise fail(f"say which with --workspace: {names}" if places else "this person has no workspace")


async def _import(
    settings: Settings,
    user: str,
    workspace: str | None,
    handle: TextIO,
    size: int,
    profile: ImportProfile,
    skip_rejected: bool,
) -> ParsedFile:
    async with opened(settings) as container:
        viewer = await sessions.local_viewer(container.ports, user)
        place = _chosen(await workspaces.page(container.ports, viewer, Slice(1_000)), workspace)
        with Progress(console=err, transient=True, disable=not err.is_terminal) as bar:
            task = bar.add_task("reading", total=size or None)

            def lines() -> Iterator[str]:
                for number, line in enumerate(iter(lambda: handle.readline(LONGEST_LINE), ""), 1):
                    if len(line) == LONGEST_LINE:
                        raise InvalidInput(f"line {number} has {LONGEST_LINE} characters or more: this is no CSV file")
                    bar.advance(task, len(line))
                    yield line

            return await metric_imports.import_file(
                container.ports, viewer, place.id, lines(), profile, skip_rejected=skip_rejected
            )


@app.command("import-rates")
def import_rates(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV with date,from,to,rate.")],
    user: Annotated[str, typer.Option(help="Who imports: an e-mail address.")],
    source: Annotated[str, typer.Option(help="Where the rates come from; kept with them.")],
) -> None:
    """Load exchange rates into the tenant of a person.

    Example: `campaign-express import-rates ecb.csv --user ana@demo.test --source ECB`
    """
    with _text(file, "utf-8-sig", "save it as UTF-8") as handle:
        rates = parse_rates(handle, source=source)
    count = run(_import_rates(Settings(), user, rates))
    tell(f"{count} rates stored", console=out)


async def _import_rates(settings: Settings, user: str, rates: tuple[Rate, ...]) -> int:
    async with opened(settings) as container:
        viewer = await sessions.local_viewer(container.ports, user)
        return await currency_rates.import_rates(container.ports, viewer, rates)
