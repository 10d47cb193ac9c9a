"""The folders are what the import contract, the type checker and the wheel think they are, and the contract bites.

A package that the contract leaves out escapes it silently: that is what most of these tests are for.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Folders that are no packages of the product; console/ holds TypeScript, and its packages some Python of their own.
BESIDE = {"migrations", "tests", "bench", "scripts", "deploy", "docs", "console"}
# Left by tools or by running; never part of the tree.
LEFTOVERS = {"var", "dist", "build", "node_modules", "__pycache__"}
# Modules of resolvers/ that are no domains of their own.
RESOLVER_HELPERS = {
    "__init__": "the package's docstring",
    "loaders": "implements schema/context.py's Loaders for all domains",
    "context": "the operation's context, which every field gets at",
    "errors": "domain errors as the payloads' typed errors",
    "fields": "what a domain's FIELDS are, and the bodies that reading fields share",
}


def settings() -> dict[str, Any]:
    tools: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    return tools


def folders(root: Path = ROOT) -> set[str]:
    """The top-level folders of the tree."""
    return {path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")} - LEFTOVERS


def packages(root: Path = ROOT) -> set[str]:
    """The top-level folders that hold Python and belong to the product."""
    return {name for name in folders(root) - BESIDE if any((root / name).rglob("*.py"))}


def has_module(folder: Path, stem: str) -> bool:
    """Whether a folder holds a module, or a package, of that stem."""
    return (folder / f"{stem}.py").is_file() or (folder / stem / "__init__.py").is_file()


def missing_twins(root: Path = ROOT) -> list[str]:
    """What each resolver stem lacks: its schema, its service, a test named after it."""
    tests = [path.stem for path in (root / "tests").rglob("test_*.py")]
    missing = []
    for resolver in sorted((root / "resolvers").iterdir()):
        stem = resolver.stem
        if stem in RESOLVER_HELPERS or stem.startswith("_") or not (resolver.is_dir() or resolver.suffix == ".py"):
            continue
        missing += [f"{folder}/{stem}.py" for folder in ("schema", "services") if not has_module(root / folder, stem)]
        if not any(stem in test for test in tests):
            missing.append(f"tests/**/test_{stem}.py")
    return missing


@pytest.mark.req("DC-6")
def test_the_named_top_level_folders_and_files_exist() -> None:
    named = {"schema", "resolvers", "models", "realtime", "hotpath", "jobs", "tests"}
    assert named <= folders()
    assert (ROOT / "pyproject.toml").is_file()
    assert (ROOT / "docker-compose.yml").is_file()


def test_no_folder_shadows_the_standard_library() -> None:
    assert folders() & {"platform", "types", "logging", "http", "email", "queue", "secrets"} == set()
    assert folders() & set(sys.stdlib_module_names) == set()


def test_every_package_is_under_the_import_contract_the_type_checker_and_in_the_wheel() -> None:
    tools = settings()
    contract = tools["importlinter"]["root_packages"]
    assert packages() == set(contract)
    assert packages() == set(tools["mypy"]["packages"])
    assert packages() | {"migrations"} == set(tools["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert packages() | {"migrations"} == set(tools["ruff"]["lint"]["isort"]["known-first-party"])
    assert all((ROOT / package / "__init__.py").is_file() for package in packages())


def test_every_package_has_a_layer() -> None:
    (layers,) = [contract for contract in settings()["importlinter"]["contracts"] if contract["type"] == "layers"]
    placed = [name.strip() for layer in layers["layers"] for name in layer.replace(":", "|").split("|")]
    assert len(placed) == len(set(placed))
    # The sandbox stands beside the layers, under contracts of its own.
    assert set(placed) == packages() - {"sandbox"}


def test_a_package_that_nobody_listed_is_seen(tmp_path: Path) -> None:
    for name in ("app", "stray", "docs", "var", ".hidden"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "module.py").touch()
    assert packages(tmp_path) == {"app", "stray"}


def test_every_resolver_has_its_schema_service_and_test() -> None:
    assert missing_twins() == []


def test_a_missing_twin_is_seen(tmp_path: Path) -> None:
    for path in ("resolvers/__init__.py", "resolvers/loaders.py", "resolvers/plans.py", "resolvers/budgets/__init__.py",
                 "schema/plans.py", "services/plans/__init__.py", "services/budgets.py", "tests/unit/test_budgets_edit.py"):  # fmt: skip
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert missing_twins(tmp_path) == ["schema/budgets.py", "tests/**/test_plans.py"]


def unlisted_domains(root: Path = ROOT) -> list[str]:
    """The resolver modules whose FIELDS are not in app/graphql.py's DOMAINS, or that have none."""
    tree = ast.parse((root / "app" / "graphql.py").read_bytes())
    listed = {
        element.value.id
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign)
        and ast.unparse(node.target) == "DOMAINS"
        and isinstance(node.value, ast.Tuple)
        for element in node.value.elts
        if isinstance(element, ast.Attribute) and element.attr == "FIELDS" and isinstance(element.value, ast.Name)
    }
    modules = {path.stem for path in (root / "resolvers").iterdir() if path.suffix == ".py" or path.is_dir()}
    return sorted(stem for stem in modules - listed - set(RESOLVER_HELPERS) if not stem.startswith("_"))


def test_every_domain_is_in_the_schema() -> None:
    assert unlisted_domains() == []


def test_a_domain_that_nobody_listed_is_seen(tmp_path: Path) -> None:
    for path in ("resolvers/__init__.py", "resolvers/loaders.py", "resolvers/plans.py", "resolvers/budgets/__init__.py",
                 "resolvers/sets.py", "app/__init__.py"):  # fmt: skip
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    listed = (
        "DOMAINS: tuple[Fields, ...] = (plans.FIELDS, budgets.QUERY)\nOTHERS: tuple[Fields, ...] = (sets.FIELDS,)\n"
    )
    (tmp_path / "app" / "graphql.py").write_text(listed)
    assert unlisted_domains(tmp_path) == ["budgets", "sets"]


def test_every_module_says_what_it_owns() -> None:
    modules = [
        path
        for folder in sorted(folders() - {"migrations"})
        for path in (ROOT / folder).rglob("*.py")
        if "node_modules" not in path.parts
    ]
    assert len(modules) > 40
    silent = [str(path.relative_to(ROOT)) for path in modules if not ast.get_docstring(ast.parse(path.read_bytes()))]
    assert silent == []


# --- the import contract ----------------------------------------------------------------------------------------------


def lint_imports(folder: Path) -> tuple[int, str]:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_import_contract_holds() -> None:
    status, told = lint_imports(ROOT)
    assert status == 0, told


@pytest.fixture
def skeleton(tmp_path: Path) -> Path:
    """Empty packages of our names under our contract."""
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    for package in packages():
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    return tmp_path


def test_empty_packages_keep_the_contract(skeleton: Path) -> None:
    status, told = lint_imports(skeleton)
    assert (status, "0 broken" in told) == (0, True), told


@pytest.mark.parametrize(
    ("modules", "told"),
    [
        ({"kit/a.py": "import domain"}, "kit is not allowed to import domain"),
        ({"domain/a.py": "import models"}, "domain is not allowed to import models"),
        ({"models/a.py": "from services import b", "services/b.py": ""}, "models is not allowed to import services"),
        ({"services/a.py": "import adapters"}, "services is not allowed to import adapters"),
        ({"services/a.py": "import realtime"}, "services is not allowed to import realtime"),
        ({"resolvers/a.py": "import app"}, "resolvers is not allowed to import app"),
        ({"domain/a.py": "import tortoise"}, "domain is not allowed to import tortoise"),
        ({"kit/a.py": "import asyncio"}, "kit is not allowed to import asyncio"),
        ({"hotpath/a.py": "import models"}, "hotpath is not allowed to import models"),
        ({"sandbox/a.py": "import domain"}, "sandbox is not allowed to import domain"),
        ({"adapters/a.py": "import sandbox"}, "adapters is not allowed to import sandbox"),
        ({"services/a.py": "import services.b", "services/b.py": "import services.a"}, "no circles among siblings"),
    ],
)  # fmt: skip
def test_the_import_contract_bites(skeleton: Path, modules: dict[str, str], told: str) -> None:
    for path, source in modules.items():
        (skeleton / path).write_text(source)
    status, output = lint_imports(skeleton)
    assert status == 1, output
    assert told in output
    assert "BROKEN" in output
