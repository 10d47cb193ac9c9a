"""Key rings: who signs, who verifies, rotation, damage, and several processes at once."""

import json
import multiprocessing
import re
import stat
from datetime import UTC, datetime, timedelta

import pytest

from adapters.keyring import FileKeyRing, FixedKeyRing, KeyRingError, new_ring_text
from kit.time import FixedClock

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
OVERLAP_SECONDS = 1_000


@pytest.fixture
def clock():
    return FixedClock(START)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys" / "jwt.json"


def stored(path):
    return json.loads(path.read_text())["keys"]


def merged(*texts):
    return json.dumps({"keys": [key for text in texts for key in json.loads(text)["keys"]]})


def test_a_missing_ring_is_made_once_and_for_the_owner_alone(path, clock):
    ring = FileKeyRing(path, clock, OVERLAP_SECONDS)
    kid = ring.signing_key().kid
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [key["kid"] for key in stored(path)] == [kid]
    assert stored(path)[0]["signs_from_utc"] == "2026-03-01T12:00:00.000000Z"
    assert FileKeyRing(path, clock, OVERLAP_SECONDS).signing_key().kid == kid
    assert sorted(each.name for each in path.parent.iterdir()) == ["jwt.json", "jwt.json.lock"]


def test_a_rotation_is_seen_by_every_open_ring_at_once(path, clock):
    one, other = FileKeyRing(path, clock, OVERLAP_SECONDS), FileKeyRing(path, clock, OVERLAP_SECONDS)
    old = one.signing_key().kid
    assert other.signing_key().kid == old
    clock.advance(timedelta(days=90))
    new = one.rotate()
    assert new != old
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for ring in (one, other):
        assert ring.signing_key().kid == new
        assert ring.verifying_key(old).kid == old
        assert ring.verifying_key(new).kid == new


def test_a_replaced_key_verifies_for_the_overlap_and_no_longer(path, clock):
    ring = FileKeyRing(path, clock, OVERLAP_SECONDS)
    old = ring.signing_key().kid
    clock.advance(timedelta(days=90))
    new = ring.rotate()
    clock.advance(timedelta(seconds=OVERLAP_SECONDS, microseconds=-1))
    assert ring.verifying_key(old) is not None
    clock.advance(timedelta(microseconds=1))
    assert ring.verifying_key(old) is None
    assert {key["kid"] for key in stored(path)} == {old, new}
    newest = ring.rotate()
    assert {key["kid"] for key in stored(path)} == {new, newest}


def test_a_replaced_key_loses_its_private_half(path, clock):
    ring = FileKeyRing(path, clock, OVERLAP_SECONDS)
    old = ring.signing_key().kid
    clock.advance(timedelta(days=1))
    new = ring.rotate()
    assert {key["kid"]: "d" in key for key in stored(path)} == {old: False, new: True}
    assert not ring.verifying_key(old).key.is_private


def test_without_an_overlap_every_key_verifies_for_ever(path, clock):
    ring = FileKeyRing(path, clock, None)
    kids = [ring.signing_key().kid]
    for _ in range(3):
        clock.advance(timedelta(days=400))
        kids.append(ring.rotate())
    assert [ring.verifying_key(kid).kid for kid in kids] == kids
    assert ring.signing_key().kid == kids[-1]


def test_an_unknown_key_is_not_there(path, clock):
    assert FileKeyRing(path, clock, OVERLAP_SECONDS).verifying_key("nobody") is None


def test_removing_the_file_forgets_all_keys(path, clock):
    ring = FileKeyRing(path, clock, OVERLAP_SECONDS)
    old = ring.signing_key().kid
    path.unlink()
    assert ring.signing_key().kid != old
    assert ring.verifying_key(old) is None


def test_a_key_whose_moment_lies_ahead_verifies_but_does_not_sign_yet(clock):
    now, later = new_ring_text(START), new_ring_text(START + timedelta(hours=1))
    (now_kid,), (later_kid,) = ([key["kid"] for key in json.loads(text)["keys"]] for text in (now, later))
    ring = FixedKeyRing(merged(later, now), clock, OVERLAP_SECONDS)
    assert ring.signing_key().kid == now_kid
    assert ring.verifying_key(later_kid).kid == later_kid
    clock.advance(timedelta(hours=1))
    assert ring.signing_key().kid == later_kid
    assert ring.verifying_key(now_kid).kid == now_kid
    clock.advance(timedelta(seconds=OVERLAP_SECONDS))
    assert ring.verifying_key(now_kid) is None


def test_a_ring_without_a_key_that_may_sign_says_so(clock):
    ahead = FixedKeyRing(new_ring_text(START + timedelta(seconds=1)), clock, None)
    with pytest.raises(KeyRingError, match="lies ahead"):
        ahead.signing_key()
    public = json.loads(new_ring_text(START))
    kid = public["keys"][0]["kid"]
    del public["keys"][0]["d"]
    ring = FixedKeyRing(json.dumps(public), clock, None)
    assert ring.verifying_key(kid).kid == kid
    with pytest.raises(KeyRingError, match="private half is missing"):
        ring.signing_key()


def damaged(change):
    ring = json.loads(new_ring_text(START))
    change(ring["keys"][0])
    return json.dumps(ring)


def another_x():
    return json.loads(new_ring_text(START))["keys"][0]["x"]


DAMAGED_RINGS = {
    "empty": lambda: "",
    "cut off": lambda: new_ring_text(START)[:-5],
    "a list": lambda: "[]",
    "no member": lambda: "{}",
    "no keys": lambda: '{"keys": []}',
    "keys of another type": lambda: '{"keys": {}}',
    "another algorithm": lambda: damaged(lambda key: key.update(alg="EdDSA")),
    "a symmetric key": lambda: damaged(lambda key: key.update(kty="oct", k="c2VjcmV0")),
    "another curve": lambda: damaged(lambda key: key.update(crv="X25519")),
    "no time zone": lambda: damaged(lambda key: key.update(signs_from_utc="2026-03-01T12:00:00")),
    "halves of two keys": lambda: damaged(lambda key: key.update(x=another_x())),
    "a short private half": lambda: damaged(lambda key: key.update(d="AAAA")),
    "a short public half": lambda: damaged(lambda key: (key.pop("d"), key.update(x="AAAA"))),
    "a bad character": lambda: damaged(lambda key: key.update(d="!" + key["d"][1:])),
    "not ASCII": lambda: damaged(lambda key: key.update(d="\u00e9" + key["d"][1:])),
    "no id": lambda: damaged(lambda key: key.pop("kid")),
    "one key twice": lambda: merged(*[new_ring_text(START)] * 2),
}


@pytest.mark.parametrize("damage", DAMAGED_RINGS)
def test_a_damaged_ring_is_refused_without_telling_its_keys(damage, clock):
    text = DAMAGED_RINGS[damage]()
    with pytest.raises(KeyRingError) as refusal:
        FixedKeyRing(text, clock, None)
    assert not any(secret in str(refusal.value) for secret in re.findall(r'"d": "([^"]{5,})"', text))
    assert refusal.value.__cause__ is None


def test_a_damaged_file_is_not_replaced(path, clock):
    path.parent.mkdir()
    path.write_text("{")
    ring = FileKeyRing(path, clock, None)
    for call in (ring.signing_key, ring.rotate, lambda: ring.verifying_key("any")):
        with pytest.raises(KeyRingError):
            call()
    assert path.read_text() == "{"


def _open_ring(path, barrier, answers):
    barrier.wait()
    answers.put(FileKeyRing(path, FixedClock(START), None).signing_key().kid)


def _rotate_ring(path, barrier, answers):
    barrier.wait()
    ring = FileKeyRing(path, FixedClock(START), None)
    for _ in range(5):
        answers.put(ring.rotate())


def _at_once(work, path, processes, answers_each):
    context = multiprocessing.get_context("fork")
    barrier, answers = context.Barrier(processes), context.Queue()
    workers = [context.Process(target=work, args=(path, barrier, answers)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    told = [answers.get(timeout=60) for _ in range(processes * answers_each)]
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    return told


def test_processes_that_make_the_ring_at_once_agree_on_it(path):
    kids = _at_once(_open_ring, path, processes=8, answers_each=1)
    assert len(kids) == 8
    assert set(kids) == {stored(path)[0]["kid"]}
    assert len(stored(path)) == 1


def test_processes_that_rotate_at_once_lose_no_key(path):
    kids = _at_once(_rotate_ring, path, processes=4, answers_each=5)
    assert len(set(kids)) == 20
    assert {key["kid"] for key in stored(path)} == set(kids)
