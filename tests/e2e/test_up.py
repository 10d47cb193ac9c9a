"""The whole product under one command: started, stopped, killed, started again, and on another day."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.cli_process import Cli, answers, free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

OPEN = """query ($ws: ID!) { recommendations(workspaceId: $ws, first: 100, statuses: [NEEDS_REVIEW]) { nodes {
    id version platform campaignName delta { amount } } } }"""
APPROVE = """mutation ($id: ID!, $v: Int!, $key: String!) {
    recommendationApprove(id: $id, expectedVersion: $v, idempotencyKey: $key) {
        recommendation { status } userErrors { code } } }"""


@dataclass
class Product:
    """`up` over one folder, on ports of its own."""

    cli: Cli
    api: str
    sandbox: str
    bid: str
    process: subprocess.Popen[str] = field(init=False)

    @classmethod
    def over(cls, folder: Path) -> "Product":
        ports = {name: free_port() for name in ("API", "SANDBOX", "BID", "BID_METRICS")}
        settings = {f"CE_{name}_PORT": str(port) for name, port in ports.items()}
        addresses = [f"http://127.0.0.1:{ports[name]}" for name in ("API", "SANDBOX", "BID")]
        return cls(Cli(folder / "var", {**settings, "CE_CLOCK": "sandbox"}), *addresses)

    @contextmanager
    def up(self) -> Iterator[None]:
        """Running, until the block ends or ends it."""
        with self.cli.running("up", url=f"{self.bid}/ready") as self.process:
            yield

    def stop(self) -> str:
        """Ctrl-C; returns what it printed. It must end well."""
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=60)
        assert (self.process.returncode, err) == (0, "")
        return out

    def children(self) -> dict[str, int]:
        """Process ids by what they run."""
        listed = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=True
        )
        found = [line.split(maxsplit=1) for line in listed.stdout.splitlines()]
        return {args.split(" -m app ")[1].split()[0]: int(pid) for pid, args in found if " -m app " in args}

    def token(self, user: str) -> str:
        [text] = self.cli.lines("token", "--user", f"{user}@demo.test")
        return text

    def sign_in(self, email: str, password: str) -> str:
        query = (
            "mutation ($e: String!, $p: String!) { sessionCreate(email: $e, password: $p) { session { accessToken } } }"
        )
        return str(self.ask(None, query, e=email, p=password)["sessionCreate"]["session"]["accessToken"])

    def ask(self, token: str | None, query: str, **variables: object) -> dict[str, Any]:
        answer = httpx.post(
            f"{self.api}/graphql",
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {token}"} if token else {},
            trust_env=False,
            timeout=30,
        )
        told: dict[str, Any] = answer.json()
        assert "errors" not in told, told
        data: dict[str, Any] = told["data"]
        return data

    def workspaces(self, token: str) -> list[str]:
        nodes = self.ask(token, "{ workspaces(first: 10) { nodes { id } } }")["workspaces"]["nodes"]
        return [node["id"] for node in nodes]

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(f"file:{self.cli.var_dir}/campaign-express.db?mode=ro", uri=True) as connection:
            return connection.execute(statement).fetchall()

    def advance(self, days: int) -> None:
        url = f"{self.sandbox}/control/clock/advance"
        httpx.post(url, json={"days": days}, trust_env=False, timeout=60).raise_for_status()


@pytest.fixture
def product(tmp_path: Path) -> Product:
    return Product.over(tmp_path)


def until(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.2)


def last_day(product: Product) -> str:
    return str(product.sql("SELECT max(day) FROM daily_metrics")[0][0])


def plans(product: Product) -> int:
    return int(product.sql("SELECT count(*) FROM plans")[0][0])


def bids(product: Product) -> dict[str, str]:
    """Whose ad is bid on each impression of a request."""
    imps = [{"id": "1", "banner": {"w": 180, "h": 150}}, {"id": "2", "video": {"mimes": ["video/mp4"]}}]
    answer = httpx.post(f"{product.bid}/v1/bid", json={"id": "r", "imp": imps}, trust_env=False, timeout=30)
    return {bid["impid"]: bid["adomain"][0] for seat in answer.json()["seatbid"] for bid in seat["bid"]}


@pytest.mark.req("RB-1.1")
def test_a_newcomer_finds_a_full_workspace_and_finds_it_again(product: Product) -> None:
    with product.up():
        assert product.process.stdout is not None
        banner = "".join(iter(product.process.stdout.readline, "  Ctrl-C stops everything.\n"))
        assert f"review page      {product.api}/\n" in banner
        password = banner.split("all with the password ")[1].split()[0]
        ana, *others = [product.sign_in(f"{who}@demo.test", password) for who in ("ana", "ben", "cleo")]
        [workspace] = product.workspaces(ana)
        assert [product.workspaces(each) for each in others] == [[workspace]] * 2
        found = product.ask(ana, OPEN, ws=workspace)["recommendations"]["nodes"]
        assert len(found) >= 12
        assert {each["platform"] for each in found} == {"META", "GOOGLE", "TIKTOK"}
        [[days]] = product.sql("SELECT count(DISTINCT day) FROM daily_metrics")
        assert days >= 90
        assert [answers(f"{product.api}{path}") for path in ("/", "/explorer", "/metrics")] == [True] * 3
        assert bids(product) == {"1": "demo.example", "2": "demo.example"}
        assert product.stop().endswith("stopping\nstopped\n")
    assert not answers(f"{product.api}/health")
    assert not answers(f"{product.bid}/health")
    assert not answers(f"{product.sandbox}/health")

    before = product.sql("SELECT count(*) FROM tenants"), product.sql("SELECT count(*) FROM recommendations")
    with product.up():
        ana = product.token("ana")
        assert product.workspaces(ana) == [workspace]
        assert product.ask(ana, OPEN, ws=workspace)["recommendations"]["nodes"] == found
        assert (
            product.sql("SELECT count(*) FROM tenants"),
            product.sql("SELECT count(*) FROM recommendations"),
        ) == before
        product.stop()
    assert product.cli.lines("log", "verify", CE_CLOCK="system") == ["1 chain(s) sound"]


@pytest.mark.req("RB-1.1")
def test_started_again_on_another_day_it_lives_through_what_it_missed(product: Product) -> None:
    with product.up():
        day, made = last_day(product), plans(product)
        product.stop()
    with product.cli.running("sandbox", url=f"{product.sandbox}/health") as sandbox:
        product.advance(days=2)
        sandbox.send_signal(signal.SIGTERM)
        sandbox.wait(20)
    with product.up():
        until(lambda: last_day(product) > day)
        until(lambda: plans(product) > made)
        # A day that passes while it runs is lived through, too, and a token from the command line is of that day.
        day, made = last_day(product), plans(product)
        product.advance(days=1)
        until(lambda: last_day(product) > day)
        until(lambda: plans(product) > made)
        ana = product.token("ana")
        [workspace] = product.workspaces(ana)
        assert product.ask(ana, OPEN, ws=workspace)["recommendations"]["nodes"]
        product.stop()


def test_a_killed_child_is_told_and_takes_the_rest_down(product: Product) -> None:
    with product.up():
        os.kill(product.children()["serve"], signal.SIGKILL)
        _, err = product.process.communicate(timeout=60)
        assert product.process.returncode == 1
        assert err.startswith("api ended (by signal 9); the others are stopped")
        assert "Traceback" not in err
    assert not answers(f"{product.sandbox}/health")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent is gone")
def test_killed_outright_while_people_approve_nothing_is_left_half_done(product: Product) -> None:
    with product.up():
        ana = product.token("ana")
        [workspace] = product.workspaces(ana)
        cuts = [
            each
            for each in product.ask(ana, OPEN, ws=workspace)["recommendations"]["nodes"]
            if Decimal(each["delta"]["amount"]) < 0
        ]
        acknowledged: list[str] = []

        def approve_all() -> None:
            for each in cuts:
                try:
                    told = product.ask(ana, APPROVE, id=each["id"], v=each["version"], key=each["id"])
                except httpx.TransportError:
                    return
                if told["recommendationApprove"]["userErrors"] == []:
                    acknowledged.append(each["id"])

        approving = threading.Thread(target=approve_all)
        approving.start()
        until(lambda: len(acknowledged) >= 2)
        children = product.children()
        os.kill(children["serve"], signal.SIGKILL)
        product.process.kill()
        product.process.communicate(timeout=60)
        approving.join(60)
    until(lambda: not answers(f"{product.sandbox}/health"), 20)
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children.values()), 20)
    assert product.cli.lines("log", "verify", CE_CLOCK="system") == ["1 chain(s) sound"]
    approved = product.sql("SELECT id FROM recommendations WHERE status = 'APPROVED'")
    intended = product.sql("SELECT recommendation_id FROM adjustments")
    # What was acknowledged is kept; each approval has its change, and none stands alone.
    assert sorted(approved) == sorted(intended)
    assert len(approved) >= len(acknowledged) >= 2

    with product.up():
        ana = product.token("ana")
        assert product.workspaces(ana) == [workspace]
        # What was approved before the kill is sent now, each once.
        done = "SELECT count(*) FROM adjustments WHERE status = 'CONFIRMED'"
        until(lambda: product.sql(done) == [(len(approved),)], 120)
        ledger = httpx.get(f"{product.sandbox}/control/ledger", trust_env=False).json()["effects"]
        assert len(ledger) == len(approved)
        product.stop()
    assert product.cli.lines("log", "verify", CE_CLOCK="system") == ["1 chain(s) sound"]


def test_a_second_start_over_the_same_folder_is_refused_and_harms_nothing(product: Product) -> None:
    with product.up():
        others = {f"CE_{name}_PORT": str(free_port()) for name in ("API", "SANDBOX", "BID", "BID_METRICS")}
        second = product.cli("up", **others)
        assert (second.code, second.out) == (1, "")
        assert second.err.startswith(f"{product.cli.var_dir} is in use by another `make run`")
        assert answers(f"{product.api}/health")
        product.stop()


def test_ports_that_cannot_be_named_are_refused(tmp_path: Path) -> None:
    done = Cli(tmp_path / "var")("up", CE_API_PORT="0")
    assert (done.code, done.error_line) == (
        1,
        "`up` needs ports that it can name: set CE_API_PORT, CE_SANDBOX_PORT and CE_BID_PORT to others than 0",
    )
    assert not (tmp_path / "var").exists()
