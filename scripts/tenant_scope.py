"""Proves on the syntax tree that no query can forget its tenant.

Owns the rules below and their exceptions. It reads source text only: nothing is imported or run.

    T1  tortoise is imported in models/, migrations/ and app/migrations.py only; app/ may also import its exceptions,
        which query nothing, to tell them to people
    T2  tables (models' `Model` classes) are named in models/ only, so nobody else can query them
    T3  a public async function of models/ takes a `Scope` or `WriteScope` first
    T4  in models/, a query method called on a table itself, not through `scope.of(...)`, stands in a function that
        names `scope.tenant_id`; a new row of a table without tenants, such as a person, needs none
    T5  SQL text that touches a table stands in models/ only, binds `tenant_id` once per tenant's table touched, and is
        used in functions that name `scope.tenant_id`; inserting into a table without tenants needs neither
    T6  `SystemScope`, the scope without a tenant, is named only where the exceptions allow it
    T7  Tortoise's raw connection methods are called in models/ only
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    "app", "schema", "resolvers", "services", "domain", "models", "realtime", "hotpath", "jobs", "adapters", "kit",
)  # fmt: skip
MAY_IMPORT_TORTOISE = ("models/", "migrations/", "app/migrations.py")
SCOPES = ("Scope", "WriteScope")

# Modules of models/ that the rules leave alone, each with its reason.
ALLOW: Mapping[str, tuple[frozenset[str], str]] = {
    "models/scope.py": (
        frozenset({"T3", "T4", "T5", "T6"}),
        "defines the scopes: here, and nowhere else, the tenant's condition is added",
    ),
    "models/across_tenants.py": (
        frozenset({"T3", "T4", "T5", "T6"}),
        "sign-in by e-mail, the worker's claims and the relay's heads look before a tenant is known",
    ),
    "models/statements.py": (frozenset({"T3"}), "stands around a driver's methods, and holds no query"),
    "models/sqlite_backend.py": (frozenset({"T3"}), "a driver's transaction class, which holds no query"),
}

QUERY_METHODS = frozenset({
    "filter", "get", "get_or_none", "all", "create", "bulk_create", "bulk_update", "exclude", "first", "last", "latest",
    "earliest", "exists", "update_or_create", "get_or_create", "raw", "annotate", "in_bulk", "select_for_update",
})  # fmt: skip
CREATIONS = frozenset({"create", "bulk_create"})
RAW_METHODS = frozenset({"execute_query", "execute_query_dict", "execute_insert", "execute_many", "execute_script"})

_STATEMENT = re.compile(r"\b(?:SELECT|INSERT|UPDATE|DELETE)\b")
_STATEMENT_ANY_CASE = re.compile(r"\s*(?:select|insert|update|delete|with)\b", re.IGNORECASE)
_CLAUSE_ANY_CASE = re.compile(r"\b(?:where|set|values|select)\b", re.IGNORECASE)
_TOUCHED = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO)\s+\"?(\w+)\"?", re.IGNORECASE)
# Stands for a part of a text that the source does not spell out.
_UNKNOWN = "<?>"
_BOUND = re.compile(r"\btenant_id\s*=", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class Finding:
    """One broken rule at one place; `line` counts from 1."""

    path: str
    line: int
    rule: str
    text: str


@dataclass(frozen=True)
class Tables:
    """What models/ declares: class name -> SQL name of all tables, and the SQL names of those with a `tenant_id`."""

    classes: Mapping[str, str]
    tenant_tables: frozenset[str]

    def is_tenants(self, class_name: str) -> bool:
        """Whether a table's rows belong to tenants."""
        return self.classes[class_name] in self.tenant_tables


def findings(sources: Mapping[str, str]) -> list[Finding]:
    """Every broken rule in a tree given as path (with forward slashes, relative to the root) -> source text."""
    trees = {path: ast.parse(text, path) for path, text in sources.items()}
    tables = _tables(trees)
    found: set[Finding] = set()
    for path, tree in trees.items():
        allowed = ALLOW[path][0] if path in ALLOW else frozenset()
        rules = _INSIDE if path.startswith("models/") else _OUTSIDE
        hits = (hit for rule in rules for hit in rule(path, tree, tables))
        found.update(Finding(path, line, name, text) for line, name, text in hits if name not in allowed)
    return sorted(found)


# --- what models/ declares --------------------------------------------------------------------------------------------


def _tables(trees: Mapping[str, ast.Module]) -> Tables:
    classes: dict[str, str] = {}
    tenant_tables: set[str] = set()
    for path, tree in trees.items():
        if not path.startswith("models/"):
            continue
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and any(_last_name(base) == "Model" for base in node.bases):
                classes[node.name] = _sql_name(node)
                if _declares(node, "tenant_id"):
                    tenant_tables.add(_sql_name(node))
    return Tables(classes, frozenset(tenant_tables))


def _declares(table: ast.ClassDef, field: str) -> bool:
    return any(
        isinstance(target, ast.Name) and target.id == field
        for statement in table.body
        for target in _targets(statement)
    )


def _sql_name(table: ast.ClassDef) -> str:
    """`Meta.table`, or Tortoise's default, the class name in lower case."""
    for meta in table.body:
        if isinstance(meta, ast.ClassDef) and meta.name == "Meta":
            for statement in meta.body:
                names = [target.id for target in _targets(statement) if isinstance(target, ast.Name)]
                if "table" in names and isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
                    return str(statement.value.value).lower()
    return table.name.lower()


def _targets(statement: ast.stmt) -> list[ast.expr]:
    if isinstance(statement, ast.Assign):
        return statement.targets
    return [statement.target] if isinstance(statement, ast.AnnAssign) else []


# --- the rules --------------------------------------------------------------------------------------------------------

_Hit = tuple[int, str, str]


def _imports(path: str, tree: ast.Module, _tables: Tables) -> Iterator[_Hit]:
    if path.startswith(MAY_IMPORT_TORTOISE):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        else:
            continue
        if path.startswith("app/"):
            names = [name for name in names if name != "tortoise.exceptions"]
        if any(name.split(".")[0] == "tortoise" for name in names):
            yield node.lineno, "T1", "imports tortoise"


def _tables_named(_path: str, tree: ast.Module, tables: Tables) -> Iterator[_Hit]:
    for line, name in _names(tree):
        if name in tables.classes:
            yield line, "T2", f"names the table {name}; add a query to models/ instead"


def _scope_first(_path: str, tree: ast.Module, _tables: Tables) -> Iterator[_Hit]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("_"):
            parameters = [arg for arg in (*node.args.posonlyargs, *node.args.args) if arg.arg not in {"self", "cls"}]
            first = parameters[0].annotation if parameters else None
            if first is None or ast.unparse(first).strip("'\"") not in SCOPES:
                yield node.lineno, "T3", f"{node.name} does not take a Scope or WriteScope first"


def _scoped_queries(_path: str, tree: ast.Module, tables: Tables) -> Iterator[_Hit]:
    for node, function in _with_function(tree):
        method = node.func if isinstance(node, ast.Call) else None
        if (
            isinstance(method, ast.Attribute)
            and method.attr in QUERY_METHODS
            and _last_name(method.value) in tables.classes
            and (method.attr not in CREATIONS or tables.is_tenants(_last_name(method.value)))
            and not (function and _names_tenant(function))
        ):
            yield method.lineno, "T4", f"queries {_last_name(method.value)} past its scope; use scope.of(...)"


def _sql_bound(_path: str, tree: ast.Module, tables: Tables) -> Iterator[_Hit]:
    for text in _sql_texts(tree):
        is_insert = text.sql.lstrip().upper().startswith("INSERT")
        touched = _touched(text.sql, tables.tenant_tables)
        # An INSERT cannot reach another tenant's rows, it can only misplace its own, so naming the column binds it. A
        # column list put together elsewhere is not readable here; the functions that use it still are.
        columns = text.sql.split("VALUES")[0] if is_insert else ""
        bound = len(_BOUND.findall(text.sql)) + bool(re.search(rf"\btenant_id\b|{re.escape(_UNKNOWN)}", columns))
        if bound < len(touched):
            yield text.line, "T5", f"SQL touches {', '.join(touched)} and binds tenant_id {bound} times"
        if not is_insert:
            touched = _touched(text.sql, tables.classes.values())
        if touched and not (text.users and all(map(_names_tenant, text.users))):
            yield text.line, "T5", f"SQL touches {', '.join(touched)} in a function without scope.tenant_id"


def _sql_elsewhere(_path: str, tree: ast.Module, tables: Tables) -> Iterator[_Hit]:
    for text in _sql_texts(tree):
        if touched := _touched(text.sql, tables.classes.values()):
            yield text.line, "T5", f"SQL over {', '.join(touched)} stands outside models/"


def _system_scope(_path: str, tree: ast.Module, _tables: Tables) -> Iterator[_Hit]:
    for line, name in _names(tree):
        if name == "SystemScope":
            yield line, "T6", "names SystemScope, which has no tenant"


def _raw_connection(path: str, tree: ast.Module, _tables: Tables) -> Iterator[_Hit]:
    if path.startswith(MAY_IMPORT_TORTOISE):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in RAW_METHODS:
            yield node.lineno, "T7", f"uses {node.attr} of a connection"


_Rule = Callable[[str, ast.Module, Tables], Iterator[_Hit]]
_INSIDE: tuple[_Rule, ...] = (_scope_first, _scoped_queries, _sql_bound, _system_scope)
_OUTSIDE: tuple[_Rule, ...] = (_imports, _tables_named, _sql_elsewhere, _system_scope, _raw_connection)


# --- reading the tree -------------------------------------------------------------------------------------------------


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every name that the module mentions: variables, attributes, imported names, names in quoted annotations."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, lineno=line) | ast.Attribute(attr=name, lineno=line):
                yield line, name
            case ast.ImportFrom(names=aliases, lineno=line) | ast.Import(names=aliases, lineno=line):
                yield from ((line, alias.name) for alias in aliases)
            case ast.Constant(value=str(text), lineno=line) if text.isidentifier():
                yield line, text


def _names_tenant(function: ast.AST) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr == "tenant_id" and _last_name(node.value) == "scope"
        for node in ast.walk(function)
    )


def _with_function(node: ast.AST, function: ast.AST | None = None) -> Iterator[tuple[ast.AST, ast.AST | None]]:
    """Every node below `node` with the innermost function around it."""
    for child in ast.iter_child_nodes(node):
        inner = child if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
        yield child, inner
        yield from _with_function(child, inner)


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """Module-level names and what they are assigned."""
    return {
        target.id: statement.value
        for statement in tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None
        for target in _targets(statement)
        if isinstance(target, ast.Name)
    }


@dataclass(frozen=True)
class _SqlText:
    """A text that reads as SQL, its line, and the functions that use it: around it, or naming its constant."""

    sql: str
    line: int
    users: tuple[ast.AST, ...]


def _sql_texts(tree: ast.Module) -> Iterator[_SqlText]:
    """Texts that read as SQL. Adjacent parts, `+` and f-strings count as one; module constants are filled in."""
    constants = _constants(tree)
    literals = {
        name: value.value
        for name, value in constants.items()
        if isinstance(value, ast.Constant) and isinstance(value.value, str)
    }
    # Docstrings and other bare texts run nothing.
    parts: set[ast.AST] = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node, function in _with_function(tree):
        text = None if node in parts else _text(node, literals)
        if text is None or not isinstance(node, ast.expr):
            continue
        parts.update(ast.walk(node))
        if _reads_as_sql(text):
            names = {name for name, value in constants.items() if value is node}
            yield _SqlText(text, node.lineno, (function,) if function else _users(tree, names))


def _users(tree: ast.Module, names: set[str]) -> tuple[ast.AST, ...]:
    """The functions that mention any of the names."""
    found = {
        function: None
        for node, function in _with_function(tree)
        if function is not None and isinstance(node, ast.Name) and node.id in names
    }
    return tuple(found)


def _text(node: ast.AST, literals: Mapping[str, str]) -> str | None:
    """The text that an expression builds, as far as the source tells; None for what is no text."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part, literals) or "" for part in parts)
        case ast.FormattedValue(value=value):
            return literals.get(_last_name(value), _UNKNOWN)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            sides = [_text(side, literals) or literals.get(_last_name(side)) for side in (left, right)]
            return None if sides == [None, None] else "".join(side or _UNKNOWN for side in sides)
        case ast.IfExp(body=body, orelse=orelse):
            # Either branch may run: only what both bind counts, so the one that binds less stands for the two.
            branches = [_text(body, literals) or "", _text(orelse, literals) or ""]
            return min(branches, key=lambda text: len(_BOUND.findall(text))) if any(branches) else None
    return None


def _reads_as_sql(text: str) -> bool:
    """Capitals are enough; in small letters prose must be told apart, such as "update campaigns from the platform"."""
    return bool(_STATEMENT.search(text) or (_STATEMENT_ANY_CASE.match(text) and _CLAUSE_ANY_CASE.search(text)))


def _touched(sql: str, among: Iterable[str]) -> list[str]:
    known = set(among)
    return [name.lower() for name in _TOUCHED.findall(sql) if name.lower() in known]


# --- the tree on disk -------------------------------------------------------------------------------------------------


def sources(root: Path = ROOT) -> dict[str, str]:
    """The modules that the rules hold for: every package but the sandbox, which has tables of its own."""
    paths = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
    return {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in paths}


def main() -> int:
    """Print every finding as path:line; the exit status."""
    found = findings(sources())
    for finding in found:
        print(f"{finding.path}:{finding.line}: {finding.rule} {finding.text}")
    if not found:
        print("tenant scope: every query names its tenant")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
