"""Compile the bid process's hot modules with mypyc: `make compile`. The same sources run without it, only slower.

The result goes to .compiled/ (never committed), in a folder named after what it was made from (`kit/compiled.py`); a
build of the present sources is kept. `--if-possible`: say what is missing, and succeed, where they cannot be compiled.
`--check`: compile nothing, and fail where the bid process would run interpreted.
"""

import ast
import importlib
import importlib.util
import json
import os
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from kit.compiled import BUILDS, MANIFEST, digest, use_compiled  # noqa: E402 - not installed where only the runtime is

#: What a request runs through. A module with a class that derives from a builtin one cannot be compiled, and one that
#: is called once a minute need not be.
MODULES = (
    "kit.expiries",
    "domain.bid_caps",
    "domain.bid_features",
    "domain.bid_pacing",
    "domain.bid_pricing",
    "domain.open_bids",
    "hotpath.auction.bidder",
    "hotpath.auction.consents",
    "hotpath.auction.facts",
    "hotpath.auction.markup",
    "hotpath.auction.notices",
    "hotpath.auction.privacy",
    "hotpath.auction.records",
    "hotpath.auction.settlement",
    "hotpath.auction.shown",
    "hotpath.auction.vast",
    "hotpath.engine.batched",
    "hotpath.engine.budgets",
    "hotpath.engine.candidates",
    "hotpath.engine.decisions",
    "hotpath.engine.eligibility",
    "hotpath.engine.engine",
    "hotpath.engine.entries",
    "hotpath.engine.request_facts",
    "hotpath.engine.spans",
    "hotpath.engine.targeting",
    "hotpath.events.sink",
    "hotpath.events.spool",
    "hotpath.inference.batcher",
    "hotpath.inference.gathering",
    "hotpath.inference.litert_provider",
    "hotpath.inference.requests",
    "hotpath.metrics.histogram",
    "hotpath.metrics.meters",
    "hotpath.metrics.timed",
    "hotpath.openrtb.codec",
    "hotpath.openrtb.rules",
    "hotpath.profiles.cache",
    "hotpath.profiles.profiles",
    "hotpath.server.heads",
    "hotpath.server.intake",
    "hotpath.server.messages",
    "hotpath.server.protocol",
    "hotpath.server.routes",
    "hotpath.server.shedding",
)
#: Where all their code is; each module's own file is a few lines that point into it.
GROUP = "campaign_express_hot"


def source(module: str) -> str:
    """A module's file, from the root."""
    return f"{module.replace('.', '/')}.py"


def missing() -> str:
    """What compiling needs and is not here; empty where all is."""
    if importlib.util.find_spec("mypyc") is None:
        return "mypyc is not installed (`make compile` installs it)"
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        return f"there is no C compiler ({compiler})"
    header = Path(sysconfig.get_path("include")) / "Python.h"
    return "" if header.is_file() else f"there is no {header}"


def unfit() -> list[str]:
    """Classes whose definition has keywords: compiled, they would lose them, and with them what a Struct is."""
    return [
        f"{module}.{node.name}"
        for module in MODULES
        for node in ast.walk(ast.parse((ROOT / source(module)).read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and node.keywords
    ]


def compile_into(folder: Path) -> None:
    """Write every module, compiled, and their list."""
    from mypyc.build import mypycify  # noqa: PLC0415 - a dev environment's

    setup = importlib.import_module("setuptools").setup

    os.chdir(ROOT)
    os.environ["MYPYPATH"] = str(ROOT)
    with tempfile.TemporaryDirectory() as scratch:
        extensions = mypycify(
            ["--config-file=pyproject.toml", *map(source, MODULES)],
            opt_level="3",
            group_name=GROUP,
            target_dir=scratch,
        )
        for extension in extensions if sys.platform == "linux" else ():
            # Calls within the library go straight to their function: nobody is to put another in its place. Other
            # systems' linkers do not know the word.
            extension.extra_compile_args.append("-fno-semantic-interposition")
            extension.extra_link_args.append("-Wl,-Bsymbolic")
        setup(
            name=GROUP,
            packages=[],
            ext_modules=extensions,
            script_args=["-q", "build_ext", "--build-lib", str(folder), "--build-temp", scratch],
        )
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    shared = f"{GROUP}__mypyc"
    files = {module: f"{module.replace('.', '/')}{suffix}" for module in MODULES} | {shared: f"{shared}{suffix}"}
    (folder / MANIFEST).write_text(json.dumps(files, indent=1))


def main() -> int:
    """Compile, unless it is done or cannot be."""
    if "--check" in sys.argv:
        interpreted_because = use_compiled()
        print(interpreted_because or "the bid process's hot modules are compiled", file=sys.stderr)
        return 1 if interpreted_because else 0
    folder = BUILDS / digest()
    if (folder / MANIFEST).is_file():
        return 0
    if losing := unfit():
        print(f"these cannot be compiled, as their keywords would be lost: {', '.join(losing)}", file=sys.stderr)
        return 1
    lacking = missing()
    if lacking:
        print(f"the bid process is not compiled, and runs interpreted: {lacking}", file=sys.stderr)
        return 0 if "--if-possible" in sys.argv else 1
    print("compiling the bid process's hot modules; this takes about a minute, once", file=sys.stderr)
    BUILDS.mkdir(exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=BUILDS))
    try:
        compile_into(unfinished)
        # Temporary folders are their owner's alone; whoever compiled need not be who runs it.
        unfinished.chmod(BUILDS.stat().st_mode)
        before = [old for old in BUILDS.iterdir() if old != unfinished]
        unfinished.rename(folder)
        for old in before:
            shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
