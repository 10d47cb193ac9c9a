"""The explorer in a real browser: GraphiQL from the build, examples filled in, streams and headers with the token."""

import asyncio
import json

import pytest

from tests.e2e.console_browser import Console, at, console, first_decrease
from tests.e2e.pages_browser import Browser, Product

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("built")]

RESULT = "[...document.querySelectorAll('.result-window .view-line')].map((each) => each.textContent).join(' ')"
#: The editor draws what is in sight only, spaces as no-break spaces.
PLAIN_RESULT = f"{RESULT}.replaceAll('\\u00a0', ' ')"


async def explorer(browser: Browser, product: Product) -> Console:
    page = Console(
        await browser.open(f"{product.url}/explorer", width=1500, ready="document.querySelector('.examples button')")
    )
    await page.until("document.querySelectorAll('.view-lines').length >= 3")
    return page


async def example(page: Console, name: str) -> None:
    """Choose an example, wait for its variables, and run it."""
    await page.click(f"button[data-name={name}]")
    await page.sees("[data-testid=said]", "ready to run.")
    await page.click(".graphiql-execute-button")


async def answers(page: Console, text: str) -> None:
    await page.until(f"{PLAIN_RESULT}.includes({json.dumps(text)})")


@pytest.mark.req("DC-4")
async def test_an_example_is_filled_in_and_run_and_a_stream_shows_what_others_do(
    product: Product, browser: Browser
) -> None:
    page, ben = await asyncio.gather(explorer(browser, product), console(browser, product, "ben@demo.test"))
    await page.click(".sign-in")
    await page.fill("input[name=email]", "ana@demo.test")
    await page.fill("input[name=password]", product.password)
    await page.press("Enter")
    await page.sees("[data-testid=who]", "Signed in as Ana Alvarez")
    await example(page, "WorkspaceAtAGlance")
    await answers(page, '"name": "Demo marketing"')
    await page.picture("explorer")
    await example(page, "FollowRecommendations")
    await answers(page, '"__typename": "Watermark"')
    first = await first_decrease(ben)
    await ben.click(at(first, ".approve"))
    await answers(page, '"name": "Ben Becker"')
    await answers(page, '"status": "APPROVED"')
    await page.click(".graphiql-execute-button")  # stops it
    # All of it came from the server itself; what the policy refused would have failed the test.
    hosts = await page.run("[...new Set(performance.getEntriesByType('resource').map((e) => new URL(e.name).origin))]")
    assert hosts == [product.url]


@pytest.mark.req("DC-4")
async def test_a_token_in_the_headers_goes_with_requests_and_with_streams(product: Product, browser: Browser) -> None:
    page, ana = await asyncio.gather(explorer(browser, product), console(browser, product, "ana@demo.test"))
    token = await ana.run("JSON.parse(sessionStorage.getItem('console-session')).accessToken")
    assert await page.text("[data-testid=who]") == "Not signed in"
    await page.click("button[data-name=Viewer]")
    await page.click(".graphiql-execute-button")
    await answers(page, '"viewer": null')
    await page.click("button[data-name=headers]")
    await page.focus("section[aria-label=Headers] .graphiql-editor:not(.hidden) textarea")
    await page.page.type(json.dumps({"Authorization": f"Bearer {token}"}))
    await page.click(".graphiql-execute-button")
    await answers(page, '"name": "Ana Alvarez"')
    # It goes along into the next tab, fills the example in there, and opens the stream.
    await example(page, "FollowPresence")
    await answers(page, '"whole": true')


async def test_the_schema_is_offered_as_a_file_and_as_documentation(product: Product, browser: Browser) -> None:
    page = await explorer(browser, product)
    sdl = await page.run("fetch(document.querySelector('a[download]').href).then((answer) => answer.text())")
    assert sdl.startswith('"""') or "schema {" in sdl
    assert "type Recommendation implements Node" in sdl
    await page.click("button[aria-label^='Show Documentation']")
    await page.sees(".graphiql-doc-explorer", "Mutation")
