"""Sends requests to ad platforms and tells transport failures in one vocabulary. Must not retry, wait or decide.

Every failure becomes a PlatformError. For a write it says whether the outcome is known: a request that never left, or
was answered with a refusal, changed nothing; one that met a time-out, a cut connection or a server error may have.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, Final

import httpx

from domain.errors import PlatformError
from domain.platforms import Platform
from kit.metering import MeterUsedUp, count_call
from kit.money import MICROS_PER_UNIT

#: A fixed token, or a function that gives the one that is good now.
AccessToken = Callable[[], str] | str

CONNECT_SECONDS: Final = 5.0
#: The whole exchange, however slowly the bytes drip.
TOTAL_SECONDS: Final = 30.0

#: More pages than any account has: a platform that never stops paging must not hold a sync for ever.
MAX_PAGES: Final = 1_000

_MAX_MESSAGE_CHARACTERS: Final = 300
_NO_CONTENT: Final = 204
_SERVER_ERROR: Final = 500
_TOO_MANY_REQUESTS: Final = 429

# Failures before the first byte of the request has left.
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with a JSON body, None where HTTP says there is none (204); numbers with a point are Decimals."""

    status: int
    headers: httpx.Headers
    body: Any

    @property
    def is_success(self) -> bool:
        """HTTP calls it a success (2xx)."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's class of successes

    @property
    def is_server_error(self) -> bool:
        """The platform failed; it may have applied a write before that."""
        return self.status >= _SERVER_ERROR


@dataclass(frozen=True, slots=True)
class PlatformHttp:
    """One platform's client. `client` carries the base address and belongs to whoever made it."""

    platform: Platform
    client: httpx.AsyncClient
    total_seconds: float = TOTAL_SECONDS

    async def read(self, method: str, path: str, **parts: Any) -> Reply:
        """Send a request that changes nothing (`parts` as httpx takes them). Raises PlatformError without an answer."""
        return await self._send(method, path, writes=False, **parts)

    async def write(self, method: str, path: str, **parts: Any) -> Reply:
        """Send a request that changes something. Raises PlatformError, whose `outcome_known` tells what is known."""
        return await self._send(method, path, writes=True, **parts)

    async def download(self, address: str) -> bytes:
        """A file that an answer pointed to, without the platform's credentials. Raises PlatformError.

        The address is followed over TLS only, unless it is on the very host that gave it.
        """
        if not self._may_follow(address):
            message = f"{self.platform.value} pointed to a file at an address that is not followed"
            raise PlatformError(message, platform_code="UNSAFE_ADDRESS")
        response = await self._exchange("GET", address, writes=False)
        reply = Reply(response.status_code, response.headers, None)
        if not reply.is_success:
            raise self.unexplained(reply, writes=False)
        return response.content

    def _may_follow(self, address: str) -> bool:
        try:
            url = httpx.URL(address)
        except httpx.InvalidURL:
            return False
        own = self.client.base_url
        return url.scheme == "https" or (url.scheme, url.netloc) == (own.scheme, own.netloc)

    async def _send(self, method: str, path: str, *, writes: bool, **parts: Any) -> Reply:
        return self._decode(await self._exchange(method, path, writes=writes, **parts), writes=writes)

    async def _exchange(self, method: str, path: str, *, writes: bool, **parts: Any) -> httpx.Response:
        timeout = httpx.Timeout(self.total_seconds, connect=min(CONNECT_SECONDS, self.total_seconds))
        request = self.client.build_request(method, path, timeout=timeout, **parts)
        try:
            count_call()
        except MeterUsedUp as error:
            message = f"{self.platform.value} would take more calls than this may make"
            raise PlatformError(message, platform_code="CALLS_USED_UP", retryable=True) from error
        try:
            async with asyncio.timeout(self.total_seconds):
                return await self.client.send(request)
        except _NEVER_SENT as error:
            raise self._unanswered(error, outcome_known=True) from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise self._unanswered(error, outcome_known=not writes) from error

    def _unanswered(self, error: Exception, *, outcome_known: bool) -> PlatformError:
        kind = type(error).__name__
        message = f"{self.platform.value} did not answer ({kind})"
        return PlatformError(message, platform_code=kind, retryable=True, outcome_known=outcome_known)

    def _decode(self, response: httpx.Response, *, writes: bool) -> Reply:
        if response.status_code == _NO_CONTENT:
            return Reply(response.status_code, response.headers, None)
        try:
            body = json.loads(response.content, parse_float=Decimal)
        except ValueError as error:
            reply = Reply(response.status_code, response.headers, None)
            raise self.unexplained(reply, writes=writes) from error
        return Reply(response.status_code, response.headers, body)

    def unexplained(self, reply: Reply, *, writes: bool) -> PlatformError:
        """The error of an answer that carries none of its platform's own: a gateway's page, a bare status.

        Only HTTP's client errors tell that nothing was applied.
        """
        refused = 400 <= reply.status < _SERVER_ERROR  # noqa: PLR2004 - HTTP's class of client errors
        return PlatformError(
            f"{self.platform.value} answered with HTTP {reply.status} and no explanation",
            platform_code=f"HTTP_{reply.status}",
            retryable=not refused or reply.status == _TOO_MANY_REQUESTS,
            outcome_known=refused or not writes,
            retry_after_seconds=retry_after_header(reply.headers),
        )

    @contextmanager
    def parsing(self, *, writes: bool = False) -> Iterator[None]:
        """Turn a reply that lacks what its platform documents into a PlatformError (after a write: outcome unknown)."""
        try:
            yield
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
            raise PlatformError(
                f"{self.platform.value} answered in an unknown shape ({type(error).__name__}: {shorten(str(error))})",
                platform_code="UNREADABLE_REPLY",
                outcome_known=not writes,
            ) from error

    def endless(self) -> PlatformError:
        """What to raise when pages do not end."""
        return PlatformError(f"{self.platform.value} keeps paging", platform_code="ENDLESS_PAGES")

    def require_digits(self, external_id: str) -> str:
        """The id, if it is one: ids become part of paths and queries. Raises PlatformError before anything is sent."""
        if not (external_id.isascii() and external_id.isdigit()):
            shown = shorten(repr(external_id))
            raise PlatformError(f"{shown} is not a {self.platform.value} id", platform_code="INVALID_ID")
        return external_id


def current_token(token: AccessToken) -> str:
    """The access token that is good now."""
    return token if isinstance(token, str) else token()


def money_micros(value: str | int | Decimal) -> int:
    """Micros of a platform's amount in currency units; what is finer than a micro is rounded half to even.

    Raises:
        ValueError, InvalidOperation: not a finite decimal.
    """
    amount = Decimal(value) * MICROS_PER_UNIT
    return int(amount.to_integral_value(rounding=ROUND_HALF_EVEN))


def retry_after_header(headers: httpx.Headers) -> float | None:
    """Seconds of a `Retry-After` header that counts seconds; None for none, or for a date."""
    text = headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None


def shorten(message: str) -> str:
    """A platform's own words, short enough for a record and a screen."""
    return message if len(message) <= _MAX_MESSAGE_CHARACTERS else message[: _MAX_MESSAGE_CHARACTERS - 1] + "…"
