"""Hands messages to providers over HTTP and tells failures in one vocabulary. Must not retry, wait or decide.

Every failure becomes a DeliveryError, which says whether the provider may have taken the message all the same: one that
never left, or was answered with a refusal, was not taken; one that met a time-out or a server's failure may have been.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx

from adapters.platform_http import retry_after_header, shorten
from domain.errors import DeliveryError

CONNECT_SECONDS: Final = 5.0
#: The whole exchange; well inside the lease of a delivery.
TOTAL_SECONDS: Final = 20.0

_SERVER_ERROR: Final = 500
# Failures before the first byte of the request has left.
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class MessageHttp:
    """One provider's client. `client` carries the base address and belongs to whoever made it.

    `explain` gives the provider's own words from the JSON of a refusal; what it raises counts as no words.
    """

    provider: str
    client: httpx.AsyncClient
    explain: Callable[[Any], str]
    total_seconds: float = TOTAL_SECONDS

    async def post(self, path: str, **parts: Any) -> httpx.Response:
        """The answer of a provider that took the request (`parts` as httpx takes them). Raises DeliveryError."""
        timeout = httpx.Timeout(self.total_seconds, connect=min(CONNECT_SECONDS, self.total_seconds))
        request = self.client.build_request("POST", path, timeout=timeout, **parts)
        try:
            async with asyncio.timeout(self.total_seconds):
                response = await self.client.send(request)
        except _NEVER_SENT as error:
            raise self._unanswered(error, outcome_known=True) from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise self._unanswered(error, outcome_known=False) from error
        if not response.is_success:
            raise self._refused(response)
        return response

    def _unanswered(self, error: Exception, *, outcome_known: bool) -> DeliveryError:
        message = f"{self.provider} did not answer ({type(error).__name__})"
        return DeliveryError(message, retryable=True, outcome_known=outcome_known)

    def _refused(self, response: httpx.Response) -> DeliveryError:
        failed = response.status_code >= _SERVER_ERROR
        busy = response.status_code == httpx.codes.TOO_MANY_REQUESTS
        return DeliveryError(
            f"{self.provider} answered {response.status_code}: {self._words(response)}",
            retryable=failed or busy,
            outcome_known=not failed,
            retry_after_seconds=retry_after_header(response.headers),
        )

    def _words(self, response: httpx.Response) -> str:
        try:
            return shorten(self.explain(response.json()))
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            return "no explanation"
