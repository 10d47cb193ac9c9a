"""Following the sandbox's clock, so that days skipped there are lived through here. For demos and tests."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import httpx

from app.settings import Settings
from kit.time import Clock, OffsetClock, SystemClock

_LOOK_SECONDS: Final = 1.0


@asynccontextmanager
async def open_clock(settings: Settings) -> AsyncIterator[Clock]:
    """The clock the settings ask for: the machine's, or the machine's plus the sandbox's offset, looked up each second.

    While the sandbox does not answer the last offset stays.
    """
    if settings.clock == "system":
        yield SystemClock()
        return
    offset = timedelta()
    async with httpx.AsyncClient(base_url=settings.sandbox, trust_env=False) as client:

        async def look() -> None:
            nonlocal offset
            answer = await client.get("/control/clock")
            offset = timedelta(seconds=float(answer.raise_for_status().json()["offset_seconds"]))

        async def follow() -> None:
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                with contextlib.suppress(httpx.HTTPError):
                    await look()

        await look()
        task = asyncio.create_task(follow())
        try:
            yield OffsetClock(lambda: offset)
        finally:
            task.cancel()
