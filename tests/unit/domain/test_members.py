"""The rules of roles: who may give and take them, and that a place keeps an owner."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from domain import members as rules
from domain.access import (
    ALL_SCOPES,
    SEEDED_ROLES,
    Authority,
    Grant,
    Permission,
    Principal,
    PrincipalKind,
    Standing,
    authority_in,
)
from domain.errors import Forbidden, InvalidInput, InvalidTransition
from domain.log import Actor, ActorKind
from domain.members import Member

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
BY = Actor(ActorKind.MEMBER, "somebody")
HERE = uuid4()
KNOWN = {role.name.value: role.permissions for role in SEEDED_ROLES}


def member(*roles: str, workspace_id: UUID | None = HERE) -> Member:
    return Member(uuid4(), uuid4(), workspace_id, uuid4(), roles, 1, None, None, None)


def giver(*roles: str, kind: PrincipalKind = PrincipalKind.USER) -> Authority:
    tenant_id, subject_id = uuid4(), uuid4()
    principal = Principal(kind, tenant_id, subject_id, uuid4(), ALL_SCOPES, None)
    grants = tuple(Grant(role, KNOWN[role], HERE) for role in roles)
    return authority_in(principal, Standing(tenant_id, subject_id, uuid4(), grants), HERE)


def test_a_change_is_the_next_version_with_who_and_when() -> None:
    before = member("finance")
    after = rules.with_roles(before, ["reviewer", "finance", "reviewer"], BY, NOW)
    assert after == replace(before, roles=("finance", "reviewer"), version=2, changed_by=BY, changed_at_utc=NOW)
    gone = rules.revoked(after, BY, NOW + timedelta(hours=1))
    later = NOW + timedelta(hours=1)
    assert gone == replace(after, version=3, changed_at_utc=later, revoked_at_utc=later)
    back = rules.restored(gone, ["finance"], BY, NOW)
    assert back == replace(gone, roles=("finance",), version=4, changed_at_utc=NOW, revoked_at_utc=None)


def test_a_revoked_member_is_neither_changed_nor_revoked_again() -> None:
    gone = rules.revoked(member("finance"), BY, NOW)
    for again in (lambda: rules.with_roles(gone, ["owner"], BY, NOW), lambda: rules.revoked(gone, BY, NOW)):
        with pytest.raises(InvalidTransition) as refused:
            again()
        assert refused.value.state == "REVOKED"


def test_giving_up_ownership_is_losing_the_role_or_everything() -> None:
    owner = member("owner", "finance")
    assert rules.gives_up_ownership(owner, rules.with_roles(owner, ["finance"], BY, NOW))
    assert rules.gives_up_ownership(owner, rules.revoked(owner, BY, NOW))
    assert not rules.gives_up_ownership(owner, rules.with_roles(owner, ["owner"], BY, NOW))
    other = member("finance")
    assert not rules.gives_up_ownership(other, rules.revoked(other, BY, NOW))


@pytest.mark.parametrize(
    ("leaving", "other", "kept"),
    [
        (HERE, HERE, True),
        (HERE, None, True),
        (HERE, uuid4(), False),
        (None, None, True),
        (None, HERE, False),
    ],
)
def test_a_place_keeps_an_owner_who_owns_that_place(leaving: UUID | None, other: UUID | None, kept: bool) -> None:
    one, two = member("owner", workspace_id=leaving), member("owner", workspace_id=other)
    assert rules.keeps_an_owner(one, [one, two]) is kept
    assert not rules.keeps_an_owner(one, [one])


def test_roles_are_checked_only_where_they_change() -> None:
    # An owner who is no reviewer holds every permission: so the reviewer role is theirs to give, in person.
    assert rules.check_roles(["reviewer", "finance"], ["finance"], KNOWN, giver("owner")) == {"reviewer", "finance"}
    with pytest.raises(Forbidden):
        rules.check_roles(["reviewer"], [], KNOWN, giver("owner", kind=PrincipalKind.API_KEY))
    assert rules.check_roles(["finance"], [], KNOWN, giver("owner", kind=PrincipalKind.API_KEY)) == {"finance"}
    # What stays as it was is nobody's gift.
    manager = giver("campaign_manager")
    assert rules.check_roles(["owner"], ["owner"], KNOWN, manager) == {"owner"}
    for wanted, held in ((["finance"], []), (["owner"], ["owner", "finance"])):
        with pytest.raises(Forbidden, match="finance"):
            rules.check_roles(wanted, held, KNOWN, manager)


def test_a_role_that_is_gone_from_the_tenant_can_be_taken_but_not_given() -> None:
    assert rules.check_roles(["finance"], ["old", "finance"], KNOWN, giver("owner")) == {"finance"}
    with pytest.raises(InvalidInput) as refused:
        rules.check_roles(["finance", "old"], ["finance"], KNOWN, giver("owner"))
    assert refused.value.path == ("roles", "1")
    with pytest.raises(InvalidInput) as refused:
        rules.check_roles([], ["finance"], KNOWN, giver("owner"))
    assert refused.value.path == ("roles",)


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "two\nlines", "bell\a"])
def test_a_name_is_short_printable_text(name: str) -> None:
    assert rules.check_name("  Zoë O'Neil-Øst ") == "Zoë O'Neil-Øst"
    assert rules.check_name("x" * 200) == "x" * 200
    with pytest.raises(InvalidInput) as refused:
        rules.check_name(name)
    assert refused.value.path == ("name",)


def test_permissions_of_the_seeded_roles_are_known() -> None:
    assert KNOWN["owner"] == frozenset(Permission)
