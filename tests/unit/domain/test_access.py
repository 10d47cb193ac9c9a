"""Permissions, roles, scopes, and the rules for e-mails and passwords."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.access import (
    ALL_SCOPES,
    SEEDED_ROLES,
    AccessToken,
    Authority,
    Grant,
    NewApiKey,
    NewRefreshToken,
    Permission,
    Principal,
    PrincipalKind,
    ReservedAct,
    RoleName,
    Standing,
    api_key_standing,
    authority_in,
    check_new_password,
    may,
    may_decide_budgets,
    may_grant,
    may_perform,
    parse_api_key_permissions,
    parse_email,
    parse_scopes,
    require,
    require_act,
)
from domain.errors import Forbidden, InvalidInput

TENANT, USER, MEMBER, SESSION, KEY = (UUID(int=number) for number in range(1, 6))
HERE, ELSEWHERE = UUID(int=10), UUID(int=11)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROLES = {role.name: role for role in SEEDED_ROLES}
DECIDE, ADMINISTER = ReservedAct.DECIDE_BUDGETS, ReservedAct.ADMINISTER_TENANT


def person(scopes=ALL_SCOPES):
    return Principal(PrincipalKind.USER, TENANT, USER, SESSION, frozenset(scopes), NOON)


def grant(name, workspace_id=None):
    return Grant(name.value, ROLES[name].permissions, workspace_id)


def authority(*grants, scopes=ALL_SCOPES, at=HERE):
    return authority_in(person(scopes), Standing(TENANT, USER, MEMBER, grants), at)


def key_authority(permissions, workspace_ids=None, at=HERE):
    principal = Principal(PrincipalKind.API_KEY, TENANT, KEY, KEY, frozenset(permissions) | ALL_SCOPES, None)
    return authority_in(principal, api_key_standing(TENANT, KEY, frozenset(permissions), workspace_ids), at)


def dressed_up_key(at):
    key = key_authority(Permission, at=at)
    assert key.permissions == frozenset(Permission)
    return Authority(key.principal, None, at, frozenset({"reviewer", "owner"}), key.role_permissions, key.permissions)


@pytest.mark.req("FR-PLT-003")
def test_there_are_twenty_permissions_read_and_write_on_ten_resources():
    resources = [
        "campaign",
        "creative",
        "journey",
        "experiment",
        "dco",
        "cdp",
        "analytics",
        "billing",
        "user",
        "system",
    ]
    assert [each.value for each in Permission] == [f"{name}:{verb}" for name in resources for verb in ("read", "write")]


# Written out once more, so that a changed right is a changed test: r reads, w reads and writes, - neither.
#             campaign creative journey experiment dco cdp analytics billing user system
ROLE_TABLE = {
    "owner": "w w w w w w w w w w",
    "reviewer": "r - - - - - r - - -",
    "campaign_manager": "w w w w w r r - - -",
    "brand_manager": "r w r - w - r - - -",
    "data_analyst": "r r r r r r w - - -",
    "ml_engineer": "r r - w w r r - - w",
    "platform_engineer": "- - - - - - r - - w",
    "compliance_officer": "r r r - - w r - r r",
    "finance": "r - - - - - r r - -",
    "developer": "r r r r r w r - - r",
}


@pytest.mark.req("BT-roles")
def test_each_seeded_role_has_exactly_what_its_duty_needs():
    resources = [each.value.split(":")[0] for each in Permission][::2]
    expected = {
        role: {
            f"{resource}:{verb}"
            for resource, letter in zip(resources, row.split(), strict=True)
            for verb, letters in (("read", "rw"), ("write", "w"))
            if letter in letters
        }
        for role, row in ROLE_TABLE.items()
    }
    assert {role.name.value: {each.value for each in role.permissions} for role in SEEDED_ROLES} == expected
    assert [role.name for role in SEEDED_ROLES] == list(RoleName)


@pytest.mark.req("FR-PLT-003")
@pytest.mark.parametrize("role", list(RoleName))
def test_a_role_permits_what_it_holds_and_every_other_permission_is_refused(role):
    held = authority(grant(role))
    for permission in Permission:
        if permission in ROLES[role].permissions:
            require(held, permission)
            assert may(held, permission)
        else:
            assert not may(held, permission)
            with pytest.raises(Forbidden, match=f"^this needs the permission {permission.value} in this workspace$"):
                require(held, permission)


def test_roles_add_up():
    both = authority(grant(RoleName.FINANCE), grant(RoleName.BRAND_MANAGER, HERE))
    assert both.roles == {"finance", "brand_manager"}
    assert both.permissions == ROLES[RoleName.FINANCE].permissions | ROLES[RoleName.BRAND_MANAGER].permissions


def test_a_workspace_role_holds_in_its_workspace_alone():
    assert authority(grant(RoleName.CAMPAIGN_MANAGER, HERE), at=HERE).permissions
    for place in (ELSEWHERE, None):
        nothing = authority(grant(RoleName.CAMPAIGN_MANAGER, HERE), at=place)
        assert nothing.permissions == frozenset()
        assert nothing.roles == frozenset()
    with pytest.raises(Forbidden, match="campaign:read in this tenant"):
        require(nothing, Permission.CAMPAIGN_READ)


def test_a_tenant_wide_role_holds_everywhere():
    for place in (HERE, ELSEWHERE, None):
        assert authority(grant(RoleName.FINANCE), at=place).permissions == ROLES[RoleName.FINANCE].permissions


def test_which_workspaces_can_be_entered():
    def standing(*grants):
        return Standing(TENANT, USER, MEMBER, grants)

    assert standing().workspace_ids == frozenset()
    assert standing(grant(RoleName.FINANCE, HERE), grant(RoleName.REVIEWER, HERE)).workspace_ids == {HERE}
    assert standing(grant(RoleName.FINANCE, HERE), grant(RoleName.REVIEWER)).workspace_ids is None


def test_scopes_only_narrow():
    narrow = authority(grant(RoleName.FINANCE), scopes={"campaign:read", "campaign:write"})
    assert narrow.permissions == {Permission.CAMPAIGN_READ}
    with pytest.raises(Forbidden, match=r"^the scopes of this credential leave out billing:read$"):
        require(narrow, Permission.BILLING_READ)
    with pytest.raises(Forbidden, match=r"^this needs the permission campaign:write in this workspace$"):
        require(narrow, Permission.CAMPAIGN_WRITE)


@pytest.mark.parametrize(
    "stranger", [Standing(UUID(int=99), USER, MEMBER, ()), Standing(TENANT, UUID(int=99), MEMBER, ())]
)
def test_a_principal_is_never_joined_with_anothers_standing(stranger):
    with pytest.raises(ValueError, match="must not be joined"):
        authority_in(person(), stranger, HERE)


def test_an_authority_names_its_tenant_member_and_place():
    held = authority(grant(RoleName.FINANCE))
    assert (held.tenant_id, held.member_id, held.workspace_id) == (TENANT, MEMBER, HERE)


@pytest.mark.req("BT-roles")
@pytest.mark.parametrize(
    ("grants", "scopes", "missing"),
    [
        ([grant(RoleName.CAMPAIGN_MANAGER), grant(RoleName.REVIEWER)], ALL_SCOPES, None),
        ([grant(RoleName.CAMPAIGN_MANAGER, HERE), grant(RoleName.REVIEWER, HERE)], ALL_SCOPES, None),
        ([grant(RoleName.OWNER), grant(RoleName.REVIEWER)], ALL_SCOPES, None),
        ([grant(RoleName.OWNER)], ALL_SCOPES, "needs the role reviewer in this workspace"),
        ([grant(RoleName.CAMPAIGN_MANAGER)], ALL_SCOPES, "needs the role reviewer in this workspace"),
        (
            [grant(RoleName.CAMPAIGN_MANAGER), grant(RoleName.REVIEWER, ELSEWHERE)],
            ALL_SCOPES,
            "needs the role reviewer in this workspace",
        ),
        ([grant(RoleName.REVIEWER)], ALL_SCOPES, "needs the permission campaign:write in this workspace"),
        (
            [grant(RoleName.DATA_ANALYST), grant(RoleName.REVIEWER)],
            ALL_SCOPES,
            "needs the permission campaign:write in this workspace",
        ),
        ([], ALL_SCOPES, "needs the permission campaign:write in this workspace"),
        ([grant(RoleName.OWNER), grant(RoleName.REVIEWER)], ALL_SCOPES - {"budgets:decide"}, "scopes .* leave out"),
        ([grant(RoleName.OWNER), grant(RoleName.REVIEWER)], ALL_SCOPES - {"campaign:write"}, "scopes .* leave out"),
    ],
)
def test_deciding_budgets_takes_campaign_write_and_the_reviewer_role(grants, scopes, missing):
    held = authority(*grants, scopes=scopes)
    assert may_decide_budgets(held) is (missing is None)
    if missing:
        with pytest.raises(Forbidden, match=missing):
            require_act(held, DECIDE)
    else:
        require_act(held, DECIDE)


def test_a_tenants_own_role_called_otherwise_opens_no_reserved_act():
    own = Grant("super_reviewer", frozenset(Permission))
    assert not may_decide_budgets(authority(own))
    assert not may_perform(authority(own, at=None), ADMINISTER)


def test_an_api_key_never_performs_a_reserved_act():
    # Not even one whose stored scopes were tampered with to name it, under a role that calls itself reviewer.
    for act, place in ((DECIDE, HERE), (ADMINISTER, None)):
        dressed_up = dressed_up_key(place)
        assert not may_perform(dressed_up, act)
        with pytest.raises(Forbidden, match=f"^{act.value} takes a person; an API key cannot do it$"):
            require_act(dressed_up, act)


def test_an_api_key_has_its_permissions_in_its_workspaces():
    permissions = {Permission.CAMPAIGN_READ}
    assert key_authority(permissions, frozenset({HERE}), at=HERE).permissions == permissions
    assert key_authority(permissions, frozenset({HERE}), at=ELSEWHERE).permissions == frozenset()
    assert key_authority(permissions, None, at=ELSEWHERE).permissions == permissions
    assert key_authority(permissions, frozenset(), at=HERE).permissions == frozenset()


def test_administering_a_tenant_takes_an_owner_of_all_of_it():
    assert may_perform(authority(grant(RoleName.OWNER), at=None), ADMINISTER)
    assert not may_perform(authority(grant(RoleName.OWNER, HERE), at=None), ADMINISTER)
    with pytest.raises(Forbidden, match="needs the role owner in this tenant"):
        require_act(authority(grant(RoleName.PLATFORM_ENGINEER), at=None), ADMINISTER)
    with pytest.raises(Forbidden, match="is done to the tenant, not in a workspace"):
        require_act(authority(grant(RoleName.OWNER), at=HERE), ADMINISTER)


def test_nobody_grants_more_than_they_hold():
    helper = Grant("people_admin", frozenset({Permission.USER_WRITE, Permission.CAMPAIGN_READ}))
    assert may_grant(authority(helper), "viewer", frozenset({Permission.CAMPAIGN_READ}))
    assert not may_grant(authority(helper), "viewer", frozenset({Permission.CAMPAIGN_WRITE}))
    assert not may_grant(authority(grant(RoleName.FINANCE)), "viewer", frozenset({Permission.CAMPAIGN_READ}))


def test_roles_that_open_a_reserved_act_come_from_an_owner_in_person():
    all_permissions = frozenset(Permission)
    reviewer = ROLES[RoleName.REVIEWER].permissions
    owner = authority(grant(RoleName.OWNER))
    assert may_grant(owner, "reviewer", reviewer)
    assert may_grant(owner, "owner", all_permissions)
    like_owner = authority(Grant("like_owner", all_permissions))
    assert may_grant(like_owner, "finance", ROLES[RoleName.FINANCE].permissions)
    assert not may_grant(like_owner, "reviewer", reviewer)
    assert not may_grant(like_owner, "owner", all_permissions)
    assert may_grant(dressed_up_key(HERE), "finance", ROLES[RoleName.FINANCE].permissions)
    assert not may_grant(dressed_up_key(HERE), "reviewer", reviewer)


def test_an_actor_is_named_by_kind_and_id():
    assert person().actor == f"user:{USER}"
    assert key_authority([Permission.CDP_READ]).principal.actor == f"api_key:{KEY}"


def test_a_principal_expires_at_its_end():
    assert not person().has_expired(NOON - timedelta(microseconds=1))
    assert person().has_expired(NOON)
    assert not key_authority([Permission.CDP_READ]).principal.has_expired(NOON)


def test_scopes_are_the_permissions_and_the_reserved_acts():
    assert len(ALL_SCOPES) == 22
    assert parse_scopes(["campaign:read", "budgets:decide", "campaign:read"]) == {"campaign:read", "budgets:decide"}
    assert parse_api_key_permissions(["cdp:write"]) == {Permission.CDP_WRITE}


@pytest.mark.parametrize("parse", [parse_scopes, parse_api_key_permissions])
def test_unknown_scopes_are_refused_by_index(parse):
    for unknown in ("campaign:delete", "Campaign:read", "", "campaign:read campaign:write", "*"):
        with pytest.raises(InvalidInput) as refusal:
            parse(["campaign:read", unknown], ("input", "scopes"))
        assert refusal.value.path == ("input", "scopes", "1")
    with pytest.raises(InvalidInput) as refusal:
        parse([])
    assert refusal.value.path == ("scopes",)


def test_a_reserved_act_is_no_scope_for_an_api_key():
    with pytest.raises(InvalidInput) as refusal:
        parse_api_key_permissions(["budgets:decide"])
    assert refusal.value.path == ("scopes", "0")


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("ana@demo.test", "ana@demo.test"),
        ("  Ana.Lee+ads@Demo.TEST ", "ana.lee+ads@demo.test"),
        ("o'neil@a-b.example.co", "o'neil@a-b.example.co"),
        ("x@xn--bcher-kva.example", "x@xn--bcher-kva.example"),
        ("l" * 64 + "@demo.test", "l" * 64 + "@demo.test"),
    ],
)
def test_an_email_has_one_spelling(text, email):
    assert parse_email(text) == email


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ana",
        "ana@demo",
        "@demo.test",
        "ana@",
        "ana@@demo.test",
        "ana b@demo.test",
        ".ana@demo.test",
        "ana.@demo.test",
        "a..b@demo.test",
        "ana@-demo.test",
        "ana@demo..test",
        "ana@demo.test\nbcc: x@y.test",
        "<ana@demo.test>",
        "ana@10.0.0.1",
        "\u0430na@demo.test",
        "an\u0430@demo.test",
        "\u212aarl@demo.test",
        "l" * 65 + "@demo.test",
        "a@" + "d" * 64 + ".test",
        "a@" + ".".join(["d" * 60] * 5) + ".test",
    ],
)
def test_what_is_no_email_is_refused(text):
    with pytest.raises(InvalidInput) as refusal:
        parse_email(text, ("input", "email"))
    assert refusal.value.path == ("input", "email")


@pytest.mark.parametrize("password", ["a" * 12, "p" * 128, "correct horse battery", "пароль пароль"])
def test_a_long_enough_password_is_accepted(password):
    check_new_password(password, "ana@demo.test")


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("a" * 11, "at least 12"),
        ("a" * 129, "at most 128"),
        ("whole characters \ud83d", "whole characters"),
        (" ANA@demo.test ", "must not be the e-mail"),
    ],
)
def test_a_bad_password_is_refused_without_repeating_it(password, reason):
    with pytest.raises(InvalidInput, match=reason) as refusal:
        check_new_password(password, "ana@demo.test")
    assert refusal.value.path == ("password",)
    assert password.strip() not in str(refusal.value)


def test_secrets_stay_out_of_reprs():
    for secret in (AccessToken("hush", NOON), NewRefreshToken("hush", "h"), NewApiKey("hush", "p", "h")):
        assert "hush" not in repr(secret)
