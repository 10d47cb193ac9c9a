"""The schema keeps its own rules, checked on what is built: words everywhere, connections, money, names, payloads.

What departs from a rule stands in a table here with its reason; anything else that departs fails.
"""

import re

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_specified_scalar_type,
)

from app.graphql import build_schema
from resolvers.loaders import NODES
from tests.schema_walk import every_argument

SCHEMA = build_schema()._schema
ROOTS = {"Query", "Mutation", "Subscription"}
TYPES = {
    name: type_
    for name, type_ in SCHEMA.type_map.items()
    if not name.startswith("__") and not is_specified_scalar_type(type_)
}
OUTPUTS = {name: type_ for name, type_ in TYPES.items() if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)}
FIELDS: dict[str, GraphQLField] = {
    f"{name}.{field}": definition for name, type_ in OUTPUTS.items() for field, definition in type_.fields.items()
}
NODE = SCHEMA.type_map["Node"]
NODE_TYPES = {each.name for each in SCHEMA.get_possible_types(NODE)}  # type: ignore[arg-type]

#: Lists that are no connections, and what bounds them.
BOUNDED = {
    "Query.nodes": "as long as `ids`, at most 100",
    "Query.guardrailDefaults": "one for each proposer and setting",
    "Campaign.dailyMetrics": "at most 366 days, and 18,300 in one operation",
    "Plan.skipped": "one for each budget",
    "Recommendation.presences": "one for each member",
    "Recommendation.needsReviewBecause": "one for each guardrail",
    "GuardrailBlocked.violations": "one for each guardrail",
    "GuardrailPreview.items": "at most 100",
    "GuardrailPreviewItem.violations": "one for each guardrail",
    "HardLimits.allowedPlatforms": "one for each platform",
    "HardLimits.deniedPlatforms": "one for each platform",
    "ResponseCurve.points": "at most 15",
    "RecommendationsDecidePayload.results": "one for each decision sent, at most 100",
    "Workspace.platformSummary": "one for each platform",
    "PlatformSummary.rationale": "one for each open recommendation, at most 100",
    "PresencePayload.presences": "one for each member",
    "PresenceChange.items": "one for each member, who is at one item or a few",
    "ItemPresences.presences": "one for each member",
    "Viewer.workspaces": "those of one person",
    "ViewerWorkspace.roles": "the tenant's roles",
    "ViewerWorkspace.permissions": "twenty",
    "Member.roles": "the tenant's roles",
    "ApiKey.scopes": "twenty",
    "EmergencyStop.items": "at most 100",
    "EmergencyStop.statusChanges": "at most 100",
    "EmergencyStopPreview.cutOff": "at most 100",
    "EmergencyStopPreview.paused": "at most 100",
    "EmergencyStopPreview.onTheirWay": "at most 100",
    "EmergencyStopPreview.restored": "at most 100",
    "PlatformGrant.scopes": "those of one platform",
    "Query.adAccountOffers": "what one person can open on one platform",
    "AdAccountConnectPayload.adAccounts": "those asked for, at most 50",
    "UserError.field": "as deep as the input",
    "Notification.deliveries": "one for each channel",
    "NotificationPreferences.kinds": "one for each kind",
    "ReviewTimes.steps": "five",
    "Performance.roasByDay": "one for each day, at most 366",
    "Overview.byAction": "one for each action",
    "Overview.byProposer": "one for each proposer",
    "WorkspaceMeasures.movedByDay": "one for each day and platform",
}

#: Ids that are shown as text, because there is no object of ours to show instead.
FOREIGN_IDS = {
    "AdAccount.externalId": "the platform's own",
    "AdAccountOffer.externalId": "the platform's own",
    "Budget.externalId": "the platform's own",
    "Campaign.externalId": "the platform's own",
    "Adjustment.platformExecutionId": "the platform's own, for its support",
    "CampaignStatusChange.platformExecutionId": "the platform's own, for its support",
    "Presence.subjectId": "the key by which a live list finds its row; the client holds the object already",
    "ItemPresences.subjectId": "likewise",
    "Member.userId": "a person is no object: it is the same in several memberships",
}

#: Objects inside others that are never null.
STERN = {"MemberVersionConflict.current": "members are revoked, not deleted, and the conflict is made of the one found"}

#: Floats: ratios and probabilities, never money.
RATIO = re.compile(r"roas|share|confidence|pValue", re.IGNORECASE)
MONEY = re.compile(
    r"budget$|spend$|revenue|delta$|shortfall|increase$|decrease$|unallocated|amount|price|cost", re.IGNORECASE
)
NOT_MONEY = {
    "Campaign.budget": "the budget entity itself",
    "Money.amount": "the amount in Money",
    "Performance.revenueLift": "lift, in Money inside",
    "ChangeResult.revenueLift": "likewise",
}

#: Mutations that move or change money, or decide about it: they take a key.
KEYED = re.compile(r"^(recommendation(?!sDecide)|adjustment|workspace)")


def is_list(type_: object) -> bool:
    inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    return isinstance(inner, GraphQLList)


def test_every_type_field_argument_and_value_is_described() -> None:
    silent = [name for name, type_ in TYPES.items() if not type_.description and name not in ROOTS]
    silent += [name for name, field in FIELDS.items() if not field.description]
    silent += [name for name, argument in every_argument(SCHEMA) if not argument.description]
    for name, type_ in TYPES.items():
        if isinstance(type_, GraphQLEnumType):
            silent += [f"{name}.{value}" for value, it in type_.values.items() if not it.description]
        if isinstance(type_, GraphQLInputObjectType):
            silent += [f"{name}.{field}" for field, it in type_.fields.items() if not it.description]
    assert silent == []


def test_lists_are_connections_or_bounded() -> None:
    open_ended = [
        name
        for name, field in FIELDS.items()
        if is_list(field.type)
        and not re.search(r"(Connection\.(edges|nodes)|\.userErrors)$", name)
        and name not in BOUNDED
        and not (name.endswith(".field") and "UserError" in _interfaces(name))
    ]
    assert open_ended == []


def _interfaces(coordinate: str) -> set[str]:
    type_ = OUTPUTS[coordinate.split(".", maxsplit=1)[0]]
    return {each.name for each in type_.interfaces}


def test_a_bounded_list_says_so_to_clients() -> None:
    said = re.compile(
        r"at most|never more|same order|order sent|those you|those the viewer|of the roles|path of", re.IGNORECASE
    )
    mine = [name for name in BOUNDED if name in FIELDS and name.split(".")[0] in {
        "Query", "Campaign", "Plan", "Recommendation", "RecommendationsDecidePayload", "Workspace", "PlatformSummary", "UserError"
    }]  # fmt: skip
    assert len(mine) == 11
    assert [name for name in mine if not said.search(FIELDS[name].description or "")] == []


def test_connections_page_in_one_way() -> None:
    paging = {"first": "PageSize", "after": "Cursor", "last": "PageSize", "before": "Cursor"}
    found = 0
    for name, field in FIELDS.items():
        if get_named_type(field.type).name.endswith("Connection"):
            found += 1
            assert {a: str(field.args[a].type) for a in paging if a in field.args} == paging, name
    assert found >= 9
    for name, type_ in OUTPUTS.items():
        if name.endswith("Connection"):
            assert str(type_.fields["pageInfo"].type) == "PageInfo!"


def test_every_major_object_can_be_fetched_again() -> None:
    assert set(NODES) == NODE_TYPES
    assert {"Workspace", "AdAccount", "Campaign", "Budget", "Plan", "Recommendation", "Adjustment"} <= NODE_TYPES
    assert {"Member", "ApiKey"} <= NODE_TYPES
    assert [name for name in NODE_TYPES if str(OUTPUTS[name].fields["id"].type) != "ID!"] == []


def test_objects_refer_to_objects() -> None:
    ids = [name for name in FIELDS if re.search(r"[a-z]Ids?$", name) and name not in FOREIGN_IDS]
    assert ids == []


def test_a_reference_that_fails_fails_alone() -> None:
    """An object inside another is nullable; in a list, at least the list is what fails."""
    stern = [
        name
        for name, field in FIELDS.items()
        if get_named_type(field.type).name in NODE_TYPES
        and isinstance(field.type, GraphQLNonNull)
        and not name.split(".")[0].endswith(("Connection", "Edge"))
        and not _is_message(name)
    ]
    assert stern == list(STERN)


def _is_message(coordinate: str) -> bool:
    """What a subscription says carries its subject as it was: there is nothing left to fail."""
    subscription = SCHEMA.subscription_type
    messages = [get_named_type(field.type) for field in subscription.fields.values()] if subscription else []
    named = {each.name for message in messages for each in getattr(message, "types", (message,))}
    return coordinate.split(".", maxsplit=1)[0] in named


def test_versions_and_ids_are_never_null() -> None:
    loose = [
        name
        for name, field in FIELDS.items()
        if re.search(r"\.(id|version|sequence|pageInfo|cursor)$", name) and not isinstance(field.type, GraphQLNonNull)
    ]
    assert loose == []


def test_money_is_money() -> None:
    floats = [n for n, f in FIELDS.items() if get_named_type(f.type).name == "Float" and not RATIO.search(n)]
    assert floats == []
    bare = [
        name
        for name, field in FIELDS.items()
        if MONEY.search(name.split(".")[1]) and get_named_type(field.type).name != "Money" and name not in NOT_MONEY
    ]
    assert bare == []
    assert {name: str(field.type) for name, field in OUTPUTS["Money"].fields.items()} == {
        "amount": "Decimal!",
        "currency": "CurrencyCode!",
    }


def test_moments_are_moments() -> None:
    assert [
        n for n, f in FIELDS.items() if re.search(r"[a-z]At$", n) and get_named_type(f.type).name != "DateTime"
    ] == []


MUTATIONS = SCHEMA.mutation_type.fields if SCHEMA.mutation_type else {}


@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_a_mutation_names_its_object_first_and_answers_with_a_payload(name: str) -> None:
    field = MUTATIONS[name]
    objects = {each[0].lower() + each[1:] for each in OUTPUTS}
    verbs = [name.removeprefix(each) for each in objects if name.startswith(each)]
    assert any(re.match(r"s?[A-Z]", verb) for verb in verbs), "the object comes first, then what happens to it"
    payload = get_named_type(field.type)
    assert payload.name.endswith("Payload")
    assert isinstance(field.type, GraphQLNonNull)
    assert str(payload.fields["userErrors"].type) == "[UserError!]!"
    results = {
        each: it for each, it in payload.fields.items() if isinstance(get_named_type(it.type), GraphQLObjectType)
    }
    assert [each for each, it in results.items() if isinstance(it.type, GraphQLNonNull) and not is_list(it.type)] == []


@pytest.mark.parametrize("name", sorted(name for name in MUTATIONS if KEYED.search(name)))
def test_a_mutation_about_money_takes_a_version_and_a_key(name: str) -> None:
    arguments = {argument: str(it.type) for argument, it in MUTATIONS[name].args.items()}
    assert (arguments["id"], arguments["expectedVersion"], arguments["idempotencyKey"]) == ("ID!", "Int!", "String!")
    assert set(arguments) <= {"id", "expectedVersion", "idempotencyKey", "change", "reason"}


def test_each_conflict_names_who_when_and_what_is() -> None:
    conflicts = SCHEMA.get_possible_types(SCHEMA.type_map["VersionConflict"])  # type: ignore[arg-type]
    assert {each.name for each in conflicts} >= {
        "RecommendationVersionConflict",
        "AdjustmentVersionConflict",
        "WorkspaceVersionConflict",
    }
    for each in conflicts:
        assert get_named_type(each.fields["current"].type).name in each.name
        assert (str(each.fields["changedBy"].type), str(each.fields["changedAt"].type)) == ("Actor", "DateTime")


def test_no_exception_outlives_its_field() -> None:
    tables = {**BOUNDED, **FOREIGN_IDS, **NOT_MONEY}
    assert [name for name in tables if name not in FIELDS] == []
