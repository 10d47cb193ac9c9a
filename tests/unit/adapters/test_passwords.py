"""Argon2id hashing: cost, unknown users, normalisation, and how many run at once."""

import asyncio
import threading
from unittest import mock

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError

from adapters.passwords import Passwords

PASSWORD = "correct horse battery"


@pytest.fixture
def passwords():
    made = Passwords()
    yield made
    made.close()


def test_a_hash_is_argon2id_at_the_stated_cost_with_its_own_salt(passwords):
    one, other = passwords.hash_password(PASSWORD), passwords.hash_password(PASSWORD)
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert len(one) < 100
    assert one != other


def test_only_the_right_password_verifies(passwords):
    stored = passwords.hash_password(PASSWORD)
    assert passwords.verify_password(PASSWORD, stored) is True
    for wrong in ("", "Correct horse battery", f"{PASSWORD} ", "\ud83d" * 12, f"{PASSWORD}\x00"):
        assert passwords.verify_password(wrong, stored) is False


def test_an_unknown_user_costs_one_real_verification_and_is_refused(passwords):
    with mock.patch.object(PasswordHasher, "verify", autospec=True, side_effect=PasswordHasher.verify) as verify:
        assert passwords.verify_password(PASSWORD, None) is False
    ((_, spent_on, _),) = (call.args for call in verify.call_args_list)
    # Same parameters as a real hash, salt and digest of the same lengths: the same work.
    real = passwords.hash_password(PASSWORD)
    assert [len(part) for part in spent_on.split("$")] == [len(part) for part in real.split("$")]
    assert spent_on.split("$")[:4] == real.split("$")[:4]
    assert not passwords.needs_rehash(spent_on)


def test_a_damaged_hash_is_a_bug_and_not_a_wrong_password(passwords):
    with pytest.raises(InvalidHashError):
        passwords.verify_password(PASSWORD, "plain text")


def test_one_typed_text_is_one_password_however_the_keyboard_composes_it(passwords):
    stored = passwords.hash_password("caf\u00e9 caf\u00e9 caf\u00e9")
    assert passwords.verify_password("cafe\u0301 cafe\u0301 cafe\u0301", stored)
    assert not passwords.verify_password("cafe cafe cafe", stored)


def test_half_a_surrogate_pair_is_never_hashed(passwords):
    with pytest.raises(UnicodeEncodeError):
        passwords.hash_password("twelve chars \ud83d")


def test_a_hash_of_another_cost_asks_to_be_renewed(passwords):
    cheap = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    assert passwords.verify_password(PASSWORD, cheap)
    assert passwords.needs_rehash(cheap)
    assert not passwords.needs_rehash(passwords.hash_password(PASSWORD))


async def test_the_awaitable_forms_answer_the_same(passwords):
    stored = await passwords.hash_soon(PASSWORD)
    assert await passwords.verify_soon(PASSWORD, stored) is True
    assert await passwords.verify_soon("another password", stored) is False
    assert await passwords.verify_soon(PASSWORD, None) is False


async def test_at_most_two_run_at_once_even_when_requests_are_cancelled(passwords):
    running, most, ran = 0, 0, 0
    lock, began, go = threading.Lock(), threading.Semaphore(0), threading.Event()

    def slow(_hasher, _password):
        nonlocal running, most, ran
        with lock:
            running, ran = running + 1, ran + 1
            most = max(most, running)
        began.release()
        go.wait(10)
        with lock:
            running -= 1
        return "hash"

    with mock.patch.object(PasswordHasher, "hash", slow):
        requests = [asyncio.ensure_future(passwords.hash_soon(PASSWORD)) for _ in range(10)]
        for _ in range(2):
            assert await asyncio.to_thread(began.acquire, timeout=10)
        for request in requests[:6]:  # Two are in their threads, which go on; four have not begun and never will.
            request.cancel()
        await asyncio.sleep(0)
        go.set()
        results = await asyncio.gather(*requests, return_exceptions=True)
    assert most == 2
    assert ran == 6
    assert results[6:] == ["hash"] * 4
