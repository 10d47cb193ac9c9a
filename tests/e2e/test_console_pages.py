"""Every page of the console by itself: its address, light and dark, a telephone's width, zones, currencies, errors."""

import asyncio

import pytest

from tests.e2e.console_browser import Console, at, console, first_decrease, go
from tests.e2e.pages_browser import Browser, Product

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("built")]

PHONE = {"width": 390, "height": 840}
#: Each address, its title, what it asks for first, and what then stands there.
PAGES = {
    "/": ("Review", "Recommendations", "[data-testid=platforms] .card"),
    "/adjustments": ("Adjustments", "Adjustments", ".adjustment[data-status=CONFIRMED]"),
    "/history": ("History", "History", "[data-testid=changes] tbody tr"),
    "/notifications": ("Notifications", "Notifications", "[data-testid=threshold]"),
    "/guardrails": ("Guardrails", "Guardrails", "[data-testid=preview] .bars"),
    "/stop": ("Emergency stop", "Stops", "input[name=reason]"),
}


async def with_a_change(browser: Browser, product: Product, **size: int) -> Console:
    """Ana, after a decrease of hers was confirmed, so that each page has something to show."""
    ana = await console(browser, product, "ana@demo.test", **size)
    first = await first_decrease(ana)
    await ana.click(at(first, ".approve"))
    await ana.until(f"document.querySelector('{at(first, '.way')}')?.dataset.status === 'CONFIRMED'")
    return ana


async def visit(page: Console, product: Product, address: str) -> None:
    await page.send("Page.navigate", {"url": f"{product.url}{address}"})
    await page.until(f"location.pathname === '{address}' && document.querySelector('{PAGES[address][2]}')")
    await page.until("document.querySelector('[data-testid=line]').dataset.state === 'live'")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_opens_by_its_own_address_in_light_and_dark(
    product: Product, browser: Browser, scheme: str
) -> None:
    ana = await with_a_change(browser, product)
    await ana.send("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    await ana.until(f"document.documentElement.dataset.mantineColorScheme === '{scheme}'")
    for address, (title, _, _) in PAGES.items():
        await visit(ana, product, address)
        assert await ana.run("document.querySelector('[aria-current=page]').getAttribute('href')") == address
        assert await ana.run("document.title") == f"{title} - Campaign Express"
        if address == "/":
            await ana.sees("[data-testid=deadline]", "Decide by ")
            await ana.picture(f"review-{scheme}")
        elif scheme == "light" and address in {"/history", "/notifications"}:
            await ana.picture(address[1:])


async def test_on_a_telephone_no_page_sticks_out_to_the_side(product: Product, browser: Browser) -> None:
    ana = await with_a_change(browser, product, **PHONE)
    for address in PAGES:
        await visit(ana, product, address)
        wide = await ana.run(
            "[...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > 391 && "
            "!e.closest('.scroll, .recharts-wrapper')).map((e) => e.outerHTML.slice(0, 120)).slice(0, 3)"
        )
        assert await ana.run("document.documentElement.scrollWidth") == PHONE["width"], (address, wide)
    # The menu opens there, and leads on.
    await ana.click("button[aria-label=Menu]")
    await go(ana, "History")


async def test_each_page_says_that_it_cannot_be_read_and_reads_again_when_asked(
    product: Product, browser: Browser
) -> None:
    ana = await with_a_change(browser, product)
    await go(ana, "Adjustments")
    for title, operation, there in [each for address, each in PAGES.items() if address != "/adjustments"]:
        await ana.run(f"probe.refuse = '{operation}'")
        await go(ana, title)
        await ana.sees("main [role=alert]", "Not right now.")
        await ana.run("probe.refuse = ''")
        await ana.run(
            "[...document.querySelectorAll('main [role=alert] button')].find((e) => e.textContent === 'Try again').click()"
        )
        await ana.until(
            f"document.querySelector('{there}') && !document.querySelector('main').textContent.includes('Not right now.')"
        )


async def test_moments_are_the_readers_own_the_deadline_the_workspaces_and_amounts_their_accounts(
    product: Product, browser: Browser
) -> None:
    ana, far = await asyncio.gather(
        console(browser, product, "ana@demo.test"), console(browser, product, "ben@demo.test")
    )
    await far.send("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Tokyo"})
    await far.send("Emulation.setLocaleOverride", {"locale": "en-GB"})
    await visit(far, product, "/")
    facts = "[...document.querySelectorAll('.card .facts')].map((each) => each.textContent).join()"
    assert "GMT+9" in await far.run(facts)
    assert "GMT+9" not in await ana.run(facts)
    for page in (ana, far):
        await page.sees("[data-testid=deadline]", "(America/New_York)")
        assert "GMT+9" not in await page.text("[data-testid=deadline]")
        budgets = await page.run("[...document.querySelectorAll('.card .budget')].map((each) => each.textContent)")
        # Of the demo's accounts one is kept in euros, the others in dollars.
        assert {each.strip("US")[0] for each in budgets} == {"$", "€"}
