"""Signed anchors of the log: only what was signed, as it was signed, by a key of the ring."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from adapters.keyring import FileKeyRing
from adapters.signatures import AnchorRefused, AnchorSigner, sign_statement
from domain.errors import InvalidInput
from kit.time import FixedClock

ANCHOR = {"tenant_id": "0198", "seq": 1841, "hash": "ab" * 32, "at": "2026-03-01T12:00:00.000000Z"}


@pytest.fixture
def clock():
    return FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))


@pytest.fixture
def ring(tmp_path, clock):
    return FileKeyRing(tmp_path / "anchors.json", clock, None)


@pytest.fixture
def signer(ring):
    return AnchorSigner(ring)


def test_an_anchor_comes_back_as_it_was_signed(signer):
    text = signer.sign(ANCHOR)
    assert text.count(".") == 2
    assert signer.verify(text) == ANCHOR
    assert signer.verify(f"{text}\n") == ANCHOR


def test_the_payload_has_one_spelling(signer):
    payload = signer.sign(dict(reversed(ANCHOR.items()))).split(".")[1]
    assert base64.urlsafe_b64decode(payload + "==") == (
        b'{"at":"2026-03-01T12:00:00.000000Z","hash":"' + b"ab" * 32 + b'","seq":1841,"tenant_id":"0198"}'
    )


def test_old_anchors_verify_through_rotations(signer, ring, clock):
    texts = [signer.sign(ANCHOR)]
    for _ in range(3):
        clock.advance(timedelta(days=365))
        ring.rotate()
        texts.append(signer.sign(ANCHOR))
    assert len({text.split(".")[0] for text in texts}) == 4
    assert [signer.verify(text) for text in texts] == [ANCHOR] * 4


def test_every_changed_character_is_found(signer):
    text = signer.sign(ANCHOR)
    for place, character in enumerate(text):
        changed = text[:place] + ("A" if character != "A" else "B") + text[place + 1 :]
        with pytest.raises(AnchorRefused):
            signer.verify(changed)


def test_an_edited_anchor_under_the_old_signature_is_refused(signer):
    header, _, signature = signer.sign(ANCHOR).split(".")
    edited = base64.urlsafe_b64encode(json.dumps({**ANCHOR, "seq": 1840}).encode()).decode().rstrip("=")
    with pytest.raises(AnchorRefused, match="signature does not hold") as refusal:
        signer.verify(f"{header}.{edited}.{signature}")
    assert isinstance(refusal.value, InvalidInput)
    assert refusal.value.path == ("anchor",)


def test_an_anchor_of_another_installation_is_refused(signer, tmp_path, clock):
    stranger = AnchorSigner(FileKeyRing(tmp_path / "stranger.json", clock, None))
    with pytest.raises(AnchorRefused, match="unknown or rotated out"):
        signer.verify(stranger.sign(ANCHOR))


def test_an_access_token_of_the_same_ring_is_no_anchor(signer, ring):
    with pytest.raises(AnchorRefused, match="another kind"):
        signer.verify(sign_statement(ring, "at+jwt", json.dumps(ANCHOR).encode()))


def test_a_signed_statement_of_the_right_kind_with_other_content_is_refused(signer, ring):
    for payload in (b"", b"[]", b"{}", b'{"seq":1}', json.dumps({**ANCHOR, "extra": 1}).encode()):
        with pytest.raises(AnchorRefused):
            signer.verify(sign_statement(ring, "log-anchor+jws", payload))


@pytest.mark.parametrize("text", ["", ".", "..", "a.b", "a.b.c.d", "é" * 10, "x" * 9_000, "\x00"])
def test_what_is_no_statement_is_refused(signer, text):
    with pytest.raises(AnchorRefused):
        signer.verify(text)


@pytest.mark.parametrize("anchor", [{}, {**ANCHOR, "seq": "1841"}, {**ANCHOR, "more": 1}, {**ANCHOR, "at": 5}])
def test_only_a_whole_anchor_is_signed(signer, anchor):
    with pytest.raises(ValueError, match="not an anchor"):
        signer.sign(anchor)
