"""Writes the Python of `hotpath/grpc/*.proto`: messages, their types, and the service's stubs.

Owns how the compiler is called. `--check` writes nothing and fails where what is committed is not what it would write.
"""

from __future__ import annotations

import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path("hotpath/grpc")


def generate(root: Path, out: Path) -> list[str]:
    """Compile the folder's files into `out`; the paths written, from `out`.

    Raises:
        RuntimeError: a file does not compile.
    """
    protos = sorted(str(path.relative_to(root)) for path in (root / FOLDER).glob("*.proto"))
    compiler = ["protoc", f"-I{root}", f"-I{files('grpc_tools') / '_proto'}"]
    for outputs, inputs in (
        ([f"--python_out={out}", f"--pyi_out={out}"], protos),
        ([f"--grpc_python_out={out}"], [str(FOLDER / "bidder.proto")]),
    ):
        if protoc.main([*compiler, *outputs, *inputs]):
            raise RuntimeError("a .proto file does not compile")
    return sorted(str(path.relative_to(out)) for path in (out / FOLDER).iterdir() if path.is_file())


def outdated() -> list[str]:
    """The committed files that the compiler would write differently."""
    with tempfile.TemporaryDirectory() as made:
        fresh = Path(made)
        (fresh / FOLDER).mkdir(parents=True)
        return [
            name
            for name in generate(ROOT, fresh)
            if not (ROOT / name).is_file() or (ROOT / name).read_bytes() != (fresh / name).read_bytes()
        ]


if __name__ == "__main__":
    if "--check" in sys.argv:
        old = outdated()
        print("\n".join([f"{name} is not what `make protos` writes" for name in old]))
        sys.exit(bool(old))
    generate(ROOT, ROOT)
