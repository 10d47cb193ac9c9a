"""`import-metrics` and `import-rates` as people type them: what is stored, what is refused, and in which words."""

import os
import shutil
import signal
import sqlite3
from pathlib import Path

import pytest

from tests.integration.cli_process import Cli, free_port

PROFILES = Path(__file__).parents[2] / "docs" / "import-profiles"
ANA = ("--user", "ana@demo.test")
CONSTANTS = ("--platform", "META", "--account", "shop", "--currency", "USD")
MAPS = ("--map", "day=day", "--map", "campaign=id", "--map", "spend=cost", "--map", "clicks=clicks")
GOOD = "day,id,cost,clicks\n2026-03-01,a,10.50,5\n2026-03-01,a,0.25,1\n2026-03-02,b,7,2\n"
MIXED = GOOD + "2026-03-03,b,-1,5\n2026-03-04,b,abc,5\n"


@pytest.fixture(scope="module")
def seeded_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    port = str(free_port())
    maker = Cli(tmp_path_factory.mktemp("seeded") / "var", {"CE_SANDBOX_PORT": port})
    maker.lines("migrate")
    with maker.running("sandbox", url=f"http://127.0.0.1:{port}/health") as sandbox:
        maker.lines("seed")
        sandbox.send_signal(signal.SIGTERM)
        sandbox.wait(20)
    return maker.var_dir


@pytest.fixture
def cli(seeded_folder: Path, tmp_path: Path) -> Cli:
    shutil.copytree(seeded_folder, tmp_path / "var")
    return Cli(tmp_path / "var")


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return tmp_path / "export.csv"


def stored(cli: Cli, account: str = "shop") -> list[tuple[str, str, int, int]]:
    """(campaign, day, spend in micros, clicks) of an account's days."""
    with sqlite3.connect(cli.var_dir / "campaign-express.db") as connection:
        return connection.execute(
            "SELECT c.external_id, d.day, d.spend_micros, d.clicks FROM daily_metrics d "
            "JOIN campaigns c ON c.id = d.campaign_id JOIN ad_accounts a ON a.id = c.account_id "
            "WHERE a.external_id = ? ORDER BY 1, 2",
            (account,),
        ).fetchall()


STORED = [("a", "2026-03-01", 10_750_000, 6), ("b", "2026-03-02", 7_000_000, 2)]


def test_mapped_columns_are_summed_and_the_same_days_replaced(cli: Cli, export: Path) -> None:
    export.write_text(GOOD)
    for _ in range(2):
        assert cli.lines("import-metrics", str(export), *ANA, *CONSTANTS, *MAPS) == ["3 rows as 2 campaign days stored"]
        assert stored(cli) == STORED


def test_a_profile_says_the_same(cli: Cli, export: Path, tmp_path: Path) -> None:
    export.write_text(GOOD)
    profile = tmp_path / "shop.toml"
    profile.write_text(
        'platform = "META"\naccount = "shop"\ncurrency = "USD"\n'
        '[columns]\nday = "day"\ncampaign = "id"\nspend = "cost"\nclicks = "clicks"\n'
    )
    told = cli.lines("import-metrics", str(export), *ANA, "--profile", str(profile))
    assert told == ["3 rows as 2 campaign days stored"]
    assert stored(cli) == STORED


def test_one_rejected_row_stops_the_whole_file(cli: Cli, export: Path) -> None:
    export.write_text(MIXED)
    done = cli("import-metrics", str(export), *ANA, *CONSTANTS, *MAPS)
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines() == [
        "line 5, cost: negative ('-1')",
        "line 6, cost: not an amount with decimal '.' ('abc')",
        "campaign-express: 2 of 5 rows were rejected and nothing was stored; mend them, or give --skip-rejected",
    ]
    assert stored(cli) == []


def test_the_good_rows_are_stored_where_that_is_asked_for(cli: Cli, export: Path) -> None:
    export.write_text(MIXED)
    done = cli("import-metrics", str(export), *ANA, *CONSTANTS, *MAPS, "--skip-rejected")
    assert (done.code, done.out) == (0, "3 rows as 2 campaign days stored\n")
    assert [line.split(",")[0] for line in done.err.splitlines()] == ["line 5", "line 6"]
    assert stored(cli) == STORED
    export.write_text("day,id,cost,clicks\n2026-03-03,b,-1,5\n")
    none = cli("import-metrics", str(export), *ANA, *CONSTANTS, *MAPS, "--skip-rejected")
    assert (none.code, none.out) == (1, "")
    assert "1 of 1 rows were rejected and nothing was stored" in none.err


def test_text_in_another_encoding(cli: Cli, export: Path) -> None:
    export.write_bytes("day,id,cost,clicks\n2026-03-01,Café,1,2\n".encode("latin-1"))
    wrong = cli("import-metrics", str(export), *ANA, *CONSTANTS, *MAPS)
    assert wrong.code == 1
    assert wrong.error_line.startswith(f"{export} is not text in utf-8-sig: ")
    assert wrong.error_line.endswith("; give another --encoding, such as latin-1")
    assert stored(cli) == []
    cli.lines("import-metrics", str(export), *ANA, *CONSTANTS, *MAPS, "--encoding", "latin-1")
    assert stored(cli) == [("Café", "2026-03-01", 1_000_000, 2)]
    unknown = cli("import-metrics", str(export), *ANA, *CONSTANTS, *MAPS, "--encoding", "base64")
    assert (unknown.code, unknown.error_line) == (
        2,
        "'base64' is not an encoding of text; usual are utf-8-sig, utf-16 and latin-1",
    )


def test_a_pipe_is_read_like_a_file(cli: Cli) -> None:
    done = cli("import-metrics", "/dev/stdin", *ANA, *CONSTANTS, *MAPS, stdin=GOOD)
    assert (done.code, done.out) == (0, "3 rows as 2 campaign days stored\n")
    assert stored(cli) == STORED


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (
            ("--map", "day=day", "--map", "campaign=Campaign", "--map", "spend=cost"),
            1,
            "column 'Campaign' for campaign is not in the file; its columns are: day, id, cost, clicks",
        ),
        (("--map", "day"), 1, "'day' is not a map; write field=Column, such as spend=Spent"),
        ((*MAPS, "--workspace", "Else"), 1, "there is no workspace 'Else' for this person; there are: Demo marketing"),
        ((*MAPS, "--time-zone", "Mars/Olympus"), 1, "'Mars/Olympus' is not an IANA time zone"),
        (
            (*MAPS, "--profile", str(PROFILES / "kag_facebook_conversion.toml")),
            2,
            "a --profile says all of it: give it alone, or --map and the other options without it",
        ),
    ],
)
def test_what_is_wrong_with_the_request_is_one_line(
    cli: Cli, export: Path, arguments: tuple[str, ...], code: int, told: str
) -> None:
    export.write_text(GOOD)
    done = cli("import-metrics", str(export), *ANA, *CONSTANTS, *arguments)
    assert (done.code, done.error_line) == (code, told)
    assert stored(cli) == []


@pytest.mark.parametrize(
    ("user", "told"),
    [
        ("cleo@demo.test", "this needs the permission campaign:write in this workspace"),
        ("zed@demo.test", "nobody has the e-mail address zed@demo.test"),
        ("zed", "this is not an e-mail address"),
    ],
)
def test_who_may_not_import_is_told(cli: Cli, export: Path, user: str, told: str) -> None:
    export.write_text(GOOD)
    done = cli("import-metrics", str(export), "--user", user, *CONSTANTS, *MAPS)
    assert (done.code, done.error_line) == (1, told)
    assert stored(cli) == []


def test_files_that_cannot_be_read(cli: Cli, export: Path, tmp_path: Path) -> None:
    for absent in (tmp_path / "absent.csv", tmp_path):
        done = cli("import-metrics", str(absent), *ANA, *CONSTANTS, *MAPS)
        assert (done.code, done.out) == (2, "")
        assert "Invalid value for 'file'" in done.err
    export.write_bytes(b"")
    empty = cli("import-metrics", str(export), *ANA, *CONSTANTS, *MAPS)
    assert (empty.code, empty.error_line) == (1, "the file has no header line")
    export.write_bytes(b"\0" * 3_000_000)
    endless = cli("import-metrics", str(export), *ANA, *CONSTANTS, *MAPS)
    assert (endless.code, endless.error_line) == (
        1,
        "line 1 has 1000000 characters or more: this is no CSV file",
    )
    profile = tmp_path / "bad.toml"
    profile.write_bytes(b"\xff\xfe")
    done = cli("import-metrics", str(export), *ANA, "--profile", str(profile))
    assert done.code == 1
    assert done.error_line.endswith("; save the profile as UTF-8")


def test_what_a_file_says_cannot_steer_the_terminal(cli: Cli, export: Path) -> None:
    export.write_text("day,\x1b[2J,id,cost\n2026-03-01,x,a,1\n")
    done = cli("import-metrics", str(export), *ANA, *CONSTANTS, *MAPS)
    assert done.code == 1
    assert "its columns are: day, \\x1b[2J, id, cost" in done.error_line


def test_rates_make_a_foreign_currency_importable(cli: Cli, export: Path, tmp_path: Path) -> None:
    export.write_text(GOOD)
    euros = ("--platform", "META", "--account", "laden", "--currency", "EUR")
    refused = cli("import-metrics", str(export), *ANA, *euros, *MAPS)
    assert refused.code == 1
    assert "EUR to USD" in refused.err
    rates = tmp_path / "rates.csv"
    rates.write_text("date,from,to,rate\n2026-02-27,EUR,USD,1.1813\n")
    assert cli.lines("import-rates", str(rates), *ANA, "--source", "ECB") == ["1 rates stored"]
    cli.lines("import-metrics", str(export), *ANA, *euros, *MAPS)
    assert stored(cli, "laden") == STORED


@pytest.mark.parametrize(
    ("text", "source", "user", "told"),
    [
        ("date,from,to\n", "ECB", "ana", "rates have no column rate; columns are: date, from, to"),
        (
            "date,from,to,rate\n2026-02-27,EUR,USD,-1\n",
            "ECB",
            "ana",
            "rates, line 2: '-1' is not a rate above 0 and below 1000000000",
        ),
        ("date,from,to,rate\n2026-02-27,EUR,USD,1.2\n", " ", "ana", "say who published the rates"),
        (
            "date,from,to,rate\n2026-02-27,EUR,USD,1.2\n",
            "ECB",
            "cleo",
            "this needs the permission campaign:write in this workspace",
        ),
    ],
)
def test_bad_rates_are_refused_in_one_line(
    cli: Cli, tmp_path: Path, text: str, source: str, user: str, told: str
) -> None:
    rates = tmp_path / "rates.csv"
    rates.write_text(text)
    done = cli("import-rates", str(rates), "--user", f"{user}@demo.test", "--source", source)
    assert (done.code, done.error_line) == (1, told)


@pytest.mark.external_data
@pytest.mark.skipif("EXTERNAL_DATA" not in os.environ, reason="EXTERNAL_DATA names no folder")
def test_published_files_load_with_their_profiles(cli: Cli, tmp_path: Path) -> None:
    folder = Path(os.environ["EXTERNAL_DATA"]) / "ads"
    rates = tmp_path / "rates.csv"
    # Made up, and weekly: the files are in euros and yen over years.
    rates.write_text(
        "date,from,to,rate\n" + "".join(
            f"{year}-{month:02}-{day:02},{code},USD,{rate}\n"
            for year in range(2015, 2026) for month in range(1, 13) for day in (1, 8, 15, 22, 28)
            for code, rate in (("EUR", "1.1"), ("JPY", "0.0069"))
        )
    )  # fmt: skip
    cli.lines("import-rates", str(rates), *ANA, "--source", "made up for a test")
    said = {
        path.stem: cli.lines("import-metrics", str(folder / f"{path.stem}.csv"), *ANA, "--profile", str(path))
        for path in sorted(PROFILES.glob("*.toml"))
    }
    assert said == {
        "fb_vs_adwords_daily_2019": ["365 rows as 730 campaign days stored"],
        "kag_facebook_conversion": ["1143 rows as 85 campaign days stored"],
        "online_advertising_performance": ["15408 rows as 212 campaign days stored"],
        "robyn_dt_simulated_weekly": ["208 rows as 1040 campaign days stored"],
        "sony_aba_criteo_filtered": ["124 rows as 124 campaign days stored"],
        "sony_aba_internet_service_provider": ["368 rows as 368 campaign days stored"],
    }
