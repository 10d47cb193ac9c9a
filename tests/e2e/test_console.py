"""The console in a real browser, over real server processes: two people on one recommendation, and a line that drops.

Without a Chromium on the path, or where the console is not built, these tests are skipped; REQUIRE_BROWSER=1 and
REQUIRE_CONSOLE=1 make that a failure.
"""

import asyncio
from datetime import date, timedelta

import pytest

from tests.e2e.console_browser import Console, at, console, first_decrease, go, typed
from tests.e2e.pages_browser import Browser, Product

#: Four processes and a browser start within it, on a machine that may be busy with others.
pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("built")]


@pytest.fixture
async def two(product: Product, browser: Browser) -> tuple[Console, Console]:
    """Ana and Ben, each signed in and live."""
    ana, ben = await asyncio.gather(
        console(browser, product, "ana@demo.test"), console(browser, product, "ben@demo.test")
    )
    return ana, ben


@pytest.mark.req("RB-E3", "DC-2", "DC-4")
async def test_who_comes_second_is_told_who_when_and_what_and_keeps_what_was_typed(
    two: tuple[Console, Console],
) -> None:
    ana, ben = two
    first = await first_decrease(ana)
    await ben.focus(at(first))
    await ben.press("r")
    await ben.fill(at(first, "textarea"), "I would rather keep it")
    await ana.sees(at(first, ".people"), "Ben Becker is editing")
    await ben.run("probe.held = []")  # the stream lags, so that only the answer to the request can tell
    await ana.focus(at(first))
    await ana.press("a")
    await ana.until(f"document.querySelector('{at(first)}').dataset.status === 'APPROVED'")
    await ben.click(at(first, ".reject-form button[type=submit]"))
    await ben.sees(at(first, ".change"), "Ana Alvarez was first and approved it at ")
    told = await ben.text(at(first, ".change"))
    assert await ben.text(at(first, ".proposed")) in told
    assert "What you typed is kept." in told
    assert " ago)" in told
    assert await ben.run(f"document.querySelector('{at(first, 'textarea')}').value") == "I would rather keep it"
    assert await ben.run(f"document.querySelector('{at(first)}').dataset.status") == "APPROVED"
    await ben.picture("conflict")
    await ana.until(f"document.querySelector('{at(first, '.way')}').dataset.status === 'CONFIRMED'")


@pytest.mark.req("RB-F2")
async def test_an_edit_of_somebody_else_is_shown_and_one_goes_on_from_it(two: tuple[Console, Console]) -> None:
    ana, ben = two
    first = await first_decrease(ana)
    await ana.click(at(first, ".edit"))
    await ana.fill(at(first, ".edit-form input[type=text]"), "-10")
    await ben.click(at(first, ".edit"))
    await ben.fill(at(first, ".edit-form input[type=text]"), "-5")
    await ben.click(at(first, ".edit-form button[type=submit]"))
    await ana.sees(at(first, ".change"), "Ben Becker changed it to ")
    expected = await ben.text(at(first, ".proposed"))
    await ana.sees(at(first, ".proposed"), expected)
    assert await ana.run(f"document.querySelector('{at(first, '.edit-form input[type=text]')}').value") == "-10"
    await ana.click(at(first, ".go-on"))
    # A press right after the change decides nothing, so this one presses until it has.
    send = f"document.querySelector('{at(first, '.edit-form button[type=submit]')}')"
    await ana.until(f"document.querySelector('{at(first)}').dataset.version === '3' || ({send}?.click(), false)")
    await ben.until(f"document.querySelector('{at(first)}').dataset.version === '3'")
    await ben.sees(at(first, ".change"), "Ana Alvarez changed it to ")


async def test_a_dropped_line_is_shown_and_resumed(two: tuple[Console, Console]) -> None:
    ana, ben = two
    first = await first_decrease(ana)
    # By then ben's stream knows its place, and what its first message made the page read again is there.
    await ben.until("probe.heard.recommendationChanges > 0 && probe.waiting === 0")
    await ben.run("probe.offline = true, probe.asked.length = 0, probe.sockets.at(-1).close()")
    await ben.sees("[data-testid=line]", "Connection lost, trying again")
    await ana.focus(at(first))
    await ana.press("r")
    await ana.fill(at(first, "textarea"), "A sale starts on Friday")
    await ana.click(at(first, ".reject-form button[type=submit]"))
    await ana.until(f"document.querySelector('{at(first)}').dataset.status === 'REJECTED'")
    assert await ben.run(f"document.querySelector('{at(first)}').dataset.status") == "NEEDS_REVIEW"
    await ben.run("probe.offline = false")
    await ben.sees(at(first, ".change"), "Ana Alvarez rejected it: “A sale starts on Friday”")
    assert await ben.text("[data-testid=line]") == "Live"
    assert "Recommendations" not in await ben.run("probe.asked.map((each) => each.name)")


async def test_several_are_approved_at_once_and_go_to_their_platforms(two: tuple[Console, Console]) -> None:
    ana, ben = two
    open_ = "[...document.querySelectorAll('.card[data-status=NEEDS_REVIEW]')].filter((each) => each.dataset.delta < 0)"
    chosen = await ana.run(f"{open_}.slice(0, 3).map((each) => each.dataset.id)")
    assert len(chosen) == 3
    for id_ in chosen:
        await ana.focus(at(id_))
        await ana.press("x")
    await ana.sees(".chosen", "3 chosen, ")
    await ana.click(".approve-chosen")
    await ana.sees(".answers", "3 of 3 done")
    for id_ in chosen:
        await ben.sees(at(id_, ".change"), "Ana Alvarez approved it at ")
        await ana.until(f"document.querySelector('{at(id_, '.way')}')?.dataset.status === 'CONFIRMED'")


@pytest.mark.req("RB-1.1")
async def test_an_analyst_looks_on_a_telephone_and_decides_nothing(product: Product, browser: Browser) -> None:
    cleo = await console(browser, product, "cleo@demo.test", width=390, height=840)
    assert "may look but not decide" in await cleo.text("[data-testid=may-not]")
    assert await cleo.run("document.querySelectorAll('.approve, .reject').length") == 0
    assert await cleo.run("[...document.querySelectorAll('section h2')].map((each) => each.textContent)") == [
        "Meta Ads", "Google Ads", "TikTok Ads",
    ]  # fmt: skip
    await cleo.sees("[data-testid=deadline]", "(America/New_York), in ")
    assert await cleo.run("document.documentElement.scrollWidth <= 390") is True
    await cleo.picture("review-phone")


async def test_a_response_curve_is_drawn_with_now_and_proposed_and_stands_as_a_table(
    product: Product, browser: Browser
) -> None:
    ana = await console(browser, product, "ana@demo.test")
    first = await first_decrease(ana)
    await ana.focus(at(first))
    await ana.press("c")
    labels = f"[...document.querySelectorAll('{at(first, '.curve .recharts-label')}')].map((each) => each.textContent)"
    await ana.until(f"document.querySelector('{at(first, '.curve .recharts-line-curve')}') && {labels}.length === 2")
    assert await ana.run(f"{labels}.sort()") == ["now", "proposed"]
    rows = await ana.run(
        f"[...document.querySelectorAll('{at(first, 'details tbody tr')}')].map((each) => each.firstChild.textContent)"
    )
    assert 13 <= len(rows) <= 15
    assert sum("(now)" in each for each in rows) == sum("(suggested)" in each for each in rows) == 1
    assert "of the shape comes from this campaign's own days" in await ana.text(at(first, ".curve"))
    await ana.run(f"document.querySelector('{at(first)}').scrollIntoView({{block: 'center'}})")
    await ana.picture("curve")


async def test_several_are_decided_at_once_and_each_has_its_own_answer(two: tuple[Console, Console]) -> None:
    ana, ben = two
    open_ = "[...document.querySelectorAll('.card[data-status=NEEDS_REVIEW]')].filter((each) => each.dataset.delta < 0)"
    first, second, third = await ana.run(f"{open_}.slice(0, 3).map((each) => each.dataset.id)")
    for id_ in (first, second):
        await ana.focus(at(id_))
        await ana.press("x")
    await ana.click(at(third, ".pick input"))
    await ana.sees(".chosen", "3 chosen, ")
    await ana.run("probe.held = []")  # the stream lags, so that only the answer can tell
    await ben.click(at(second, ".approve"))
    await ben.until(f"document.querySelector('{at(second)}').dataset.status === 'APPROVED'")
    await ana.click(".reject-chosen")
    await ana.fill(".chosen textarea", "Not before the sale")
    await ana.click(".chosen button[type=submit]")
    await ana.sees(".answers", "2 of 3 done")
    assert await ana.run("[...document.querySelectorAll('.answers li')].map((each) => / done$|: done$/.test(each.textContent))") == [
        True, False, True,
    ]  # fmt: skip
    await ana.sees(at(second, ".change"), "Ben Becker was first and approved it at ")
    for id_ in (first, third):
        await ben.sees(at(id_, ".change"), "Ana Alvarez rejected it: “Not before the sale”")
    assert await ana.run("document.querySelector('.chosen')") is None
    await ana.run("window.scrollTo(0, 0)")
    await ana.picture("together")


async def test_a_confirmed_change_is_watched_and_put_back(two: tuple[Console, Console]) -> None:
    ana, ben = two
    first = await first_decrease(ana)
    await go(ben, "Adjustments")
    await ben.until("document.querySelector('[data-testid=empty]')")
    await ana.click(at(first, ".approve"))
    await ben.until("document.querySelector('.adjustment')?.dataset.status === 'CONFIRMED'")
    await ben.click(".adjustment .revert")
    await ben.fill(".adjustment form input", "The sale was called off")
    await ben.click(".adjustment form button[type=submit]")
    await ben.until(
        "[...document.querySelectorAll('.adjustment')].map((each) => each.dataset.status).join() === "
        "'CONFIRMED,REVERTED'"
    )
    await ben.sees(".adjustment", "Puts back an earlier change: “The sale was called off”")
    await ben.picture("adjustments")


async def test_a_stop_takes_two_steps_shows_what_it_does_and_is_lifted(product: Product, browser: Browser) -> None:
    ana = await console(browser, product, "ana@demo.test")
    first = await first_decrease(ana)
    await ana.click(at(first, ".approve"))
    await ana.until(f"document.querySelector('{at(first, '.way')}')?.dataset.status === 'CONFIRMED'")
    await go(ana, "Emergency stop")
    await ana.fill("input[name=reason]", "The tracking broke")
    await ana.press("Enter")
    await ana.sees("[data-testid=stop-preview]", "put back 1 change of the last 24 hours")
    assert "pause " not in await ana.text("[data-testid=stop-preview]")
    await ana.choose("select[name=pausing]", "ALL")
    await ana.sees("[data-testid=stop-preview]", "which a person sets running again one by one")
    names = await ana.run(
        "[...document.querySelectorAll('[data-testid=stop-preview] li li')].map((each) => each.textContent)"
    )
    assert len([each for each in names if each.endswith(" Ads")]) == len(names) - 1 >= 10
    await ana.picture("stop")
    assert await ana.run("document.querySelector('.stop-now').disabled") is True
    await ana.fill("input[name=word]", "stop")
    await ana.click(".stop-now")
    await ana.sees("[data-testid=stopped]", "Ana Alvarez")
    await ana.sees("[data-testid=stopped]", "Everything is still since")
    await ana.until(
        f"document.querySelectorAll('.paused li').length === {len(names) - 1} && "
        "document.querySelectorAll('.paused li:not([data-state=CONFIRMED])').length === 0",
    )
    await ana.click(".lift")
    await ana.sees("article", "“The tracking broke”")
    await ana.sees("article", f"{len(names) - 1} campaigns paused")


async def test_a_guardrail_is_tried_on_last_week_set_and_the_second_to_set_it_loses_nothing(
    product: Product, browser: Browser
) -> None:
    ana, twin = await asyncio.gather(
        console(browser, product, "ana@demo.test"), console(browser, product, "ana@demo.test")
    )
    for page in (ana, twin):
        await go(page, "Guardrails")
        await page.sees("[data-testid=preview]", "As all is set now")
    assert "0 would be blocked" in await ana.text("[data-testid=preview] .bars > :first-child")
    assert "Empty: Rebalancer 10 %" in await ana.text("form.guardrail-form")
    await ana.fill("input[name=maxDailyBudget]", "1")
    await ana.sees("[data-testid=preview] table", "above the cap of 1.00 USD")
    await ana.sees(".bars > :last-child .counts", "0 would wait for a person")
    await ana.picture("guardrails")
    # Two answers of the server to what makes no sense, each at its own field.
    await ana.fill("input[name=minDailyBudget]", "9")
    await ana.sees("[data-testid=preview]", "Not possible: the floor lies above the cap")
    await ana.click(".guardrail-form button[type=submit]")
    await ana.until(
        "document.querySelector('input[name=minDailyBudget]').getAttribute('aria-invalid') === 'true' && "
        "document.querySelector('.guardrail-form').textContent.includes('the floor lies above the cap')"
    )
    assert (await typed(ana, "maxDailyBudget"), await typed(ana, "minDailyBudget")) == ("1 USD", "9 USD")
    await ana.run("document.querySelector('input[name=minDailyBudget]').select()")
    await ana.page.type("0.5")
    await ana.click(".guardrail-form button[type=submit]")
    await ana.sees("[data-testid=saved]", "Guardrails of the whole workspace are saved.")
    await ana.until("document.querySelector('.guardrail-form').dataset.version === '1'")

    await twin.fill("input[name=maxChangeShare]", "7.5")
    await twin.click(".guardrail-form button[type=submit]")
    await twin.sees(".conflict", "Ana Alvarez set these guardrails")
    await twin.sees(".conflict", "Cap of each daily budget")
    assert await typed(twin, "maxChangeShare") == "7.5 %"
    await twin.click(".keep-mine")
    await twin.click(".guardrail-form button[type=submit]")
    await twin.sees("[data-testid=saved]", "are saved")
    await twin.until("document.querySelector('.guardrail-form').dataset.version === '2'")
    assert (await typed(twin, "maxChangeShare"), await typed(twin, "maxDailyBudget")) == ("7.5 %", "")
    await twin.click(".remove")
    await twin.sees("[data-testid=saved]", "what is wider holds again")


async def test_who_may_not_set_guardrails_may_try_them(product: Product, browser: Browser) -> None:
    cleo = await console(browser, product, "cleo@demo.test", width=390, height=840)
    await cleo.send("Page.navigate", {"url": f"{product.url}/guardrails"})
    await cleo.sees("[data-testid=may-not-set]", "You may look and try, not set")
    await cleo.sees("[data-testid=preview]", "As all is set now")
    assert await cleo.run("document.querySelectorAll('.guardrail-form button').length") == 0
    assert await cleo.run("document.documentElement.scrollWidth <= 390") is True


@pytest.mark.req("RB-3.1")
async def test_the_history_of_chosen_days_says_who_moved_what_and_what_was_executed(
    product: Product, browser: Browser
) -> None:
    ana = await console(browser, product, "ana@demo.test")
    first = await first_decrease(ana)
    name = await ana.run(f"document.querySelector('{at(first)}').ariaLabel")
    await ana.click(at(first, ".approve"))
    await ana.until(f"document.querySelector('{at(first, '.way')}')?.dataset.status === 'CONFIRMED'")
    await go(ana, "History")
    await ana.sees("[data-testid=changes] tbody", "Ana Alvarez")
    cells = await ana.run(
        "[...document.querySelectorAll('[data-testid=changes] tbody tr td')].map((each) => each.textContent)"
    )
    assert (cells[1], cells[3], cells[6]) == (name, "Ana Alvarez", "Confirmed")
    assert cells[4] == cells[5]
    assert cells[4].startswith("-$")
    until = await ana.run("document.querySelector('[data-testid=history]').dataset.until")
    # Its last day is today in the workspace's zone; what was approved just now is gone from the days before.
    await ana.choose("input[name=until]", (date.fromisoformat(until) - timedelta(days=1)).isoformat())
    await ana.sees("[data-testid=history]", "Nothing was approved in this period")
    assert f"until={date.fromisoformat(until) - timedelta(days=1)}" in await ana.run("location.search")
    await ana.choose("input[name=since]", until)
    await ana.sees("[data-testid=history]", "The first day lies after the last.")
    await ana.choose("select[name=usual]", "90")
    await ana.sees("[data-testid=changes] tbody", "Ana Alvarez")
    since = date.fromisoformat(await ana.run("document.querySelector('[data-testid=history]').dataset.since"))
    assert date.fromisoformat(until) - since == timedelta(days=89)


async def test_the_threshold_of_large_changes_is_set_and_who_is_second_keeps_what_was_typed(
    product: Product, browser: Browser
) -> None:
    ana, twin = await asyncio.gather(
        console(browser, product, "ana@demo.test"), console(browser, product, "ana@demo.test")
    )
    for page, amount in ((ana, "250"), (twin, "300")):
        await go(page, "Notifications")
        await page.until("document.querySelector('input[name=alertAbove]')")
        await page.run("document.querySelector('input[name=alertAbove]').select()")
        await page.page.type(amount)
    await ana.click("[data-testid=threshold] button")
    await ana.sees("[data-testid=threshold]", "Saved")
    await twin.click("[data-testid=threshold] button")
    await twin.sees("[data-testid=threshold]", "Ana Alvarez changed the settings first")
    assert "it is 250.00 now" in await twin.text("[data-testid=threshold]")
    assert await typed(twin, "alertAbove") == "300"
    await twin.click("[data-testid=threshold] button")
    await twin.sees("[data-testid=threshold]", "Saved")
    await ana.send("Page.reload")
    await ana.until("document.querySelector('input[name=alertAbove]')?.value === '300'")
