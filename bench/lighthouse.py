"""Lighthouse on the review page, signed in, on a fresh demo.

    make console && (cd bench/pages && npm ci --ignore-scripts)
    python -m bench.lighthouse [--runs 5] [--form mobile|desktop|both]

Lighthouse's own settings: on `mobile` a telephone's screen, its processor four times as slow, and a simulated slow 4G;
on `desktop` a desktop's. The browser's cache is emptied before each run, the session stays. The median counts.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from bench.api import free_port, process

PAGES = Path(__file__).parent / "pages"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FORMS = ("mobile", "desktop")
EMAIL = "ana@demo.test"
PATIENCE_SECONDS = 180


@dataclass(frozen=True)
class Demo:
    """Where the demo answers and what its people sign in with."""

    url: str
    password: str


@contextmanager
def demo() -> Iterator[Demo]:
    """A fresh demo: sandbox and API with its worker, over SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        api, sandbox = free_port(), free_port()
        environment = {
            "CE_VAR_DIR": folder, "CE_API_PORT": str(api), "CE_SANDBOX_PORT": str(sandbox),
            "CE_DATABASE_URL": "", "CE_REDIS_URL": "",
        }  # fmt: skip
        app = [sys.executable, "-m", "app"]
        subprocess.run([*app, "migrate"], env={**os.environ, **environment}, check=True, stdout=subprocess.DEVNULL)
        with (
            process([*app, "sandbox"], sandbox, environment),
            process([*app, "serve", "--with-worker", "--demo"], api, environment),
        ):
            # A first start makes the demo once it listens, and its password with it.
            password = Path(folder) / "demo-password"
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not (password.is_file() and _healthy(api)):
                if time.monotonic() > deadline:
                    raise RuntimeError("the demo did not come up")
                time.sleep(0.1)
            yield Demo(f"http://127.0.0.1:{api}/", password.read_text("ascii"))


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return answer.status == HTTPStatus.OK
    except OSError:
        return False


def measured(at: Demo, browser: str, form: str, runs: int) -> list[dict[str, Any]]:
    """What Lighthouse says of each run."""
    found = subprocess.run(
        ["node", "lighthouse.mjs", at.url, EMAIL, str(runs), form],
        cwd=PAGES, env={**os.environ, "PASSWORD": at.password, "CHROMIUM": browser}, check=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    return [json.loads(line) for line in found.stdout.splitlines()]


def main() -> None:
    """Print the medians for each form, and what was found wanting in any run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--form", choices=(*FORMS, "both"), default="both")
    asked = parser.parse_args()
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None or not (PAGES / "node_modules").is_dir():
        sys.exit("it takes a Chromium on the path, and: (cd bench/pages && npm ci --ignore-scripts)")
    print("|  | performance | of runs | accessibility | best practices | FCP ms | LCP ms | TBT ms | CLS | KiB |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    with demo() as at:
        for form in FORMS if asked.form == "both" else (asked.form,):
            runs = measured(at, browser, form, asked.runs)
            median = {
                name: statistics.median(each[name] for each in runs)
                for name, it in runs[0].items()
                if isinstance(it, int | float)
            }
            spread = f"{min(each['performance'] for each in runs)} to {max(each['performance'] for each in runs)}"
            print(
                f"| {form} | {median['performance']:.0f} | {spread} | {median['accessibility']:.0f} | "
                f"{median['best-practices']:.0f} | {median['fcp']:.0f} | {median['lcp']:.0f} | {median['tbt']:.0f} | "
                f"{median['cls']:.3f} | {median['bytes'] / 1024:.0f} |"
            )
            for wanting in sorted({json.dumps(one) for each in runs for one in each["wanting"]}):
                print(f"wanting: {wanting}", file=sys.stderr)
            print(f"drawn last: {sorted({str(each['elements']) for each in runs})}", file=sys.stderr)


if __name__ == "__main__":
    main()
