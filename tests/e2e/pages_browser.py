"""What the pages' tests stand on: the product as real processes, and a Chromium spoken to over DevTools. No tests."""

import asyncio
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-dev-shm-usage", "--no-first-run", "--lang=en-US", "--remote-debugging-port=0",
)  # fmt: skip

#: Stands in the page before its own scripts: holds back or cuts its socket, loses or refuses answers, remembers what was
#: asked, how much of it waits for an answer, and which streams were heard.
PROBE = """
window.probe = {sockets: [], held: null, offline: false, asked: [], heard: {}, lose: 0, refuse: "", waiting: 0};
const RealSocket = WebSocket;
window.WebSocket = class extends RealSocket {
  constructor(...given) { super(...given); probe.sockets.push(this); if (probe.offline) this.close(); }
  set onmessage(handle) {
    super.onmessage = (event) => {
      const {type, payload} = JSON.parse(event.data);
      const hear = () => {
        handle(event);
        for (const name of Object.keys(payload?.data ?? {})) probe.heard[name] = (probe.heard[name] ?? 0) + 1;
      };
      if (probe.held && type === "next") probe.held.push(hear);
      else hear();
    };
  }
};
const realFetch = fetch;
window.fetch = async (address, init) => {
  if (!init?.body) return realFetch(address, init);
  const body = JSON.parse(init.body);
  const name = /\\w+ (\\w+)/.exec(body.query)?.[1];
  probe.asked.push({name, variables: body.variables});
  if (probe.refuse && probe.refuse === name) return Response.json({errors: [{message: "Not right now."}]});
  probe.waiting++;
  const answer = await realFetch(address, init).finally(() => probe.waiting--);
  if (probe.lose > 0 && body.query.includes("recommendationApprove")) { probe.lose--; throw new TypeError("lost"); }
  return answer;
};
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Product:
    """Sandbox and API as two processes over one var folder; the API can be killed and started again."""

    def __init__(self, var_dir: Path) -> None:
        self.var_dir = var_dir
        self.api_port, self.sandbox_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.api_port}"
        self.plain = f"{self.url}/plain"
        self.environment = {
            **os.environ,
            "CE_VAR_DIR": str(var_dir),
            "CE_API_PORT": str(self.api_port),
            "CE_SANDBOX_PORT": str(self.sandbox_port),
            "CE_DATABASE_URL": "",
            "CE_REDIS_URL": "",
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def password(self) -> str:
        return (self.var_dir / "demo-password").read_text("ascii")

    def start(self, name: str, *command: str) -> None:
        with (self.var_dir / f"{name}.out").open("ab") as out:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "app", *command], env=self.environment, stdout=out, stderr=out
            )
        port = self.api_port if name == "api" else self.sandbox_port
        deadline = time.monotonic() + 180
        while not _answers(f"http://127.0.0.1:{port}/health"):
            assert self.processes[name].poll() is None, (self.var_dir / f"{name}.out").read_text()
            assert time.monotonic() < deadline, f"{name} does not answer"
            time.sleep(0.05)

    def migrate(self) -> None:
        """Make the tables, which a first start asks for."""
        subprocess.run([sys.executable, "-m", "app", "migrate"], env=self.environment, check=True)

    def start_api(self) -> None:
        self.start("api", "serve", "--with-worker", "--demo")

    def end(self, name: str, how: signal.Signals) -> None:
        process = self.processes.pop(name)
        process.send_signal(how)
        try:
            process.wait(20)
        finally:
            process.kill()

    @contextmanager
    def running(self) -> Iterator["Product"]:
        try:
            self.start("sandbox", "sandbox")
            self.start_api()
            yield self
        finally:
            for name in list(self.processes):
                self.end(name, signal.SIGTERM)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=2).status_code == 200
    except httpx.TransportError:
        return False


class Browser:
    """A headless Chromium, spoken to over its DevTools protocol."""

    def __init__(self, socket_: ClientConnection) -> None:
        self._socket = socket_
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.pages: dict[str, Page] = {}
        self.reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for text in self._socket:
            message = json.loads(text)
            waiting = self._waiting.pop(message.get("id"), None)
            if waiting is not None:
                waiting.set_result(message)
            elif message.get("sessionId") in self.pages:
                self.pages[message["sessionId"]].hear(message["method"], message["params"])

    async def send(self, method: str, params: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        number = next(self._ids)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        target = {} if session is None else {"sessionId": session}
        await self._socket.send(json.dumps({"id": number, "method": method, "params": params, **target}))
        async with asyncio.timeout(90):
            answer = await self._waiting[number]
        assert "error" not in answer, answer
        return answer["result"]

    async def open(
        self,
        url: str,
        *,
        width: int = 1280,
        height: int = 900,
        beside: "Page | None" = None,
        ready: str = "typeof session === 'object'",
    ) -> "Page":
        """A page in a browser context of its own, as another person's browser would be, or in one with `beside`."""
        context = beside.context if beside else (await self.send("Target.createBrowserContext", {}))["browserContextId"]
        made = await self.send("Target.createTarget", {"url": "about:blank", "browserContextId": context})
        attached = await self.send("Target.attachToTarget", {"targetId": made["targetId"], "flatten": True})
        page = self.pages[attached["sessionId"]] = Page(self, attached["sessionId"], context)
        for domain in ("Page", "Runtime", "Log"):
            await page.send(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        await page.send("Emulation.setDeviceMetricsOverride", size)
        await page.send("Emulation.setFocusEmulationEnabled", {"enabled": True})
        await page.send("Page.addScriptToEvaluateOnNewDocument", {"source": PROBE})
        await page.send("Page.navigate", {"url": url})
        await page.until(f"document.readyState === 'complete' && {ready}")
        return page


class Page:
    """One page; `errors` collects what its scripts threw and what the policy refused."""

    def __init__(self, browser: Browser, session: str, context: str) -> None:
        self._browser = browser
        self.context = context
        self._session = session
        self.errors: list[str] = []

    def hear(self, method: str, params: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(params["exceptionDetails"]))
        elif method == "Log.entryAdded" and params["entry"]["source"] == "security":
            self.errors.append(params["entry"]["text"])

    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        return await self._browser.send(method, params or {}, self._session)

    async def run(self, script: str) -> Any:
        asked = {"expression": script, "awaitPromise": True, "returnByValue": True, "userGesture": True}
        answer = await self.send("Runtime.evaluate", asked)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, script: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not await self.run(f"Boolean({script})"):
            assert time.monotonic() < deadline, f"still not so: {script}"
            await asyncio.sleep(0.05)

    async def press(self, key: str, *, text: str = "") -> None:
        for kind in ("keyDown", "keyUp"):
            await self.send("Input.dispatchKeyEvent", {"type": kind, "key": key, "code": key, "text": text})

    async def type(self, text: str) -> None:
        await self.send("Input.insertText", {"text": text})

    async def sign_in(self, product: Product, email: str) -> None:
        await self.until("byId('door').open")
        await self.run("byId('email').focus()")
        await self.type(email)
        await self.run("byId('password').focus()")
        await self.type(product.password)
        await self.press("Enter", text="\r")
        await self.until("document.querySelector('.card') && byId('line').dataset.state === 'live' && here.loaded")

    async def decreases(self) -> list[str]:
        """Ids of open recommendations that free money: those can be approved whatever else was."""
        return await self.run(
            "[...cards.values()].filter((c) => c.open && c.rec.delta.amount < 0).map((c) => c.rec.id)"
        )

    async def text(self, id_: str, selector: str) -> str:
        return await self.run(f"{card(id_, selector)}.textContent")

    async def click(self, id_: str, selector: str) -> None:
        await self.run(f"{card(id_, selector)}.click()")

    async def fill(self, id_: str, selector: str, text: str) -> None:
        await self.run(f"{card(id_, selector)}.focus()")
        await self.type(text)


def card(id_: str, selector: str = "") -> str:
    return f"document.querySelector('.card[data-id=\"{id_}\"] {selector}')"


def devtools_address(port_file: Path) -> str:
    """Where a browser that was just started listens; it writes that into its profile."""
    deadline = time.monotonic() + 90
    while not (port_file.exists() and port_file.read_text().count("\n") == 1):
        assert time.monotonic() < deadline, "the browser does not answer"
        time.sleep(0.05)
    port, path = port_file.read_text().split("\n")
    return f"ws://127.0.0.1:{port}{path}"
