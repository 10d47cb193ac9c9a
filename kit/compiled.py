"""Modules that were compiled to machine code (`scripts/compile_hotpath.py`), taken in place of their sources.

Sources and compiled modules are the same code, so either may run; which one does is said, and never a mixture of two
states of the sources: a build counts for exactly the files that it was made from. Must not compile.
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
#: Where builds lie, each in a folder named after what it was made from.
BUILDS: Final = ROOT / ".compiled"
#: A build's list of its modules, written last: without it there is no build.
MANIFEST: Final = "modules.json"
#: Whatever a compiled module can see of this project.
_PACKAGES: Final = ("domain", "hotpath", "kit")
#: What `use_compiled` said in this process.
interpreted_because = "nobody asked for what is compiled"


def digest(root: Path = ROOT) -> str:
    """What a build must have been made from: the interpreter, and every source in the packages that it may use."""
    found = hashlib.sha256(sys.version.encode())
    for path in sorted(path for package in _PACKAGES for path in (root / package).rglob("*.py")):
        found.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:32]


class CompiledModules(MetaPathFinder):
    """Finds the modules of one build."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError, ValueError: there is no whole build in the folder."""
        named: dict[str, str] = json.loads((folder / MANIFEST).read_bytes())
        self._files = {name: folder / file for name, file in named.items()}
        missing = [name for name, file in self._files.items() if not file.is_file()]
        if missing:
            raise FileNotFoundError(f"{folder} lacks {', '.join(missing)}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - the finder's signature
        target: ModuleType | None = None,  # noqa: ARG002 - as above
    ) -> ModuleSpec | None:
        """Where a module of the build is."""
        file = self._files.get(fullname)
        if file is None:
            return None
        return spec_from_file_location(fullname, file, loader=ExtensionFileLoader(fullname, str(file)))


def use_compiled(builds: Path = BUILDS, root: Path = ROOT) -> str:
    """Have the build of the present sources imported from now on; empty, or why they run interpreted.

    Call it before any of its modules is imported.
    """
    if not builds.is_dir():
        return "nothing is compiled"
    folder = builds / digest(root)
    if not folder.is_dir():
        return "what is compiled was made from other sources or for another interpreter"
    try:
        finder = CompiledModules(folder)
    except (OSError, ValueError) as error:
        return f"what is compiled is not whole ({error})"
    early = [name for name in finder if name in sys.modules]
    if early:
        return f"{early[0]} was imported before"
    sys.meta_path.insert(0, finder)
    return ""


def compiled_modules() -> int:
    """How many modules of this process run compiled."""
    return sum(name.startswith(_PACKAGES) and _is_ours(module) for name, module in list(sys.modules.items()))


def _is_ours(module: ModuleType) -> bool:
    spec = getattr(module, "__spec__", None)
    return spec is not None and isinstance(spec.loader, ExtensionFileLoader)
