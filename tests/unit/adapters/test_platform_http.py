"""A meter stops an adapter before the request leaves, in the platforms' own vocabulary of failures."""

from datetime import date

import httpx
import pytest

from adapters.meta import MetaPlatform
from domain.errors import PlatformError
from kit.metering import metered


@pytest.mark.req("RO-04")
async def test_pages_beyond_the_calls_allowed_are_not_asked_for() -> None:
    asked = []

    def page(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json={"data": [], "paging": {"next": "x", "cursors": {"after": str(len(asked))}}})

    async with httpx.AsyncClient(base_url="http://meta.test", transport=httpx.MockTransport(page)) as client:
        meta = MetaPlatform(client, "token")
        with metered(3) as meter, pytest.raises(PlatformError) as caught:
            await meta.fetch_daily_metrics("1", date(2026, 3, 1), date(2026, 3, 2))
    assert (len(asked), meter.used) == (3, 3)
    assert (caught.value.platform_code, caught.value.retryable, caught.value.outcome_known) == (
        "CALLS_USED_UP",
        True,
        True,
    )
