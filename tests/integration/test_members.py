"""Who is asking, who is there, and who may give and take roles, on both databases."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from domain.access import SEEDED_ROLES, Permission, PrincipalKind, RoleName
from domain.errors import (
    DomainError,
    Forbidden,
    IdempotencyMismatch,
    InvalidInput,
    InvalidTransition,
    NotFound,
    Unauthenticated,
    VersionConflict,
)
from domain.log import Actor, ActorKind, LogEvent
from domain.members import Member
from domain.workspaces import Workspace
from kit.ids import new_id
from kit.pagination import Slice
from kit.time import FixedClock
from models import log, members, tenants
from services import members as service
from services.logs import verify
from services.members import NewMember
from services.ports import Ports
from services.viewers import Viewer
from tests.conftest import NOON, House, viewer_of

DORA = NewMember("Dora@acme.test", " Dora Diaz ", "correct horse battery", ("finance", "developer"))


@dataclass
class QuickPasswords:
    """Remembers what was hashed."""

    hashed: list[str] = field(default_factory=list)

    async def hash_soon(self, password: str) -> str:
        self.hashed.append(password)
        return f"hash of {password}"

    async def verify_soon(self, password: str, stored_hash: str | None) -> bool:
        raise AssertionError("nobody signs in here")


@pytest.fixture
def quick() -> QuickPasswords:
    return QuickPasswords()


@pytest.fixture
def ports(ports: Ports, quick: QuickPasswords) -> Ports:
    return replace(ports, passwords=quick)


@pytest.fixture
async def ana(ports: Ports, house: House) -> Viewer:
    """The workspace's owner."""
    return await viewer_of(ports, house, house.owner_id)


async def member_id(ports: Ports, house: House, user_id: UUID) -> UUID:
    found = await members.member_of(ports.database.read(house.tenant_id), house.workspace.id, user_id)
    assert found is not None
    return found.id


async def with_roles(ports: Ports, house: House, *roles: str, workspace_id: UUID | None = None) -> UUID:
    """A new person with these roles in a workspace, None being the house's own."""
    user_id = new_id()
    async with ports.database.write(house.tenant_id) as scope:
        await members.add_user(scope, user_id, f"{user_id}@acme.test", "Somebody", "!", NOON)
        await members.add_membership(scope, workspace_id or house.workspace.id, user_id, roles)
    return user_id


async def tenant_wide(ports: Ports, house: House, *roles: str) -> UUID:
    """A new person with these roles in the whole tenant."""
    user_id = new_id()
    async with ports.database.write(house.tenant_id) as scope:
        await members.add_user(scope, user_id, f"{user_id}@acme.test", "Somebody", "!", NOON)
        await members.add_membership(scope, None, user_id, roles)
    return user_id


async def tenant_wide_id(ports: Ports, house: House, user_id: UUID) -> UUID:
    rows = await ports.database.read(house.tenant_id).of(members.MembershipTable).filter(user_id=user_id).values("id")
    found: UUID = rows[0]["id"]
    return found


async def second_workspace(ports: Ports, house: House) -> Workspace:
    made = replace(house.workspace, id=new_id(), name="second")
    async with ports.database.write(house.tenant_id) as scope:
        await tenants.add_workspace(scope, made)
    return made


async def events(ports: Ports, house: House) -> list[LogEvent]:
    return await log.events_after(ports.database.read(house.tenant_id), 0, 100)


async def everything(ports: Ports, house: House) -> tuple[object, ...]:
    """All that a refused change could have touched."""
    scope = ports.database.read(house.tenant_id)
    return (
        await scope.of(members.MembershipTable).order_by("id").values(),
        await scope.of(members.UserTable).order_by("id").values(),
        await log.head(scope),
    )


# --- who is asking ----------------------------------------------------------------------------------------------------


@pytest.mark.req("FR-PLT-003", "BT-roles")
async def test_a_profile_says_what_is_held_in_each_workspace(ports: Ports, house: House, other_house: House) -> None:
    second = await second_workspace(ports, house)
    profile = await service.profile(ports, await viewer_of(ports, house, house.reviewer_id))
    assert (profile.kind, profile.name, profile.email) == (PrincipalKind.USER, "Reviewer of acme", "reviewer@acme.test")
    assert (profile.tenant_id, profile.tenant_name) == (house.tenant_id, "acme")
    (place,) = profile.places
    assert (place.workspace_id, place.roles) == (house.workspace.id, ("campaign_manager", "reviewer"))
    assert place.may_decide_budgets
    assert Permission.CAMPAIGN_WRITE in place.permissions
    assert Permission.USER_READ not in place.permissions

    boss = await viewer_of(ports, house, await tenant_wide(ports, house, "owner"))
    places = (await service.profile(ports, boss)).places
    assert [each.workspace_id for each in places] == [house.workspace.id, second.id]
    assert [each.roles for each in places] == [("owner",), ("owner",)]
    # Owning is not answering for spend: that takes the reviewer role too.
    assert [each.may_decide_budgets for each in places] == [False, False]


@pytest.mark.req("FR-PLT-003", "BT-roles")
@pytest.mark.parametrize("role", SEEDED_ROLES, ids=lambda role: role.name.value)
async def test_each_seeded_role_gives_exactly_its_permissions(ports: Ports, house: House, role: object) -> None:
    seeded = next(each for each in SEEDED_ROLES if each is role)
    viewer = await viewer_of(ports, house, await with_roles(ports, house, seeded.name.value))
    assert viewer.authority(house.workspace.id).permissions == seeded.permissions
    # Budgets take the reviewer role and write access to campaigns: no seeded role alone has both.
    assert not (await service.profile(ports, viewer)).places[0].may_decide_budgets


# --- who is there -----------------------------------------------------------------------------------------------------


async def test_a_page_lists_who_holds_something_in_the_workspace(ports: Ports, house: House, ana: Viewer) -> None:
    second = await second_workspace(ports, house)
    await with_roles(ports, house, "finance", workspace_id=second.id)
    boss_id = await tenant_wide(ports, house, "owner")
    found = await service.page(ports, ana, house.workspace.id, Slice(10))
    assert [each.person.id for each in found] == [house.owner_id, house.reviewer_id, house.analyst_id, boss_id]
    assert found[0].person.email == "owner@acme.test"
    assert found[0].member.roles == ("owner", "reviewer")
    ids = [each.member.id for each in found]
    # One more than asked for says that there are more.
    second_on = await service.page(ports, ana, house.workspace.id, Slice(1, after=ids[0]))
    assert [each.member.id for each in second_on] == ids[1:3]
    up_to_third = await service.page(ports, ana, house.workspace.id, Slice(1, before=ids[3], backwards=True))
    assert [each.member.id for each in up_to_third] == ids[1:3]


@pytest.mark.req("FR-PLT-001", "FR-PLT-003")
async def test_reading_people_takes_a_permission_and_the_right_tenant(
    ports: Ports, house: House, other_house: House, ana: Viewer
) -> None:
    cleo = await viewer_of(ports, house, house.analyst_id)
    boss = await viewer_of(ports, house, await tenant_wide(ports, house, "owner"))
    theirs = await member_id(ports, other_house, other_house.owner_id)
    with pytest.raises(Forbidden):
        await service.page(ports, cleo, house.workspace.id, Slice(10))
    with pytest.raises(Forbidden):
        await service.one(ports, cleo, await member_id(ports, house, house.owner_id))
    for viewer in (ana, boss):
        for foreign in (other_house.workspace.id, uuid4()):
            with pytest.raises(NotFound, match="no such workspace"):
                await service.page(ports, viewer, foreign, Slice(10))
        for foreign in (theirs, uuid4()):
            with pytest.raises(NotFound, match="no such member"):
                await service.one(ports, viewer, foreign)
    assert (await service.one(ports, ana, await member_id(ports, house, house.analyst_id))).person.name == (
        "Analyst of acme"
    )


# --- adding -----------------------------------------------------------------------------------------------------------


@pytest.mark.req("FR-PLT-003", "FR-PLT-005")
async def test_adding_a_person_makes_an_account_a_member_and_one_event(
    ports: Ports, house: House, ana: Viewer, quick: QuickPasswords
) -> None:
    added = await service.add(ports, ana, house.workspace.id, DORA)
    member = added.profile.member
    assert added.account_created
    assert (added.profile.person.email, added.profile.person.name) == ("dora@acme.test", "Dora Diaz")
    assert member == Member(
        id=member.id,
        tenant_id=house.tenant_id,
        workspace_id=house.workspace.id,
        user_id=added.profile.person.id,
        roles=("developer", "finance"),
        version=1,
        changed_by=Actor(ActorKind.MEMBER, str(house.owner_id)),
        changed_at_utc=NOON,
        revoked_at_utc=None,
    )
    assert await members.member(ports.database.read(house.tenant_id), member.id) == member
    assert quick.hashed == ["correct horse battery"]
    dora = await viewer_of(ports, house, member.user_id)
    assert dora.authority(house.workspace.id).roles == {"developer", "finance"}

    (event,) = await events(ports, house)
    assert (event.entry.kind, event.entry.actor_id) == ("member.added", str(house.owner_id))
    assert (event.entry.workspace_id, event.entry.subject_id) == (house.workspace.id, member.id)
    assert (event.before, event.after and event.after["roles"]) == (None, ["developer", "finance"])
    assert "dora" not in str(event).lower()


@pytest.mark.req("FR-PLT-001")
async def test_an_account_of_the_tenant_keeps_its_name_and_password_and_another_tenants_plays_no_part(
    ports: Ports, house: House, other_house: House, ana: Viewer, quick: QuickPasswords
) -> None:
    second = await second_workspace(ports, house)
    known_id = await with_roles(ports, house, "finance", workspace_id=second.id)
    known = replace(DORA, email=f"{known_id}@acme.test")
    added = await service.add(ports, ana, house.workspace.id, known)
    assert (added.account_created, added.profile.person.id, added.profile.person.name) == (False, known_id, "Somebody")
    assert quick.hashed == []
    stranger = replace(DORA, email="owner@globex.test")
    added = await service.add(ports, ana, house.workspace.id, stranger)
    assert added.account_created
    assert added.profile.person.id != other_house.owner_id
    assert (added.profile.person.name, quick.hashed) == ("Dora Diaz", ["correct horse battery"])


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"email": "no address"}, ("email",)),
        ({"email": "analyst@acme.test"}, ("email",)),
        ({"name": "  "}, ("name",)),
        ({"name": "x" * 201}, ("name",)),
        ({"name": "two\nlines"}, ("name",)),
        ({"password": "too short"}, ("password",)),
        ({"roles": ()}, ("roles",)),
        ({"roles": ("finance", "emperor")}, ("roles", "1")),
    ],
)
async def test_a_bad_new_member_is_refused_by_field_and_changes_nothing(
    ports: Ports, house: House, ana: Viewer, change: dict[str, object], path: tuple[str, ...]
) -> None:
    before = await everything(ports, house)
    with pytest.raises(InvalidInput) as refused:
        await service.add(ports, ana, house.workspace.id, replace(DORA, **change))  # type: ignore[arg-type]
    assert refused.value.path == path
    assert await everything(ports, house) == before


async def test_a_revoked_member_can_be_added_again(ports: Ports, house: House, ana: Viewer) -> None:
    old = await member_id(ports, house, house.analyst_id)
    await service.revoke(ports, ana, old, 1)
    again = await service.add(
        ports, ana, house.workspace.id, replace(DORA, email="analyst@acme.test", roles=("finance",))
    )
    assert (again.profile.member.id, again.profile.member.version) == (old, 3)
    assert (again.profile.member.roles, again.profile.member.revoked_at_utc) == (("finance",), None)
    assert [event.entry.kind for event in await events(ports, house)] == ["member.revoked", "member.added"]
    assert (await viewer_of(ports, house, house.analyst_id)).authority(house.workspace.id).roles == {"finance"}


async def test_the_same_person_added_ten_times_at_once_is_one_member(ports: Ports, house: House, ana: Viewer) -> None:
    answers = await asyncio.gather(
        *(service.add(ports, ana, house.workspace.id, DORA) for _ in range(10)), return_exceptions=True
    )
    added = [each for each in answers if isinstance(each, service.Added)]
    assert len(added) == 1
    assert [type(each) for each in answers if each is not added[0]] == [InvalidInput] * 9
    assert [event.entry.kind for event in await events(ports, house)] == ["member.added"]


# --- giving and taking roles ------------------------------------------------------------------------------------------


@pytest.mark.req("FR-PLT-003", "FR-PLT-005")
async def test_roles_count_from_the_next_look_and_the_log_says_who_gave_them(
    ports: Ports, clock: FixedClock, house: House, ana: Viewer
) -> None:
    cleo_id = await member_id(ports, house, house.analyst_id)
    clock.advance(timedelta(minutes=1))
    changed = await service.set_roles(ports, ana, cleo_id, 1, ("reviewer", "campaign_manager", "reviewer"))
    assert (changed.member.roles, changed.member.version) == (("campaign_manager", "reviewer"), 2)
    cleo = await viewer_of(ports, house, house.analyst_id)
    assert cleo.authority(house.workspace.id).roles == {"campaign_manager", "reviewer"}
    (event,) = await events(ports, house)
    assert (event.entry.kind, event.entry.actor_id) == ("member.roles_set", str(house.owner_id))
    assert (event.entry.subject_version, event.entry.at_utc) == (2, NOON + timedelta(minutes=1))
    assert event.before is not None
    assert event.after is not None
    assert (event.before["roles"], event.after["roles"]) == (["data_analyst"], ["campaign_manager", "reviewer"])


@pytest.mark.req("FR-PLT-003")
async def test_a_revoked_member_is_nobody_at_the_next_look(ports: Ports, house: House, ana: Viewer) -> None:
    cleo_id = await member_id(ports, house, house.analyst_id)
    revoked = await service.revoke(ports, ana, cleo_id, 1)
    assert (revoked.member.version, revoked.member.revoked_at_utc) == (2, NOON)
    with pytest.raises(Unauthenticated):
        await viewer_of(ports, house, house.analyst_id)
    assert [event.entry.kind for event in await events(ports, house)] == ["member.revoked"]
    listed = await service.page(ports, ana, house.workspace.id, Slice(10))
    assert cleo_id not in {each.member.id for each in listed}
    for again in (service.revoke(ports, ana, cleo_id, 2), service.set_roles(ports, ana, cleo_id, 2, ("finance",))):
        with pytest.raises(InvalidTransition) as refused:
            await again
        assert refused.value.state == "REVOKED"


async def test_the_loser_of_a_race_learns_who_won(ports: Ports, house: House, ana: Viewer) -> None:
    boss_id = await tenant_wide(ports, house, "owner")
    boss = await viewer_of(ports, house, boss_id)
    cleo_id = await member_id(ports, house, house.analyst_id)
    answers = await asyncio.gather(
        *(
            service.set_roles(ports, viewer, cleo_id, 1, (role,))
            for viewer in (ana, boss)
            for role in ("finance", "developer", "brand_manager")
        ),
        return_exceptions=True,
    )
    conflicts = [each for each in answers if isinstance(each, VersionConflict)]
    assert len(conflicts) == 5
    (event,) = await events(ports, house)
    assert {(c.current_version, c.expected_version) for c in conflicts} == {(2, 1)}
    assert {(c.changed_by_id, c.changed_at_utc) for c in conflicts} == {(event.entry.actor_id, NOON)}
    with pytest.raises(VersionConflict):
        await service.revoke(ports, ana, cleo_id, 1)


async def test_a_key_replays_its_answer_and_serves_nothing_else(ports: Ports, house: House, ana: Viewer) -> None:
    cleo_id = await member_id(ports, house, house.analyst_id)
    first = await service.set_roles(ports, ana, cleo_id, 1, ("finance",), "k")
    assert await service.set_roles(ports, ana, cleo_id, 1, ("finance",), "k") == first
    with pytest.raises(IdempotencyMismatch):
        await service.set_roles(ports, ana, cleo_id, 1, ("developer",), "k")
    assert len(await events(ports, house)) == 1


@pytest.mark.req("FR-PLT-003", "BT-roles")
async def test_nobody_gives_or_takes_what_is_not_theirs(ports: Ports, house: House) -> None:
    """A custom role that may write users stands for everybody who is no owner."""
    hr_permissions = {Permission.USER_READ, Permission.USER_WRITE, *_role("finance")}
    async with ports.database.write(house.tenant_id) as scope:
        names = sorted(each.value for each in hr_permissions)
        await scope.create(members.RoleTable, id=new_id(), name="hr", permissions=members.json_text(names))
    hr = await viewer_of(ports, house, await with_roles(ports, house, "hr"))
    cleo = await viewer_of(ports, house, house.analyst_id)
    cleo_id = await member_id(ports, house, house.analyst_id)
    ana_id = await member_id(ports, house, house.owner_id)
    before = await everything(ports, house)

    async def refused(viewer: Viewer, member: UUID, *roles: str) -> None:
        with pytest.raises(Forbidden):
            await service.set_roles(ports, viewer, member, 1, roles)

    await refused(cleo, cleo_id, "owner")
    for role in ("owner", "reviewer", "campaign_manager"):
        await refused(hr, cleo_id, "data_analyst", role)
        with pytest.raises(Forbidden):
            await service.add(ports, hr, house.workspace.id, replace(DORA, roles=(role,)))
    await refused(hr, cleo_id, "finance")  # takes data_analyst away, which hr does not hold
    await refused(hr, ana_id, "reviewer")
    with pytest.raises(Forbidden):
        await service.revoke(ports, hr, ana_id, 1)
    with pytest.raises(Forbidden):
        await service.revoke(ports, cleo, cleo_id, 1)
    assert await everything(ports, house) == before

    fay_id = await with_roles(ports, house, "finance")
    fay = await service.set_roles(ports, hr, await member_id(ports, house, fay_id), 1, ("finance", "hr"))
    assert fay.member.roles == ("finance", "hr")


def _role(name: str) -> frozenset[Permission]:
    return next(each.permissions for each in SEEDED_ROLES if each.name == RoleName(name))


@pytest.mark.req("FR-PLT-001")
async def test_another_tenants_members_are_not_found_by_any_change(
    ports: Ports, house: House, other_house: House, ana: Viewer
) -> None:
    boss = await viewer_of(ports, house, await tenant_wide(ports, house, "owner"))
    before = await everything(ports, other_house)
    theirs = await member_id(ports, other_house, other_house.analyst_id)
    for viewer in (ana, boss):
        for foreign in (theirs, uuid4()):
            with pytest.raises(NotFound, match="no such member"):
                await service.set_roles(ports, viewer, foreign, 1, ("finance",))
            with pytest.raises(NotFound, match="no such member"):
                await service.revoke(ports, viewer, foreign, 1)
        for workspace in (other_house.workspace.id, uuid4()):
            with pytest.raises(NotFound, match="no such workspace"):
                await service.add(ports, viewer, workspace, DORA)
    assert await everything(ports, other_house) == before


async def test_a_workspaces_owner_changes_nobody_of_another_workspace_or_of_the_tenant(
    ports: Ports, house: House, ana: Viewer
) -> None:
    second = await second_workspace(ports, house)
    there_id = await with_roles(ports, house, "finance", workspace_id=second.id)
    boss_id = await tenant_wide(ports, house, "owner")
    with pytest.raises(NotFound, match="no such member"):
        await service.revoke(ports, ana, await tenant_wide_id(ports, house, there_id), 1)
    with pytest.raises(Forbidden):
        await service.revoke(ports, ana, await tenant_wide_id(ports, house, boss_id), 1)
    assert await events(ports, house) == []


# --- the last owner ---------------------------------------------------------------------------------------------------


async def test_the_last_owner_stays(ports: Ports, house: House, ana: Viewer) -> None:
    ana_id = await member_id(ports, house, house.owner_id)
    before = await everything(ports, house)
    for change in (service.set_roles(ports, ana, ana_id, 1, ("reviewer",)), service.revoke(ports, ana, ana_id, 1)):
        with pytest.raises(InvalidTransition) as refused:
            await change
        assert refused.value.state == "LAST_OWNER"
    assert await everything(ports, house) == before
    # Other roles of the last owner may change.
    assert (await service.set_roles(ports, ana, ana_id, 1, ("owner",))).member.roles == ("owner",)


async def test_an_owner_elsewhere_does_not_count_and_one_of_the_tenant_does(
    ports: Ports, house: House, ana: Viewer
) -> None:
    second = await second_workspace(ports, house)
    await with_roles(ports, house, "owner", workspace_id=second.id)
    ana_id = await member_id(ports, house, house.owner_id)
    with pytest.raises(InvalidTransition):
        await service.revoke(ports, ana, ana_id, 1)
    boss_id = await tenant_wide(ports, house, "owner")
    boss = await viewer_of(ports, house, boss_id)
    assert (await service.revoke(ports, ana, ana_id, 1)).member.version == 2
    # The tenant's own last owner stays, whoever owns workspaces.
    with pytest.raises(InvalidTransition):
        await service.revoke(ports, boss, await tenant_wide_id(ports, house, boss_id), 1)


async def test_owners_who_remove_each_other_at_once_leave_one(ports: Ports, house: House) -> None:
    for _ in range(5):
        one, two = [await with_roles(ports, house, "owner") for _ in range(2)]
        async with ports.database.write(house.tenant_id) as scope:
            everybody_else = scope.of(members.MembershipTable).exclude(user_id__in=[one, two])
            await everybody_else.update(revoked_at_utc=NOON)
        viewers = [await viewer_of(ports, house, each) for each in (one, two)]
        others = [await member_id(ports, house, each) for each in (two, one)]
        answers = await asyncio.gather(
            *(service.revoke(ports, viewer, other, 1) for viewer, other in zip(viewers, others, strict=True)),
            return_exceptions=True,
        )
        refused = [each for each in answers if isinstance(each, DomainError)]
        assert [getattr(each, "state", None) for each in refused] == ["LAST_OWNER"]
        scope_ = ports.database.read(house.tenant_id)
        assert await scope_.of(members.MembershipTable).filter(revoked_at_utc=None).count() == 1
    assert await verify(ports, house.tenant_id) == []
