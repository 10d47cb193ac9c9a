"""Every answer has an x-request-id, and the lines that are logged meanwhile carry it."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.logs import REQUEST_ID
from app.request_ids import RequestIds


async def tell(request: Request) -> Response:
    """What the layers below see."""
    return PlainTextResponse(f"{request.headers['x-request-id']} {REQUEST_ID.get()}")


async def own(_: Request) -> Response:
    return PlainTextResponse("", headers={"X-Request-Id": "another"})


async def broken(_: Request) -> Response:
    raise RuntimeError


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = RequestIds(Starlette(routes=[Route("/", tell), Route("/own", own), Route("/broken", broken)]))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://api.test")


async def test_a_clients_own_id_is_kept_everywhere(client: httpx.AsyncClient) -> None:
    answer = await client.get("/", headers={"x-request-id": "Job-7:retry.2"})
    assert answer.headers.get_list("x-request-id") == ["Job-7:retry.2"]
    assert answer.text == "Job-7:retry.2 Job-7:retry.2"


@pytest.mark.parametrize("given", ["", "two words", "x" * 129, 'quote"'])
async def test_what_is_no_plain_id_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    answers = [await client.get("/", headers={"x-request-id": given}) for _ in range(2)]
    (first,), (second,) = (each.headers.get_list("x-request-id") for each in answers)
    assert first != second
    assert len(first) == len(second) == 32
    assert answers[0].text == f"{first} {first}"


@pytest.mark.parametrize(("path", "status"), [("/own", 200), ("/nowhere", 404), ("/broken", 500)])
async def test_all_answers_have_exactly_one(client: httpx.AsyncClient, path: str, status: int) -> None:
    answer = await client.get(path, headers={"x-request-id": "r-1"})
    assert (answer.status_code, answer.headers.get_list("x-request-id")) == (status, ["r-1"])
