"""Following the sandbox's clock, so that days skipped there are lived through here. For demos and tests."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import httpx

from app.settings import Settings
from domain.errors import DomainError
from kit.time import Clock, OffsetClock, SystemClock

_LOOK_SECONDS: Final = 1.0


class NotTheSandbox(DomainError):
    """Nobody answers at the sandbox's address, or not with a clock."""


@asynccontextmanager
async def open_clock(settings: Settings) -> AsyncIterator[Clock]:
    """The clock the settings ask for: the machine's, or the machine's plus the sandbox's offset, looked up each second.

    While the sandbox does not answer the last offset stays.

    Raises:
        NotTheSandbox: at the start, if nothing answers there, or something else.
    """
    if settings.clock == "system":
        yield SystemClock()
        return
    offset = timedelta()
    async with httpx.AsyncClient(base_url=settings.sandbox, trust_env=False) as client:

        async def look() -> None:
            nonlocal offset
            answer = await client.get("/control/clock")
            try:
                offset = timedelta(seconds=float(answer.raise_for_status().json()["offset_seconds"]))
            except (httpx.HTTPStatusError, ValueError, KeyError, TypeError, OverflowError) as error:
                raise NotTheSandbox(f"what answers at {settings.sandbox} is not the sandbox") from error

        async def follow() -> None:
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                with contextlib.suppress(httpx.HTTPError, NotTheSandbox):
                    await look()

        try:
            await look()
        except httpx.TransportError as error:
            what = f"the sandbox does not answer at {settings.sandbox}"
            raise NotTheSandbox(f"{what}; start it with: campaign-express sandbox, or set CE_SANDBOX_URL") from error
        task = asyncio.create_task(follow())
        try:
            yield OffsetClock(lambda: offset)
        finally:
            task.cancel()
