"""What the console's tests stand on: its page in a browser, and what a person does there. No tests."""

import base64
import json
import os
from pathlib import Path

from tests.e2e.pages_browser import Browser, Page, Product

ROOT = Path(__file__).resolve().parents[2]


class Console:
    """A page of the console and what a person does there."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.run, self.until, self.send = page.run, page.until, page.send

    async def press(self, key: str) -> None:
        """One key, with its text where it has one."""
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        await self.page.press(key, text=text)

    async def focus(self, selector: str) -> None:
        await self.until(f"document.querySelector({json.dumps(selector)})")
        await self.run(f"document.querySelector({json.dumps(selector)}).focus()")

    async def click(self, selector: str) -> None:
        await self.until(f"document.querySelector({json.dumps(selector)})")
        await self.run(f"document.querySelector({json.dumps(selector)}).click()")

    async def fill(self, selector: str, text: str) -> None:
        await self.focus(selector)
        await self.page.type(text)

    async def choose(self, selector: str, value: str) -> None:
        """Pick an option of a native select, or fill a native date, as a person's hand tells React."""
        await self.until(f"document.querySelector({json.dumps(selector)})")
        await self.run(
            f"{{ const it = document.querySelector({json.dumps(selector)});"
            f"Object.getOwnPropertyDescriptor(it.constructor.prototype, 'value').set.call(it, {json.dumps(value)});"
            "it.dispatchEvent(new Event(it instanceof HTMLSelectElement ? 'change' : 'input', {bubbles: true})); }"
        )

    async def text(self, selector: str) -> str:
        return str(await self.run(f"document.querySelector({json.dumps(selector)})?.textContent ?? ''"))

    async def sees(self, selector: str, text: str) -> None:
        """Wait until an element says something."""
        await self.until(f"document.querySelector({json.dumps(selector)})?.textContent.includes({json.dumps(text)})")

    async def sign_in(self, product: Product, email: str) -> None:
        await self.fill("input[name=email]", email)
        await self.fill("input[name=password]", product.password)
        await self.press("Enter")
        await self.until("document.querySelector('[data-testid=line]')?.dataset.state === 'live'")
        await self.until("document.querySelector('[data-testid=platforms]')?.dataset.loaded === 'true'")

    async def picture(self, name: str) -> None:
        """Keep a picture of the page in docs/, where PICTURES=1 asks for new ones; small enough for a repository."""
        if os.environ.get("PICTURES") != "1":
            return
        size = await self.run("({x: scrollX, y: scrollY, width: innerWidth, height: innerHeight})")
        shot = await self.send("Page.captureScreenshot", {"format": "png", "clip": {**size, "scale": 0.7}})
        (ROOT / "docs" / f"console-{name}.png").write_bytes(base64.b64decode(shot["data"]))


READY = "(document.querySelector('form') || document.querySelector('[data-testid=line]'))"


async def console(browser: Browser, product: Product, email: str, path: str = "/", **size: int) -> Console:
    opened = Console(await browser.open(f"{product.url}{path}", ready=READY, **size))
    await opened.sign_in(product, email)
    return opened


async def first_decrease(page: Console) -> str:
    """The id of an open recommendation that frees money: it can be approved whatever else was."""
    return str(
        await page.run(
            "[...document.querySelectorAll('.card[data-status=NEEDS_REVIEW]')]"
            ".find((each) => Number(each.dataset.delta) < 0).dataset.id"
        )
    )


def at(id_: str, selector: str = "") -> str:
    return f'.card[data-id="{id_}"] {selector}'.strip()


async def go(page: Console, title: str) -> None:
    """To another page, by the menu."""
    link = f"[...document.querySelectorAll('nav a')].find((each) => each.textContent.startsWith('{title}'))"
    await page.run(f"{link}.click()")
    await page.until(f"document.title === '{title} - Campaign Express'")


async def typed(page: Console, name: str) -> str:
    return str(await page.run(f"document.querySelector('input[name={name}]').value"))
