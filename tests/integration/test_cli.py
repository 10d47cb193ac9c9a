"""The command line: help, exit codes, keys and tokens, the log, the schema, health, and each error in one line."""

import os
import shutil
import signal
import socket
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest
from typer.testing import CliRunner

from adapters.tokens import AccessTokens
from app.cli import data
from app.cli.main import app as commands
from app.cli.main import register_commands
from app.container import key_ring
from app.settings import Settings
from domain.errors import Unauthenticated
from kit.time import SystemClock
from tests.conftest import POSTGRES_URL, require_service
from tests.integration.cli_process import Cli, free_port

COMMANDS = [
    ["up"], ["serve"], ["worker"], ["sandbox"], ["health"], ["migrate"], ["seed"], ["token"], ["import-metrics"],
    ["import-rates"], ["export-schema"], ["log", "verify"], ["log", "anchor"], ["keys", "rotate"],
    ["credentials", "rotate"], ["credentials", "new-key"], ["documents"],
]  # fmt: skip
#: Nobody answers there; in pieces, because a password in an address is what the house looks for.
NOWHERE = "postgres://me:" + "sesame" + "@127.0.0.1:1/shop"


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "var")


@pytest.fixture
def migrated(cli: Cli, sqlite_template: Path) -> Cli:
    cli.var_dir.mkdir()
    shutil.copyfile(sqlite_template, cli.var_dir / "campaign-express.db")
    return cli


@pytest.fixture(scope="module")
def seeded_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo workspace, made by the commands; never write into it."""
    port = str(free_port())
    maker = Cli(tmp_path_factory.mktemp("seeded") / "var", {"CE_SANDBOX_PORT": port})
    assert maker.lines("migrate") == ["the database is up to date"]
    assert maker.lines("migrate") == ["the database is up to date"]
    refused = maker("seed")
    assert (refused.code, refused.error_line) == (
        1,
        "META did not answer (ConnectError); is the sandbox running? start it with: campaign-express sandbox",
    )
    with maker.running("sandbox", url=f"http://127.0.0.1:{port}/health") as sandbox:
        # What the refused call began is finished, not left half made.
        assert maker.lines("seed") == ["the demo workspace is there"]
        before = counts(maker.var_dir)
        assert maker.lines("seed") == ["the demo workspace was there already"]
        assert counts(maker.var_dir) == before
        sandbox.send_signal(signal.SIGTERM)
        sandbox.wait(20)
    assert before["tenants"] == 1
    assert before["users"] == 3
    assert before["ad_accounts"] == 4
    assert before["recommendations"] >= 12
    return maker.var_dir


@pytest.fixture
def seeded(seeded_folder: Path, tmp_path: Path) -> Cli:
    shutil.copytree(seeded_folder, tmp_path / "var")
    return Cli(tmp_path / "var")


def sql(var_dir: Path, statement: str, *parameters: object) -> list[tuple[object, ...]]:
    with sqlite3.connect(var_dir / "campaign-express.db") as connection:
        return connection.execute(statement, parameters).fetchall()


def counts(var_dir: Path) -> dict[str, int]:
    """Rows of every table."""
    tables = [str(name) for (name,) in sql(var_dir, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {table: int(str(sql(var_dir, f'SELECT count(*) FROM "{table}"')[0][0])) for table in tables}


def test_every_command_explains_itself_with_an_example() -> None:
    register_commands("")
    for command in COMMANDS:
        told = CliRunner().invoke(commands, [*command, "--help"], env={"COLUMNS": "200"})
        assert told.exit_code == 0, command
        assert "Example:" in told.stdout, command
        assert f"campaign-express {' '.join(command)}" in " ".join(told.stdout.split()), command
    listed = CliRunner().invoke(commands, ["--help"], env={"COLUMNS": "200"}).stdout
    assert [first for first, *_ in COMMANDS if first not in listed] == []


def test_without_a_command_the_help_is_shown_and_an_unknown_one_is_an_error(cli: Cli) -> None:
    bare, wrong = cli(), cli("serv")
    assert (bare.code, wrong.code) == (2, 2)
    assert "import-metrics" in bare.out + bare.err
    assert "No such command 'serv'" in wrong.err
    assert wrong.out == ""


def test_a_token_is_good_for_the_person_it_was_made_for(seeded: Cli) -> None:
    [text] = seeded.lines("token", "--user", " ANA@demo.test")
    principal = tokens_of(seeded).verify(text)
    [(user_id,)] = sql(seeded.var_dir, "SELECT id FROM users WHERE email = 'ana@demo.test'")
    assert str(principal.subject_id) == user_id
    unknown = seeded("token", "--user", "zed@demo.test")
    assert (unknown.code, unknown.error_line) == (1, "nobody has the e-mail address zed@demo.test")


def tokens_of(cli: Cli) -> AccessTokens:
    clock = SystemClock()
    ring = key_ring(Settings(var_dir=cli.var_dir), "tokens", clock, 960)
    return AccessTokens(ring, "campaign-express", "campaign-express-api", clock, 900)


def test_a_rotated_key_still_verifies_and_another_rings_does_not(seeded: Cli, tmp_path: Path) -> None:
    [before] = seeded.lines("token", "--user", "ana@demo.test")
    [told] = seeded.lines("keys", "rotate", "tokens")
    [after] = seeded.lines("token", "--user", "ana@demo.test")
    kid = told.removeprefix("key ").removesuffix(" signs now")
    assert len(kid) == 43
    assert tokens_of(seeded).verify(before).subject_id == tokens_of(seeded).verify(after).subject_id
    elsewhere = Cli(tmp_path / "elsewhere")
    elsewhere.lines("keys", "rotate", "tokens")
    with pytest.raises(Unauthenticated):
        tokens_of(elsewhere).verify(before)
    wrong = seeded("keys", "rotate", "doors")
    assert (wrong.code, wrong.error_line) == (2, "the rings are: tokens, anchors")


def test_tokens_are_sealed_anew_and_a_damaged_ring_is_told_without_its_keys(seeded: Cli) -> None:
    [added, resealed, forgotten] = seeded.lines("credentials", "rotate")
    assert added.endswith(" seals now")
    assert (resealed, forgotten) == ("3 connections sealed under the newest key", "0 old keys forgotten")
    assert seeded.lines("credentials", "rotate")[1:] == [resealed, "1 old keys forgotten"]
    [fresh] = seeded.lines("credentials", "new-key")
    wrong = seeded("credentials", "rotate", CE_CREDENTIAL_KEYS=fresh)
    missing = f"the key {resealed_by(seeded)!r} that sealed a credential is not in the ring"
    what_to_do = "check CE_CREDENTIAL_KEYS, or the file in CE_VAR_DIR/keys"
    assert (wrong.code, wrong.error_line) == (1, f"{missing}; {what_to_do}")
    damaged = seeded("credentials", "rotate", CE_CREDENTIAL_KEYS="a:short")
    assert (damaged.code, "short" in damaged.error_line) == (1, False)


def resealed_by(cli: Cli) -> str:
    """The id of the key in the file that seals."""
    return (cli.var_dir / "keys" / "credentials.keys").read_text("ascii").partition(":")[0]


def test_the_log_is_sound_until_somebody_edits_a_row(seeded: Cli) -> None:
    assert seeded.lines("log", "verify") == ["1 chain(s) sound"]
    assert seeded.lines("log", "anchor") == ["1 anchor(s) kept"]
    assert seeded.lines("log", "anchor") == ["0 anchor(s) kept"]
    sql(seeded.var_dir, "UPDATE log_entries SET kind = 'plan.forged' WHERE sequence = 7")
    found = seeded("log", "verify")
    [(tenant_id,)] = sql(seeded.var_dir, "SELECT id FROM tenants")
    assert (found.code, found.out) == (3, "")
    assert found.err.splitlines()[0].startswith(f"tenant {tenant_id}: row 7: ")


def test_a_log_cut_off_below_its_anchor_is_found(seeded: Cli) -> None:
    seeded.lines("log", "anchor")
    [(head,)] = sql(seeded.var_dir, "SELECT max(sequence) FROM log_entries")
    sql(seeded.var_dir, "DELETE FROM log_entries WHERE sequence = ?", head)
    assert seeded("log", "verify").code == 3


def test_the_schema_is_compared_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register_commands("")
    monkeypatch.setattr(data, "SCHEMA_FILE", tmp_path / "schema.graphql")
    run = CliRunner().invoke
    missing = run(commands, ["export-schema", "--check"])
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert run(commands, ["export-schema"]).stdout == f"{tmp_path / 'schema.graphql'} written\n"
    same = run(commands, ["export-schema", "--check"])
    assert (same.exit_code, same.stdout) == (0, "schema.graphql is up to date\n")
    (tmp_path / "schema.graphql").write_text("type Query { changed: Int }\n")
    changed = run(commands, ["export-schema", "--check"])
    assert (changed.exit_code, changed.stdout) == (1, "")
    assert "run campaign-express export-schema" in changed.stderr


def test_health_is_an_exit_code_for_containers(cli: Cli) -> None:
    port = free_port()
    silent = cli("health", f"http://127.0.0.1:{port}/health")
    assert silent.code == 1
    assert silent.error_line.startswith(f"http://127.0.0.1:{port}/health does not answer: ")
    with cli.running("sandbox", "--port", str(port), url=f"http://127.0.0.1:{port}/health"):
        assert cli.lines("health", f"http://127.0.0.1:{port}/health") == []
        lost = cli("health", f"http://127.0.0.1:{port}/nowhere")
        assert (lost.code, lost.error_line) == (1, f"http://127.0.0.1:{port}/nowhere answered 404")
    assert cli("health").code == 2
    assert cli("health", "http://[").code == 1


def test_an_api_without_its_database_is_not_ready_until_it_has_it_again(migrated: Cli) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/ready"
    with migrated.running("serve", "--port", str(port), url=url):
        sql(migrated.var_dir, "ALTER TABLE log_heads RENAME TO gone")
        sick = migrated("health", url)
        assert (sick.code, sick.error_line) == (1, f"{url} answered 503")
        assert migrated.lines("health", f"http://127.0.0.1:{port}/health") == []
        sql(migrated.var_dir, "ALTER TABLE gone RENAME TO log_heads")
        assert migrated.lines("health", url) == []


def test_a_workers_health_is_its_heartbeat(cli: Cli) -> None:
    heartbeat = cli.var_dir / "worker.heartbeat"
    missing = cli("health", "--worker")
    assert (missing.code, missing.error_line) == (
        1,
        f"there is no heartbeat at {heartbeat}: the worker has not started",
    )
    cli.var_dir.mkdir()
    heartbeat.touch()
    assert cli.lines("health", "--worker") == []
    an_hour_ago = time.time() - 3_600
    os.utime(heartbeat, (an_hour_ago, an_hour_ago))
    stuck = cli("health", "--worker")
    assert stuck.code == 1
    assert stuck.error_line.startswith("the worker's last heartbeat is 360")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("CE_API_PORT", "abc", "Input should be a valid integer"),
        ("CE_API_PORT", "65536", "Input should be less than or equal to 65535"),
        ("CE_DATABASE_POOL", "0", "Input should be greater than or equal to 1"),
        ("CE_DATABASE_URL", "mysql://me@db/shop", "an address begins with sqlite:// or postgres://"),
        ("CE_DATABASE_URL", "postgres://me:secret", "Port could not be cast to integer"),
        ("CE_REDIS_URL", "127.0.0.1:6379", "an address begins with redis:// or rediss://"),
        ("CE_CLOCK", "sundial", "Input should be 'system' or 'sandbox'"),
    ],
)
def test_a_bad_setting_is_named(cli: Cli, name: str, value: str, told: str) -> None:
    done = cli("migrate", **{name: value})
    assert done.code == 1
    assert done.error_line.startswith(f"the setting {name} is not good: {told}")
    assert not cli.var_dir.exists()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("CE_LOG_KEY", "zz", "CE_LOG_KEY must hold 32 bytes in hexadecimal"),
        ("CE_LOG_KEY", "00ff", "CE_LOG_KEY must hold 32 bytes in hexadecimal"),
        ("CE_TOKENS_KEYS", "{}", "the key ring is damaged: "),
    ],
)
def test_bad_keys_are_refused_before_anything_is_signed(migrated: Cli, name: str, value: str, told: str) -> None:
    done = migrated("token", "--user", "ana@demo.test", **{name: value})
    assert done.code == 1
    assert done.error_line.startswith(told)


@pytest.mark.parametrize("command", [["token", "--user", "a@demo.test"], ["log", "verify"], ["worker"], ["serve"]])
def test_a_database_without_tables_is_told_what_to_do(cli: Cli, command: list[str]) -> None:
    done = cli(*command, CE_API_PORT="0")
    assert (done.code, done.error_line) == (
        1,
        f"the database {cli.var_dir}/campaign-express.db has not the newest tables; run: campaign-express migrate",
    )


@pytest.mark.parametrize("command", [["migrate"], ["log", "verify"], ["worker"]])
def test_a_database_that_does_not_answer_is_named_without_its_password(cli: Cli, command: list[str]) -> None:
    done = cli(*command, CE_DATABASE_URL=NOWHERE)
    assert done.code == 1
    assert done.error_line.startswith("the database shop at 127.0.0.1:1 cannot be used: ")
    assert done.error_line.endswith("; check CE_DATABASE_URL")
    assert "sesame" not in done.err


@pytest.mark.parametrize("command", [["migrate"], ["log", "verify"]])
def test_a_file_that_is_no_database_is_told(cli: Cli, command: list[str]) -> None:
    cli.var_dir.mkdir()
    (cli.var_dir / "campaign-express.db").write_text("a shopping list, and not a short one\n" * 100)
    done = cli(*command)
    assert (done.code, done.error_line) == (
        1,
        f"the database {cli.var_dir}/campaign-express.db cannot be used: file is not a database; check CE_DATABASE_URL",
    )


@pytest.mark.parametrize("command", [["migrate"], ["up"], ["token", "--user", "a@demo.test"], ["sandbox"]])
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "file").touch()
    done = Cli(tmp_path / "file" / "var")(*command, CE_SANDBOX_PORT=str(free_port()), CE_API_PORT=str(free_port()))
    assert (done.code, done.error_line) == (
        1,
        f"cannot use {tmp_path}/file/var: Not a directory; CE_VAR_DIR says where local state is kept",
    )


@pytest.mark.parametrize(("command", "setting"), [("serve", "CE_API_PORT"), ("sandbox", "CE_SANDBOX_PORT")])
def test_a_port_in_use_is_told_and_nothing_is_left_behind(cli: Cli, command: str, setting: str) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        done = cli(command, **{setting: str(port)})
    assert (done.code, done.error_line) == (
        1,
        f"cannot listen at http://127.0.0.1:{port}: Address already in use; set {setting} or give --host and --port",
    )
    assert not cli.var_dir.exists()
    assert cli(command, "--port", "65536").code == 2


def test_the_sandboxs_clock_needs_the_sandbox(migrated: Cli) -> None:
    port = free_port()
    follow = {"CE_CLOCK": "sandbox", "CE_SANDBOX_PORT": str(port), "CE_API_PORT": "0"}
    silent = migrated("serve", **follow)
    assert silent.code == 1
    assert silent.error_line.startswith(f"the sandbox does not answer at http://127.0.0.1:{port}; start it with: ")
    api = f"http://127.0.0.1:{port}"
    with migrated.running("serve", "--port", str(port), url=f"{api}/health"):
        wrong = migrated("worker", **follow)
    assert (wrong.code, wrong.error_line) == (1, f"what answers at {api} is not the sandbox")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", [["serve", "--with-worker"], ["worker"]])
def test_servers_stop_in_good_order(migrated: Cli, command: list[str], number: signal.Signals) -> None:
    port = free_port()
    heartbeat = migrated.var_dir / "worker.heartbeat"
    with migrated.running(*command, CE_API_PORT=str(port)) as process:
        deadline = time.monotonic() + 100
        while not heartbeat.exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(number)
        out, told = process.communicate(timeout=100)
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in told
    assert "ERROR" not in told
    # Closed, not just dropped: SQLite folds its side files into the database when the last connection ends.
    assert not (migrated.var_dir / "campaign-express.db-wal").exists()


@pytest.fixture
async def empty_postgres() -> AsyncIterator[str]:
    """The address of a PostgreSQL database without tables."""
    require_service(POSTGRES_URL)
    name = f"cli_{uuid4().hex}"
    connection = await asyncpg.connect(POSTGRES_URL)
    await connection.execute(f'CREATE DATABASE "{name}"')
    yield urlunsplit(urlsplit(POSTGRES_URL)._replace(path=f"/{name}"))
    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await connection.close()


def test_the_same_commands_on_postgres(tmp_path: Path, empty_postgres: str) -> None:
    cli = Cli(tmp_path / "var", {"CE_DATABASE_URL": empty_postgres})
    untouched = cli("log", "verify")
    assert untouched.code == 1
    assert untouched.error_line.endswith("has not the newest tables; run: campaign-express migrate")
    assert cli.lines("migrate") == ["the database is up to date"]
    assert cli.lines("migrate") == ["the database is up to date"]
    assert cli.lines("log", "verify") == ["0 chain(s) sound"]
    port = str(free_port())
    with cli.running("sandbox", "--port", port, url=f"http://127.0.0.1:{port}/health"):
        assert cli.lines("seed", CE_SANDBOX_PORT=port) == ["the demo workspace is there"]
        assert cli.lines("seed", CE_SANDBOX_PORT=port) == ["the demo workspace was there already"]
    [token] = cli.lines("token", "--user", "ben@demo.test")
    assert tokens_of(cli).verify(token).tenant_id is not None
    assert cli.lines("log", "verify") == ["1 chain(s) sound"]


def test_a_postgres_database_that_is_not_there_is_told(cli: Cli) -> None:
    require_service(POSTGRES_URL)
    absent = urlunsplit(urlsplit(POSTGRES_URL)._replace(path="/no_such_shop"))
    done = cli("migrate", CE_DATABASE_URL=absent)
    assert done.code == 1
    assert done.error_line.startswith("the database no_such_shop at ")
    assert done.error_line.endswith("; check CE_DATABASE_URL")
