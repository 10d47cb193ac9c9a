"""Sealed credentials: they open under their own key, for their own row, unaltered, and nowhere else."""

import stat
from pathlib import Path

import pytest

from adapters.credential_keys import (
    CredentialCipher,
    CredentialKeyError,
    FileCredentialRing,
    FixedCredentialRing,
    new_credential_key,
)


def test_what_is_sealed_opens_for_what_it_belongs_to_only() -> None:
    cipher = CredentialCipher(FixedCredentialRing(new_credential_key()))
    sealed = cipher.seal("a token", "row 1/access")
    assert "a token" not in sealed
    assert cipher.open(sealed, "row 1/access") == "a token"
    assert cipher.seal("a token", "row 1/access") != sealed
    with pytest.raises(CredentialKeyError, match="belongs to something else"):
        cipher.open(sealed, "row 2/access")


@pytest.mark.parametrize("position", [0, 3, 20, -3])  # the last character but "=" has bits that mean nothing
def test_what_was_altered_does_not_open(position: int) -> None:
    cipher = CredentialCipher(FixedCredentialRing(new_credential_key()))
    sealed = list(cipher.seal("a token", "row"))
    sealed[position] = "A" if sealed[position] != "A" else "B"
    with pytest.raises(CredentialKeyError) as caught:
        cipher.open("".join(sealed), "row")
    assert "a token" not in str(caught.value)


def test_the_first_key_seals_and_the_others_open() -> None:
    old, new = new_credential_key(), new_credential_key()
    sealed = CredentialCipher(FixedCredentialRing(old)).seal("a token", "row")
    both = CredentialCipher(FixedCredentialRing(f"{new},{old}"))
    assert both.open(sealed, "row") == "a token"
    assert (both.is_newest(sealed), both.is_newest(both.seal("a token", "row"))) == (False, True)
    with pytest.raises(CredentialKeyError, match="is not in the ring"):
        CredentialCipher(FixedCredentialRing(new)).open(sealed, "row")


@pytest.mark.parametrize("text", ["", "a", "a:short", ":", "a b:" + "MQ" * 21 + "A="])
def test_a_damaged_ring_is_refused_without_saying_what_it_holds(text: str) -> None:
    with pytest.raises(CredentialKeyError) as caught:
        FixedCredentialRing(text)
    assert "short" not in str(caught.value)


def test_a_file_ring_is_made_private_rotated_and_seen_by_others(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "credentials.keys"
    one, other = FileCredentialRing(path), FileCredentialRing(path)
    sealed = CredentialCipher(one).seal("a token", "row")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert CredentialCipher(other).open(sealed, "row") == "a token"
    added = one.add_key()
    assert next(iter(other.keys())) == added
    assert CredentialCipher(other).open(sealed, "row") == "a token"
    assert one.drop_old_keys() == 0
    one.add_key()
    assert one.drop_old_keys() == 1
    with pytest.raises(CredentialKeyError):
        CredentialCipher(other).open(sealed, "row")
