"""The rules of API keys: never more than the maker holds, and good until revoked or ended."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from domain.access import ALL_SCOPES, Authority, Grant, Permission, Principal, PrincipalKind, Standing, authority_in
from domain.api_keys import ApiKey, check_new, is_usable, revoked
from domain.errors import Forbidden, InvalidInput

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HERE = uuid4()


def key(*permissions: Permission, ends: datetime | None = None) -> ApiKey:
    return ApiKey(uuid4(), uuid4(), HERE, "nightly", "0" * 12, permissions, uuid4(), NOW, ends, None)


def maker(*permissions: Permission, scopes: frozenset[str] = ALL_SCOPES) -> Authority:
    tenant_id, subject_id = uuid4(), uuid4()
    principal = Principal(PrincipalKind.USER, tenant_id, subject_id, uuid4(), scopes, None)
    standing = Standing(tenant_id, subject_id, uuid4(), (Grant("made", frozenset(permissions), HERE),))
    return authority_in(principal, standing, HERE)


def test_a_key_gives_what_its_maker_holds_within_the_makers_scopes() -> None:
    read, write = Permission.CAMPAIGN_READ, Permission.CAMPAIGN_WRITE
    check_new(key(read, write), maker(read, write))
    with pytest.raises(Forbidden, match="campaign:write"):
        check_new(key(read, write), maker(read))
    with pytest.raises(Forbidden, match="campaign:write"):
        check_new(key(read, write), maker(read, write, scopes=frozenset({"campaign:read"})))


@pytest.mark.parametrize(("ends_in", "good"), [(None, True), (1, True), (0, False), (-1, False)])
def test_an_end_lies_ahead(ends_in: int | None, good: bool) -> None:
    ends = None if ends_in is None else NOW + timedelta(microseconds=ends_in)
    new = key(Permission.CAMPAIGN_READ, ends=ends)
    assert is_usable(new, NOW) is good
    if good:
        check_new(new, maker(Permission.CAMPAIGN_READ))
        return
    with pytest.raises(InvalidInput) as refused:
        check_new(new, maker(Permission.CAMPAIGN_READ))
    assert refused.value.path == ("expires_at",)


def test_a_revoked_key_is_of_no_use() -> None:
    good = key(Permission.CAMPAIGN_READ)
    gone = revoked(good, NOW)
    assert gone == replace(good, revoked_at_utc=NOW)
    assert (is_usable(good, NOW), is_usable(gone, NOW)) == (True, False)
