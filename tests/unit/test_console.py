"""The console's routes: what is served where nothing was built, and the policy of each answer."""

from pathlib import Path

import httpx
from starlette.applications import Starlette

from app.console import ADDRESSES, console_routes, content_security_policy
from app.pages import PAGES


def client(built: Path) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(Starlette(routes=console_routes(built)))
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def test_without_a_build_the_plain_page_stands_at_both_addresses(tmp_path: Path) -> None:
    plain = (PAGES / "review.html").read_text("utf-8")
    async with client(tmp_path) as browser:
        assert [(await browser.get(each)).text for each in ("/", "/plain")] == [plain, plain]
        assert (await browser.get("/history")).status_code == 404


async def test_each_answer_has_a_nonce_of_its_own_that_its_policy_names(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text('<meta property="csp-nonce" nonce="CSP_NONCE">')
    async with client(tmp_path) as browser:
        answers = [await browser.get(each) for each in ADDRESSES]
    nonces = {answer.text.split('"')[3] for answer in answers}
    assert len(nonces) == len(ADDRESSES)
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy == content_security_policy(answer.text.split('"')[3])
        assert "unsafe" not in policy
        assert "default-src 'none'; script-src 'self'; " in policy
        assert answer.headers["cache-control"] == "no-store"


async def test_assets_are_kept_for_good_and_nothing_beside_them_is_served(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").touch()
    (tmp_path / "assets" / "a-1.js").write_text("1")
    async with client(tmp_path) as browser:
        found = await browser.get("/assets/a-1.js")
        assert (found.text, found.headers["cache-control"]) == ("1", "public, max-age=31536000, immutable")
        assert (await browser.get("/assets/../index.html")).status_code == 404
        assert (await browser.get("/assets/%2e%2e/index.html")).status_code == 404


async def test_an_asset_goes_out_in_the_best_form_that_was_made_and_that_the_client_takes(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").touch()
    for name, text in {"a.js": "plain", "a.js.br": "brotli", "a.js.gz": "gzip", "b.css": "plain"}.items():
        (tmp_path / "assets" / name).write_text(text)
    found = {}
    async with client(tmp_path) as browser:
        for name, accepted in [
            ("a.js", "gzip, deflate, br"), ("a.js", "gzip"), ("a.js", "br;q=0, gzip;q=0.5"), ("a.js", "identity"), ("b.css", "br"),
        ]:  # fmt: skip
            async with browser.stream("GET", f"/assets/{name}", headers={"accept-encoding": accepted}) as answer:
                text = b"".join([each async for each in answer.aiter_raw()]).decode()
            assert answer.headers["vary"] == "Accept-Encoding"
            assert answer.headers["content-type"].split(";")[0] == {"a": "text/javascript", "b": "text/css"}[name[0]]
            found[name, accepted] = (text, answer.headers.get("content-encoding"))
    assert list(found.values()) == [
        ("brotli", "br"), ("gzip", "gzip"), ("gzip", "gzip"), ("plain", None), ("plain", None),
    ]  # fmt: skip
