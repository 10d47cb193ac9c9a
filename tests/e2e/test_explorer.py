"""The explorer in a real browser: GraphiQL from the build, examples filled in, streams and headers with the token."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.known_documents import BUILT_IN, KnownDocuments
from tests.e2e.console_browser import Console, at, console, first_decrease
from tests.e2e.pages_browser import Browser, Product

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("built")]

RESULT = "[...document.querySelectorAll('.result-window .view-line')].map((each) => each.textContent).join(' ')"
#: The editor draws what is in sight only, spaces as no-break spaces.
PLAIN_RESULT = f"{RESULT}.replaceAll('\\u00a0', ' ')"

REGISTER = KnownDocuments([BUILT_IN]).by_name["RegisterDocument"]
#: What the page fills in for RegisterDocument, read off its editor, which draws it some frames after it has it.
DRAWN = """[...document.querySelectorAll('section[aria-label=Variables] .view-line')]
  .map((each) => each.textContent).join(" ").replaceAll("\\u00a0", " ")"""
VARIABLES = f"JSON.parse({DRAWN})"


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
    await sign_in(page, product)
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


async def test_the_schema_is_offered_as_a_file_and_as_documentation(
    product: Product, browser: Browser, tmp_path: Path
) -> None:
    page = await explorer(browser, product)
    sdl = await taken(page, tmp_path / "taken")
    assert "type Recommendation implements Node" in sdl
    await page.click("button[aria-label^='Show Documentation']")
    await page.sees(".graphiql-doc-explorer", "Mutation")


async def taken(page: Console, folder: Path) -> str:
    """The schema as the browser saved it."""
    await page.send("Browser.setDownloadBehavior", {
        "behavior": "allow", "downloadPath": str(folder), "browserContextId": page.page.context
    })  # fmt: skip
    await page.click("button.take")
    async with asyncio.timeout(60):
        while not (folder / "schema.graphql").is_file():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.05)
    return (folder / "schema.graphql").read_text("utf-8")


async def sign_in(page: Console, product: Product) -> None:
    await page.click(".sign-in")
    await page.fill("input[name=email]", "ana@demo.test")
    await page.fill("input[name=password]", product.password)
    await page.press("Enter")
    await page.sees("[data-testid=who]", "Signed in as Ana Alvarez")


@pytest.fixture
def strict(seeded: Path, tmp_path: Path) -> Iterator[Product]:
    """In production, and set to known documents, one of them the operator's."""
    shutil.copytree(seeded, tmp_path / "var")
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "ours.graphql").write_text("query Ours { viewer { email } }")
    product = Product(tmp_path / "var")
    product.environment |= {
        "CE_PRODUCTION": "true", "CE_DOCUMENTS": "known", "CE_DOCUMENTS_DIR": str(tmp_path / "documents")
    }  # fmt: skip
    with product.running():
        yield product


async def test_in_production_a_stranger_gets_nothing_and_who_signs_in_gets_the_schema_and_the_known_documents(
    strict: Product, browser: Browser, tmp_path: Path
) -> None:
    ready = "document.querySelector('[data-testid=barred]')"
    page = Console(await browser.open(f"{strict.url}/explorer", width=1500, ready=ready))
    assert await page.run("document.querySelector('.take') === null && document.querySelector('.examples') === null")
    async with httpx.AsyncClient(base_url=strict.url, trust_env=False) as stranger:
        for path in ("/schema.graphql", "/explorer/documents.json"):
            assert (await stranger.get(path)).status_code == 401
    await sign_in(page, strict)
    await page.sees("[data-testid=only]", "This server runs registered documents only.")
    await page.until("document.querySelectorAll('.view-lines').length >= 3")
    assert "type Recommendation implements Node" in await taken(page, tmp_path / "taken")
    await page.click("button[data-name=Ours]")
    await page.click(".graphiql-execute-button")
    await answers(page, '"email": "ana@demo.test"')
    # What a partner registers is there too, with the workspace filled in.
    await page.click("button[data-name=RegisterDocument]")
    await page.sees("[data-testid=said]", "RegisterDocument: fill in what is empty")
    await page.until(f'/"workspaceId": "[^"]+"/.test({DRAWN})')
    text = "query Mine($workspaceId: ID!) { workspace(id: $workspaceId) { name } }"
    told = await page.run(
        f"""fetch("/graphql", {{method: "POST", headers: {{"content-type": "application/json",
          authorization: "Bearer " + JSON.parse(sessionStorage.getItem("console-session")).accessToken}},
          body: JSON.stringify({{query: {json.dumps(REGISTER)}, variables: {{name: "Mine", text: {json.dumps(text)},
            workspaceId: {VARIABLES}.workspaceId}}}})}}).then((answer) => answer.json())"""
    )
    assert told["data"]["trustedDocumentRegister"]["userErrors"] == []
    await page.click("[data-testid=only] button")
    await page.click("button[data-name=Mine]")
    await page.click(".graphiql-execute-button")
    await answers(page, '"name": "Demo marketing"')
    # And nothing else.
    await page.click(".graphiql-tab-add")
    await page.focus(".graphiql-query-editor textarea")
    await page.page.type("{ viewer { id } } ")
    await page.click(".graphiql-execute-button")
    await answers(page, "PERSISTED_QUERY_ONLY")
