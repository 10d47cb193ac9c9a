"""Native 1.2: which requests can be answered, and the response as text."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotpath.openrtb.native import AssetValue, Link, NativeResponse, TitleValue, read_native, write_native

TITLE = {"id": 1, "title": {"len": 90}}
FILM = {"mimes": ["video/mp4"], "minduration": 1, "maxduration": 9, "protocols": [2]}


def text(*assets: dict[str, Any], **fields: Any) -> str:
    return json.dumps({"assets": assets or [TITLE], **fields})


def test_a_request_is_read_bare_or_wrapped() -> None:
    bare = read_native(text(ver="1.1", context=1, contextsubtype=11, plcmttype=4))
    assert bare is not None
    assert (bare.ver, bare.context, bare.contextsubtype, bare.plcmttype, bare.plcmtcnt) == ("1.1", 1, 11, 4, 1)
    assert bare.assets[0].title is not None
    assert bare.assets[0].title.len == 90
    assert read_native(f'{{"native":{text()}}}') == read_native(text())


@pytest.mark.parametrize(
    "request_text",
    [
        text({"title": {"len": 9}}),
        text({"id": 1, "img": {"type": 3}}),
        text({"id": 1, "video": FILM}),
        text({"id": "1", "data": {"type": "2"}}),
        text(eventtrackers=[{"event": 1, "methods": [1, 2]}, {"event": 555, "methods": [501]}]),
        text(context=1, contextsubtype=0),
        text(contextsubtype=500, context=2),
        text(context=2, contextsubtype=20),
        text(context=503, contextsubtype=30),
        text(nosuch=1),
    ],
)
def test_what_can_be_answered(request_text: str) -> None:
    assert read_native(request_text) is not None


@pytest.mark.parametrize(
    "request_text",
    [
        "",
        "null",
        "[]",
        "{}",
        "{",
        "\ud800",
        "[" * 100_000,
        '{"assets":[]}',
        text({"id": 1}),
        text({"id": 1, "title": {"len": 9}, "data": {"type": 1}}),
        text({"id": 1, "title": {}}),
        text({"id": 1, "data": {}}),
        text({"id": 1, "video": {**FILM, "mimes": None}}),
        text({"id": 1, "img": {"w": -1}}),
        text({"id": 1, "img": {"hmin": -1}}),
        text(contextsubtype=-1),
        text(context=2, contextsubtype=11),
        text(context=1, contextsubtype=31),
        text(eventtrackers=[{"event": 5, "methods": [1]}]),
        text(eventtrackers=[{"event": 1, "methods": [3]}]),
        text(eventtrackers=[{"event": 0, "methods": [1]}]),
    ],
)
def test_what_cannot(request_text: str) -> None:
    assert read_native(request_text) is None


@given(st.text())
def test_any_text_is_an_answer(any_text: str) -> None:
    read_native(any_text)


def test_a_response_says_only_what_is_not_the_default() -> None:
    response = NativeResponse(link=Link(url="https://a"), assets=(AssetValue(id=1, title=TitleValue(text="t")),))
    assert json.loads(write_native(response)) == {
        "link": {"url": "https://a"},
        "assets": [{"id": 1, "title": {"text": "t"}}],
    }
