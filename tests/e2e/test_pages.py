"""The review page and the explorer in a real browser, over real server processes of their own.

Two people stand in two browser contexts on one recommendation. Each test gets a copy of one seeded demo workspace.
Without a Chromium on the path these tests are skipped, or fail where REQUIRE_BROWSER=1 says that there must be one.
"""

import asyncio
import json
import signal
import sqlite3

import pytest

from app.explorer import read_examples
from tests.e2e.pages_browser import Browser, Page, Product, card


@pytest.fixture
async def both(product: Product, browser: Browser) -> tuple[Page, Page]:
    """Ana and Ben, each signed in and live."""
    ana, ben = await asyncio.gather(browser.open(product.plain), browser.open(product.plain))
    await ana.sign_in(product, "ana@demo.test")
    await ben.sign_in(product, "ben@demo.test")
    return ana, ben


@pytest.mark.req("RB-E3", "DC-2")
async def test_the_loser_of_a_race_is_told_who_when_and_what_and_keeps_what_was_typed(both: tuple[Page, Page]) -> None:
    ana, ben = both
    [first, *_] = await ana.decreases()
    await ben.click(first, ".reject")
    await ben.fill(first, ".why", "I would rather keep it")
    await ana.until(f"{card(first, '.people')}.textContent === 'Ben Becker is editing'")
    await ben.run("probe.held = []")  # the stream lags, so that only the answer to the request can tell
    await ana.click(first, ".approve")
    await ana.until(f"{card(first)}.dataset.status === 'APPROVED'")
    await ben.click(first, ".reject-form .strong")
    await ben.until(f"{card(first, '.notice')}.textContent")
    told = await ben.text(first, ".notice")
    assert told.startswith(f"Ana Alvarez was first and approved it at {await ben.text(first, '.proposed')} a day, ")
    assert told.endswith(" ago).What you typed is kept.")
    assert (
        await ben.run(f"{card(first, '.why')}.checkVisibility() && {card(first, '.why')}.value")
        == "I would rather keep it"
    )
    assert await ben.run(f"{card(first)}.dataset.status") == "APPROVED"
    assert await ben.run("byId('polite').textContent !== '' || new Promise((done) => setTimeout(done, 400))") in {
        True,
        None,
    }
    assert "Ana Alvarez was first" in await ben.run("byId('polite').textContent")


@pytest.mark.req("DC-2", "RB-F5")
async def test_an_approval_is_watched_live_until_the_platform_confirms_it(both: tuple[Page, Page]) -> None:
    ana, ben = both
    [first, *_] = await ana.decreases()
    amount = await ana.text(first, ".proposed")
    await ana.click(first, ".approve")
    for page in (ana, ben):
        await page.until(f"{card(first, '.way')}.dataset.status === 'CONFIRMED'")
        assert f"runs it at {amount} a day since " in await page.text(first, ".way")
    assert (await ben.text(first, ".notice")).startswith(f"Ana Alvarez approved it at {amount} a day, ")


@pytest.mark.req("RB-F2")
async def test_an_edit_shows_at_the_other_reviewer_who_then_goes_on_from_it(both: tuple[Page, Page]) -> None:
    ana, ben = both
    [first, *_] = await ana.decreases()
    await ana.click(first, ".edit")
    await ana.fill(first, ".amount", "-10")
    await ben.click(first, ".edit")
    await ben.fill(first, ".amount", "-5")
    expected = await ben.run(
        f"money({{amount: cards.get('{first}').rec.currentBudget.amount * 0.95, currency: 'USD'}})"
    )
    assert (await ben.text(first, ".preview")).startswith(f"{expected} a day instead of ")
    await ben.click(first, ".edit-form .strong")
    await ana.until(f"{card(first, '.notice')}.textContent.startsWith('Ben Becker changed it to {expected} a day')")
    assert await ana.run(f"{card(first, '.amount')}.value") == "-10"
    await ana.until("performance.now() > [...cards.values()].find((c) => c.form).settlesAt")
    await ana.click(first, ".edit-form .strong")  # still the version seen before
    await ana.until(f"{card(first, '.notice')}.textContent.startsWith('Ben Becker was first and changed it to')")
    await ana.until("performance.now() > [...cards.values()].find((c) => c.form).settlesAt")
    await ana.click(first, ".notice button")
    await ana.click(first, ".edit-form .strong")
    await ben.until(f"cards.get('{first}').rec.version === 3")
    wanted = await ben.run(f"cards.get('{first}').rec.currentBudget.amount * 0.9")
    assert float(await ben.run(f"cards.get('{first}').rec.proposedBudget.amount")) == pytest.approx(wanted)


async def test_a_click_on_what_changed_that_very_moment_decides_nothing(both: tuple[Page, Page]) -> None:
    ana, ben = both
    [first, *_] = await ana.decreases()
    at_once = f"new MutationObserver((_, own) => {{ own.disconnect(); {card(first, '.approve')}.click(); }})"
    await ana.run(f"{at_once}.observe({card(first, '.notice')}, {{ childList: true }})")
    await ben.click(first, ".edit")
    await ben.fill(first, ".amount", "-5")
    await ben.click(first, ".edit-form .strong")
    await ana.until(f"{card(first, '.notice')}.textContent.startsWith('This has just changed.')")
    assert "Approve" not in await ana.run("probe.asked.map((each) => each.name)")
    assert await ana.run(f"cards.get('{first}').rec.version") == 2


async def test_an_increase_without_funds_names_the_decreases_that_pay_and_all_are_decided_at_once(
    both: tuple[Page, Page],
) -> None:
    ana, ben = both
    largest = await ana.run(
        "[...cards.values()].filter((c) => c.open && c.rec.delta.amount > 0)"
        ".sort((one, other) => other.rec.delta.amount - one.rec.delta.amount)[0].rec.id"
    )
    await ana.click(largest, ".approve")
    await ana.until(f"{card(largest, '.notice')}.textContent.startsWith('Not approved yet')")
    await ana.click(largest, ".notice button")
    chosen = await ana.run("[...selected.keys()]")
    assert largest in chosen
    assert len(chosen) > 1
    await ana.run("document.activeElement.click()")  # the focus waits on the button that approves them
    await ana.until("!byId('results').hidden")
    assert await ana.run("byId('results-title').textContent") == f"{len(chosen)} of {len(chosen)} approved"
    for id_ in chosen:
        await ben.until(f"{card(id_)}.dataset.status === 'APPROVED'")


async def test_a_dropped_socket_is_shown_and_resumed_without_reading_everything_again(both: tuple[Page, Page]) -> None:
    ana, ben = both
    [first, *_] = await ana.decreases()
    await ben.run("probe.offline = true, probe.asked.length = 0, probe.sockets.at(-1).close()")
    await ben.until("byId('line').textContent === 'Connection lost, trying again'")
    await ana.click(first, ".reject")
    await ana.fill(first, ".why", "A sale starts on Friday")
    await ana.click(first, ".reject-form .strong")
    await ana.until(f"{card(first)}.dataset.status === 'REJECTED'")
    assert await ben.run(f"{card(first)}.dataset.status") == "NEEDS_REVIEW"
    await ben.run("probe.offline = false")
    await ben.until(f"{card(first)}.dataset.status === 'REJECTED'")
    assert (await ben.text(first, ".notice")).startswith("Ana Alvarez rejected it: “A sale starts on Friday”")
    assert "Recommendations" not in await ben.run("probe.asked.map((each) => each.name)")


async def test_a_killed_server_loses_no_decision_and_carries_none_out_twice(
    product: Product, both: tuple[Page, Page]
) -> None:
    ana, ben = both
    [first, *_] = await ana.decreases()
    product.end("api", signal.SIGKILL)
    for page in both:
        await page.until("byId('line').dataset.state !== 'live'")
    await ana.click(first, ".approve")
    await ana.until(f"{card(first, '.notice')}.textContent === 'No answer yet. Sending the same request again.'")
    await asyncio.to_thread(product.start_api)
    for page in (ana, ben):
        await page.until(f"{card(first)}.dataset.status === 'APPROVED'")
        await page.until("byId('line').dataset.state === 'live'")
    keys = await ana.run("probe.asked.filter((e) => e.name === 'Approve').map((e) => e.variables.idempotencyKey)")
    assert len(keys) > 1
    assert len(set(keys)) == 1
    assert await ben.run(f"cards.get('{first}').rec.version") == 2


async def test_a_lost_answer_is_asked_for_again_under_the_same_key(both: tuple[Page, Page]) -> None:
    ana, ben = both
    [first, *_] = await ana.decreases()
    await ana.run("probe.lose = 1")
    await ana.click(first, ".approve")
    await ana.until(f"{card(first)}.dataset.status === 'APPROVED' && !cards.get('{first}').busy")
    keys = await ana.run("probe.asked.filter((e) => e.name === 'Approve').map((e) => e.variables.idempotencyKey)")
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert await ana.text(first, ".notice") == ""
    await ben.until(f"cards.get('{first}').rec.version === 2")


async def test_trying_again_after_giving_up_repeats_the_same_request(product: Product, browser: Browser) -> None:
    ana = await browser.open(product.plain)
    await ana.sign_in(product, "ana@demo.test")
    [first, *_] = await ana.decreases()
    await ana.run("window.kept = insist")
    await ana.run(
        "window.insist = async (_, { idempotencyKey }) => { probe.key = idempotencyKey; throw new NoAnswer('Gone.'); }"
    )
    await ana.click(first, ".approve")
    await ana.until(f"{card(first, '.notice button')}")
    assert (await ana.text(first, ".notice")).startswith("Gone.Trying again repeats exactly this request")
    await ana.run("window.insist = kept")
    await ana.click(first, ".notice button")
    await ana.until(f"{card(first)}.dataset.status === 'APPROVED'")
    keys = "probe.asked.filter((each) => each.name === 'Approve').map((each) => each.variables.idempotencyKey)"
    assert await ana.run(keys) == [await ana.run("probe.key")]


async def test_what_comes_from_outside_is_shown_as_text(product: Product, browser: Browser) -> None:
    name = '<img src=x onerror="window.pwned = 1"> & <b>Sale</b>\'"'
    database = sqlite3.connect(product.var_dir / "campaign-express.db", timeout=10)
    with database:
        [[id_]] = database.execute("SELECT id FROM recommendations WHERE delta_reporting_micros < 0 LIMIT 1")
        database.execute("UPDATE recommendations SET campaign_name = ?, rationale = ? WHERE id = ?", (name, name, id_))
    database.close()
    ana, ben = await asyncio.gather(browser.open(product.plain), browser.open(product.plain))
    await ana.sign_in(product, "ana@demo.test")
    await ben.sign_in(product, "ben@demo.test")
    [shown] = await ana.run(
        f"[...cards.values()].filter((c) => c.rec.campaignName === {json.dumps(name)}).map((c) => c.rec.id)"
    )
    assert await ana.text(shown, "h3") == name
    await ana.click(shown, ".reject")
    await ana.fill(shown, ".why", "<script>window.pwned = 2</script>")
    await ana.click(shown, ".reject-form .strong")
    await ben.until(f"{card(shown, '.notice')}.textContent.includes('<script>window.pwned = 2</script>')")
    for page in (ana, ben):
        assert await page.run("document.querySelectorAll('main img, main script, main b').length") == 0
        assert await page.run("window.pwned === undefined") is True


@pytest.mark.req("RB-1.1", "RB-E1")
async def test_the_view_shows_totals_per_platform_reasons_deadline_and_what_has_too_little_history(
    product: Product, browser: Browser
) -> None:
    cleo = await browser.open(product.plain, width=390, height=840)
    await cleo.sign_in(product, "cleo@demo.test")
    await cleo.until("byId('deadline').textContent")
    titles = await cleo.run("[...document.querySelectorAll('#platforms h2')].map((each) => each.textContent)")
    assert titles == ["Meta Ads", "Google Ads", "TikTok Ads"]
    for totals in await cleo.run("[...document.querySelectorAll('.totals')].map((each) => each.textContent)"):
        assert " open · $" in totals
        assert " a day (" in totals
    reasons = await cleo.run(
        "[...document.querySelectorAll('#platforms .reason summary')].map((each) => each.textContent)"
    )
    assert len(reasons) >= 12
    assert all(each.startswith(("Lower ", "Raise ")) for each in reasons)
    assert "(America/New_York), in " in await cleo.run("byId('deadline').textContent")
    assert "suggestions start at 7" in await cleo.run("byId('skipped').textContent")
    # An analyst may look but not decide, and on a telephone nothing sticks out to the side.
    assert await cleo.run("byId('may-not').checkVisibility()") is True
    assert (
        await cleo.run("[...document.querySelectorAll('.acts, .pick')].some((each) => each.checkVisibility())") is False
    )
    assert await cleo.run("document.documentElement.scrollWidth <= 390") is True


async def test_the_keyboard_alone_reaches_and_decides(product: Product, browser: Browser) -> None:
    ana = await browser.open(product.plain)
    await ana.sign_in(product, "ana@demo.test")
    [_, second, *_] = await ana.run("[...document.querySelectorAll('.card')].map((each) => each.dataset.id)")
    await ana.run("document.querySelector('.card').focus()")
    await ana.press("ArrowDown")
    assert await ana.run("document.activeElement.dataset.id") == second
    for _ in range(20):
        if await ana.run("document.activeElement.classList.contains('reject')"):
            break
        await ana.press("Tab")
    await ana.press("Enter", text="\r")
    assert await ana.run("document.activeElement.className") == "why"
    await ana.press("Escape")
    assert await ana.run("document.activeElement.ariaLabel.startsWith('Reject ')") is True
    await ana.press("Enter", text="\r")
    await ana.type("Not before Monday")
    await ana.press("Tab")
    await ana.press("Enter", text="\r")
    await ana.until(f"{card(second)}.dataset.status === 'REJECTED'")
    assert await ana.run("document.activeElement.dataset.id") == second
    await ana.until("byId('polite').textContent.includes(': rejected')")


async def test_tokens_are_renewed_on_the_way_and_a_session_that_is_over_keeps_what_was_typed(
    product: Product, browser: Browser
) -> None:
    ana = await browser.open(product.plain)
    await ana.sign_in(product, "ana@demo.test")
    [first, second, *_] = await ana.decreases()
    await ana.run("session.tokens.accessToken = 'e30.e30.e30'")
    await ana.click(first, ".approve")
    await ana.until(f"{card(first)}.dataset.status === 'APPROVED'")
    await ana.click(second, ".reject")
    await ana.fill(second, ".why", "Half a thought")
    await ana.run("ask('SessionRevoke', { refreshToken: session.tokens.refreshToken })")
    await ana.run("session.tokens.accessToken = 'e30.e30.e30'")
    await ana.click(second, ".reject-form .strong")
    await ana.until("byId('door').open")
    over = "Your session is over; sign in again."
    assert await ana.run("byId('door-why').textContent") == over
    # Whatever else the page asks for on its own is told the same, or its word would stand in the door instead.
    assert await ana.run("session.accessToken().catch((error) => error.message)") == over
    await ana.run("byId('email').value = ''")
    await ana.sign_in(product, "ana@demo.test")
    assert await ana.run(f"{card(second, '.why')}.value") == "Half a thought"
    await ana.click(second, ".reject-form .strong")
    await ana.until(f"{card(second)}.dataset.status === 'REJECTED'")


async def test_a_reload_keeps_the_session_and_signing_out_ends_it(product: Product, browser: Browser) -> None:
    ana = await browser.open(product.plain)
    await ana.sign_in(product, "ana@demo.test")
    token = await ana.run("session.tokens.refreshToken")
    await ana.send("Page.reload")
    await ana.until("typeof here === 'object' && here.loaded")
    await ana.run("byId('leave').click()")
    await ana.until("byId('door').open && probe.asked.some((each) => each.name === 'SessionRevoke')")
    assert await ana.run("document.querySelectorAll('.card').length") == 0
    assert await ana.run("sessionStorage.getItem('session')") is None
    asked = f"{{ query: documentOf('SessionRefresh'), variables: {{ refreshToken: '{token}' }} }}"
    assert (await ana.run(f"post({asked})"))["data"]["sessionRefresh"]["session"] is None


async def test_a_duplicated_tab_signs_in_anew_and_leaves_the_first_ones_session_alone(
    product: Product, browser: Browser
) -> None:
    ana = await browser.open(product.plain)
    await ana.sign_in(product, "ana@demo.test")
    copied = await ana.run("sessionStorage.getItem('session')")
    twin = await browser.open(product.plain, beside=ana)
    await twin.run(f"sessionStorage.setItem('session', {json.dumps(copied)})")
    await twin.send("Page.reload")
    await twin.until("typeof here === 'object' && byId('door').open && session.tokens === null")
    await ana.run("session.tokens.accessToken = 'e30.e30.e30'")
    assert await ana.run("ask('Who', {}).then((data) => data.viewer.name)") == "Ana Alvarez"


async def test_the_plain_explorer_fills_examples_in_runs_them_follows_streams_and_shows_the_schema(
    product: Product, browser: Browser
) -> None:
    page = await browser.open(f"{product.url}/plain/explorer", width=1500)
    await page.until("schema.types.has('Recommendation')")
    await page.run(f"byId('email').value = 'ana@demo.test', byId('password').value = '{product.password}'")
    await page.run("byId('sign-in').requestSubmit()")
    await page.until("byId('who').textContent === 'Signed in as Ana Alvarez'")
    names = await page.run("[...byId('examples').options].map((each) => each.value).filter(Boolean)")
    assert names == [each.name for each in read_examples()]
    asking = await page.run("offered.examples.filter((e) => !e.document.startsWith('mutation')).map((e) => e.name)")
    for name in [*asking, "ApproveRecommendation", "MakeApiKey"]:
        await page.run(f"choose('{name}')")
        assert await page.run("byId('outcome').textContent") == "", name
        await page.run("runIt()")
        if name.startswith("Follow"):
            await page.until("byId('events').childElementCount > 0")
            answer = await page.run("byId('events').textContent")
        else:
            await page.until("byId('answer').textContent")
            answer = await page.run("byId('answer').textContent")
        assert '"errors"' not in answer, (name, answer)
    await page.run("stop(), search('deadline')")
    assert "Workspace.reviewDeadline" in await page.run("byId('schema').textContent")
    await page.run("visit('Query'), write('Query', schema.types.get('Query').fields.find((f) => f.name === 'viewer'))")
    await page.run("runIt()")
    assert '"name": "Ana Alvarez"' in await page.run("byId('answer').textContent")
