"""Queries are tenant-scoped by construction: the check holds for this tree, and each of its rules bites."""

from __future__ import annotations

import pytest

from scripts.tenant_scope import ALLOW, ROOT, findings, sources

TABLES = """
from tortoise import Model, fields

class CampaignTable(Model):
    tenant_id = fields.UUIDField()
    class Meta:
        table = "campaigns"

class BudgetTable(Model):
    tenant_id = fields.UUIDField()
    class Meta:
        table = "budgets"

class UserTable(Model):
    email = fields.CharField(max_length=254)
    class Meta:
        table = "users"
"""


def rules(source: str, path: str) -> list[str]:
    """The rules that a module breaks, in a tree that also holds three tables."""
    return [found.rule for found in findings({"models/tables.py": TABLES, path: source}) if found.path == path]


def inside(source: str) -> list[str]:
    return rules(source, "models/campaigns.py")


def outside(source: str, path: str = "services/campaigns.py") -> list[str]:
    return rules(source, path)


@pytest.mark.req("FR-PLT-001")
def test_every_query_of_this_tree_names_its_tenant() -> None:
    tree = sources()
    assert len(tree) > 20
    assert [str(found) for found in findings(tree)] == []


def test_the_tables_alone_break_nothing() -> None:
    assert findings({"models/tables.py": TABLES}) == []


def test_every_exception_exists_and_says_why() -> None:
    for path, (allowed, reason) in ALLOW.items():
        assert (ROOT / path).is_file()
        assert allowed
        assert len(reason) > 20


@pytest.mark.parametrize(
    "source",
    [
        "import tortoise",
        "from tortoise import Tortoise",
        "from tortoise.transactions import in_transaction",
        "def f():\n    from tortoise.expressions import F",
        "import asyncio, tortoise.queryset as q",
    ],
)
def test_t1_tortoise_stays_in_models(source: str) -> None:
    assert outside(source) == ["T1"]
    assert outside(source, "app/migrations.py") == []
    assert "T1" not in inside(source)


def test_t1_the_command_line_may_name_the_exceptions() -> None:
    source = "from tortoise.exceptions import BaseORMException"
    assert outside(source, "app/cli/main.py") == []
    assert outside(source, "services/campaigns.py") == ["T1"]
    assert outside("from tortoise import exceptions", "app/cli/main.py") == ["T1"]


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("from models.tables import CampaignTable", 1),
        ("from models import tables\nrows = tables.CampaignTable.filter(id=1)", 1),
        ("from models import tables\nrows = getattr(tables, 'CampaignTable')", 1),
        ("from models.tables import CampaignTable as C\nasync def f(): return await C.all()", 1),
    ],
)
def test_t2_nobody_else_names_a_table(source: str, count: int) -> None:
    assert outside(source) == ["T2"] * count


def test_t2_leaves_named_queries_and_other_classes_alone() -> None:
    assert outside("from models import campaigns\nasync def f(scope): return await campaigns.campaign(scope, 1)") == []
    assert outside("class Box:\n    pass\nBox.filter(1)\n{}.get('a')") == []


@pytest.mark.parametrize(
    "signature",
    [
        "async def campaigns(): ...",
        "async def campaigns(workspace_id: UUID): ...",
        "async def campaigns(scope): ...",
        "async def campaigns(workspace_id: UUID, scope: Scope): ...",
        "async def campaigns(*, scope: Scope): ...",
        "async def campaigns(connection: BaseDBAsyncClient): ...",
        "class Campaigns:\n    async def all(self, workspace_id: UUID): ...",
    ],
)
def test_t3_a_query_takes_its_scope_first(signature: str) -> None:
    assert inside(signature) == ["T3"]


@pytest.mark.parametrize(
    "signature",
    [
        "async def campaigns(scope: Scope): ...",
        "async def campaigns(scope: 'WriteScope', workspace_id: UUID): ...",
        "async def _campaigns(workspace_id: UUID): ...",
        "def columns(value: Campaign): ...",
        "class Campaigns:\n    async def all(self, scope: Scope): ...",
    ],
)
def test_t3_accepts_scopes_and_what_is_no_query(signature: str) -> None:
    assert inside(signature) == []


@pytest.mark.parametrize(
    "method",
    ["filter(id=1)", "get(id=1)", "get_or_none(id=1)", "all()", "create(id=1)", "bulk_create([])", "exclude(id=1)",
     "first()", "exists()", "update_or_create(id=1)", "get_or_create(id=1)", "raw('...')", "annotate(n=1)"],
)  # fmt: skip
def test_t4_a_table_is_not_queried_past_its_scope(method: str) -> None:
    assert inside(f"async def _f(scope: Scope):\n    return await CampaignTable.{method}") == ["T4"]
    assert inside(f"async def _f(scope: Scope):\n    return await tables.CampaignTable.{method}") == ["T4"]


def test_t4_accepts_the_scope_and_a_named_tenant() -> None:
    assert inside("async def f(scope: Scope):\n    return await scope.of(CampaignTable).filter(id=1).first()") == []
    assert inside("async def f(scope: WriteScope):\n    await CampaignTable.create(tenant_id=scope.tenant_id)") == []
    assert inside("async def f(scope: Scope):\n    return await CampaignTable.filter(tenant_id=other.tenant_id)") == [
        "T4"
    ]


def sql(text: str, *, parameters: str = "scope.tenant_id") -> str:
    return (
        f"_COLUMNS = 'tenant_id, name'\nasync def f(scope: Scope):\n    return await scope.rows({text}, {parameters})"
    )


@pytest.mark.parametrize(
    "text",
    [
        '"SELECT * FROM campaigns"',
        '"SELECT tenant_id FROM campaigns"',
        '"select * from campaigns where id = $1"',
        '"UPDATE campaigns SET name = $1"',
        '"DELETE FROM campaigns WHERE id = $1"',
        '"INSERT INTO campaigns (id, name) VALUES ($1, $2)"',
        '"SELECT * FROM campaigns c JOIN budgets b ON b.campaign_id = c.id WHERE c.tenant_id = $1"',
        '"DELETE FROM campaigns WHERE tenant_id = $1 AND id IN (SELECT campaign_id FROM budgets)"',
        '"SELECT id " "FROM campaigns " + ("WHERE tenant_id = $1" if a else "WHERE id = $1")',
        'f"SELECT {_COLUMNS} FROM campaigns"',
    ],
)
def test_t5_sql_binds_the_tenant_for_every_table(text: str) -> None:
    assert inside(sql(text)) == ["T5"]


@pytest.mark.parametrize(
    "text",
    [
        '"SELECT * FROM campaigns WHERE tenant_id = $1"',
        '"SELECT u.name FROM users u JOIN campaigns c ON c.owner_id = u.id WHERE c.tenant_id = $1"',
        '"SELECT * FROM elsewhere"',
        '"SELECT * FROM campaigns c JOIN budgets b ON b.tenant_id = c.tenant_id WHERE c.tenant_id = $1"',
        'f"SELECT {_COLUMNS} FROM campaigns " "WHERE tenant_id = $1" + (" AND id = $2" if a else "")',
        'f"INSERT INTO campaigns ({_COLUMNS}) VALUES ($1, $2)"',
        'f"INSERT INTO campaigns ({columns()}) VALUES ($1, $2)"',
    ],
)
def test_t5_accepts_bound_sql(text: str) -> None:
    assert inside(sql(text)) == []


def test_a_person_belongs_to_no_tenant_but_is_found_through_one() -> None:
    assert inside("async def f(scope: WriteScope):\n    await UserTable.create(email='a@b.test')") == []
    assert inside("async def f(scope: Scope):\n    return await UserTable.filter(email='a@b.test')") == ["T4"]
    assert inside(sql('"INSERT INTO users (email) VALUES ($1)"', parameters="email")) == []
    assert inside(sql('"SELECT * FROM users WHERE email = $1"', parameters="email")) == ["T5"]
    assert inside(sql('"UPDATE users SET email = $1"', parameters="email")) == ["T5"]


def test_t5_the_function_must_name_the_scopes_tenant() -> None:
    bound = '"SELECT * FROM campaigns WHERE tenant_id = $1"'
    assert inside(sql(bound, parameters="workspace.tenant_id")) == ["T5"]
    constant = f"_QUERY = {bound}\nasync def f(scope: Scope, other):\n    return await scope.rows(_QUERY, TENANT)"
    assert inside(constant.replace("TENANT", "other")) == ["T5"]
    assert inside(constant.replace("TENANT", "scope.tenant_id")) == []


def test_t5_sql_over_tenants_tables_stands_in_models_only() -> None:
    assert outside(sql('"SELECT * FROM campaigns WHERE tenant_id = $1"')) == ["T5"]
    assert outside("text = 'SELECT * FROM spool'") == []
    assert outside('"""Must UPDATE campaigns SET nothing."""') == []
    assert outside("text = 'Update campaigns from the platform.'") == []


def test_t6_the_scope_without_a_tenant_is_named_nowhere_else() -> None:
    source = "from models.scope import SystemScope\nasync def f(scope: SystemScope): ..."
    assert outside(source, "jobs/sweep.py") == ["T6", "T6"]
    assert inside(source) == ["T6", "T3", "T6"]
    assert rules(source, "models/across_tenants.py") == []


@pytest.mark.parametrize(
    "method", ["execute_query", "execute_query_dict", "execute_insert", "execute_many", "execute_script"]
)
def test_t7_raw_connections_stay_in_models(method: str) -> None:
    source = f"async def f(scope):\n    await scope.connection.{method}(text)"
    assert outside(source) == ["T7"]
    assert inside(f"async def f(scope: Scope):\n    await scope.connection.{method}(text)") == []


def test_a_finding_says_where_and_what() -> None:
    (found,) = findings({"services/campaigns.py": "import asyncio\nimport tortoise\n"})
    assert (found.path, found.line, found.rule, found.text) == ("services/campaigns.py", 2, "T1", "imports tortoise")
