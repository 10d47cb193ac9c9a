"""Named crash points: a process dies or freezes at the one it was told, a name that is none is refused at start."""

import os
import signal
import subprocess
import sys

import pytest

from kit.crash_points import KILLED, POINTS, reach

PROGRAM = """
from kit.crash_points import reach
for n in range(3):
    reach("dispatch.after_intent")
    print(n, flush=True)
    reach("dispatch.after_call")
"""


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("dispatch.after_intent", ""),
        ("dispatch.after_intent:1", ""),
        ("dispatch.after_intent:3", "0\n1\n"),
        ("dispatch.after_call:2", "0\n1\n"),
    ],
)
def test_the_process_is_gone_at_its_point(at: str, told: str) -> None:
    ended = run(CE_CRASH_AT=at)
    assert (ended.returncode, ended.stdout, ended.stderr) == (KILLED, told, "")


def test_unset_or_not_reached_nothing_happens() -> None:
    assert run().stdout == "0\n1\n2\n"
    assert run(CE_CRASH_AT="dispatch.after_call:4").returncode == 0
    assert run(CE_CRASH_AT="recheck.after_read").stdout == "0\n1\n2\n"


@pytest.mark.parametrize("name", ["dispatch.after_everything", "dispatch.after_call:0", "dispatch.after_call:x", ":1"])
def test_a_name_that_is_no_crash_point_is_refused_at_start(name: str) -> None:
    ended = run(CE_CRASH_AT=name)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"CE_CRASH_AT={name} is no crash point")
    assert ended.stderr.count("\n") == 1


def test_a_frozen_process_goes_on_when_it_is_continued() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "CE_FREEZE_AT": "dispatch.after_intent:2"},
        stdout=subprocess.PIPE,
        text=True,
    )
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    process.send_signal(signal.SIGCONT)
    told, _ = process.communicate(timeout=30)
    assert (process.returncode, told) == (0, "0\n1\n2\n")


def test_every_point_says_what_is_left_behind() -> None:
    assert all(text for text in POINTS.values())
    for name in POINTS:
        reach(name)
