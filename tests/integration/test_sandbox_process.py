"""The sandbox as a process of its own: killed without warning, it comes back as it was."""

import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx

CAMPAIGN = "1780000000000001"
HEADERS = {"access-token": "sandbox-tiktok-token"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def sandbox(state_path: Path):
    port = free_port()
    program = "import sys; from pathlib import Path; from sandbox.app import serve; serve('127.0.0.1', int(sys.argv[1]), Path(sys.argv[2]))"
    process = subprocess.Popen([sys.executable, "-c", program, str(port), str(state_path)])
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            deadline = time.monotonic() + 30
            while True:
                assert process.poll() is None, "the sandbox ended"
                try:
                    client.get("/health").raise_for_status()
                    break
                except httpx.TransportError:
                    assert time.monotonic() < deadline, "the sandbox did not answer"
                    time.sleep(0.05)
            yield client, process
    finally:
        process.kill()
        process.wait()


def test_killed_it_keeps_its_ledger_its_budgets_and_its_clock(tmp_path):
    state_path = tmp_path / "sandbox.db"
    with sandbox(state_path) as (client, process):
        client.post("/control/clock/advance", json={"days": 3})
        body = {"advertiser_id": "7100000000000000001", "campaign_id": CAMPAIGN, "budget": 77.5}
        answer = client.post("/tiktok/open_api/v1.3/campaign/update/", json=body, headers=HEADERS).json()
        assert (answer["code"], answer["data"]) == (0, {"campaign_id": CAMPAIGN})
        ledger = client.get("/control/ledger").json()
        process.send_signal(signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL
    with sandbox(state_path) as (client, process):
        assert client.get("/control/ledger").json() == ledger
        assert client.get("/control/clock").json()["offset_seconds"] == 3 * 86_400
        query = {"advertiser_id": "7100000000000000001", "filtering": f'{{"campaign_ids": ["{CAMPAIGN}"]}}'}
        found = client.get("/tiktok/open_api/v1.3/campaign/get/", params=query, headers=HEADERS).json()["data"]["list"]
        assert [(row["campaign_id"], row["budget"], row["budget_mode"]) for row in found] == [
            (CAMPAIGN, 77.5, "BUDGET_MODE_DAY")
        ]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) in (0, -signal.SIGTERM)
    assert [(row["after_micros"], row["request_id"]) for row in ledger["effects"]] == [
        (77_500_000, answer["request_id"])
    ]
