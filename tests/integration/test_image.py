"""The image, without Docker: what deploy/Dockerfile copies and compiles is replayed in folders, and a bid process started.

Packages are not installed anew: the replay's Python is the one that runs this.
"""

import importlib.util
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kit.compiled import BUILDS, MANIFEST, digest
from tests.integration.bid_process import bid_process

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
#: Given the product's folder of the build stage, puts a build there, so that no test waits for one a minute.
Builder = Callable[[Path], None]
#: One stage: each instruction with what follows it.
Stage = list[tuple[str, str]]


def stages(text: str) -> list[Stage]:
    found: list[Stage] = []
    for line in text.replace("\\\n", " ").splitlines():
        if not line or line.startswith("#"):
            continue
        kind, _, rest = line.partition(" ")
        if kind == "FROM":
            found.append([])
        else:
            found[-1].append((kind, rest.strip()))
    return found


def is_ignored(name: str) -> bool:
    """Whether .dockerignore keeps a path out of the build."""
    for pattern in (ROOT / ".dockerignore").read_text("utf-8").split():
        if pattern.startswith("**/"):
            if pattern.removeprefix("**/") in name.split("/"):
                return True
        elif f"{name}/".startswith(f"{pattern}/"):
            return True
    return False


def context(folder: Path) -> Path:
    """What a builder is sent."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, listed):
        if (ROOT / name).is_file() and not is_ignored(name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def copied(source: Path, target: Path) -> None:
    """What COPY does: of a folder, what is in it."""
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def replay(text: str, folder: Path, build: Builder) -> Path:
    """Both stages of a Dockerfile; the folder that is /app in the image.

    Raises:
        CalledProcessError: a step of it failed that has to do with compiling.
    """
    sent, first, last = context(folder / "context"), folder / "build", folder / "image"
    for root, stage in zip((first, last), stages(text), strict=True):
        inside = root
        for kind, rest in stage:
            if kind == "WORKDIR":
                inside = root / rest.lstrip("/")
                inside.mkdir(parents=True, exist_ok=True)
            elif kind == "COPY":
                *sources, target = [word for word in rest.split() if not word.startswith("--")]
                origin = first if "--from=build" in rest else sent
                for source in sources:
                    # Environments are this test's own.
                    if source != "/venv":
                        place = root / target[1:] if target.startswith("/") else inside / target
                        copied(origin / source.lstrip("/"), place)
            elif kind == "RUN" and "compile_hotpath.py" in rest:
                if "--check" not in rest:
                    build(inside)
                command = re.sub(r"(?<!\S)(?:/venv/bin/)?python(?=\s)", sys.executable, rest)
                command = command.replace("=/compiling", f"={folder}/compiling")
                subprocess.run(["sh", "-c", command], cwd=inside, capture_output=True, check=True)
    return last / "app"


def stand_in(product: Path) -> None:
    """A whole build of these sources, though of no module."""
    made = product / BUILDS.name / digest(product)
    made.mkdir(parents=True)
    (made / MANIFEST).write_text("{}")


def real(product: Path) -> None:
    """This checkout's build, which is the same if the sources are."""
    subprocess.run((sys.executable, "scripts/compile_hotpath.py"), cwd=ROOT, check=True)
    made = BUILDS / digest()
    # Whoever may look at the folder of builds may look into this one: the image's user did not compile it.
    assert made.stat().st_mode == BUILDS.stat().st_mode
    shutil.copytree(made, product / BUILDS.name / made.name)


COMPILING = next(
    line for line in DOCKERFILE.splitlines() if line.endswith("/venv/bin/python scripts/compile_hotpath.py")
)


def test_the_image_holds_the_build_of_its_own_sources(tmp_path: Path) -> None:
    app = replay(DOCKERFILE, tmp_path, stand_in)
    assert [made.name for made in (app / BUILDS.name).iterdir()] == [digest(app)]
    assert digest(app) == digest()
    assert not (app / "tests").exists()
    assert not is_ignored("kit/compiled.py")
    # A build that lies in the builder's checkout is for another machine.
    assert is_ignored(f"{BUILDS.name}/0123/{MANIFEST}")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (COMPILING, ""),
        ("COPY hotpath hotpath\n", ""),
        (f"{COMPILING}\nCOPY . .\n", f"{COMPILING}\nCOPY . .\nRUN python scripts/compile_hotpath.py --check; echo >> kit/compiled.py\n"),
        ("COPY --from=build /app /app", "COPY . /app"),
        ("COPY --from=build /app /app", "COPY --from=build /app /app\nCOPY kit /app/domain/kit"),
    ],
    ids=["not compiled", "compiled without all sources", "changed behind the build", "without the build", "other sources"],
)  # fmt: skip
def test_an_image_that_would_bid_interpreted_is_not_built(tmp_path: Path, old: str, new: str) -> None:
    assert DOCKERFILE.count(old) == 1
    with pytest.raises(subprocess.CalledProcessError) as failed:
        replay(DOCKERFILE.replace(old, new), tmp_path, stand_in)
    assert b"--check" in " ".join(failed.value.cmd).encode()


def test_the_image_is_checked_as_its_user_and_last() -> None:
    _, image = stages(DOCKERFILE)
    kinds = [kind for kind, _ in image]
    (checked,) = [at for at, (_, rest) in enumerate(image) if "compile_hotpath.py --check" in rest]
    assert "USER" in kinds[:checked]
    assert not {"COPY", "ADD", "USER"} & set(kinds[checked:])
    assert "WORKDIR" in kinds[:checked]


def test_compiling_must_succeed_from_pinned_packages_that_the_image_does_not_hold() -> None:
    build, image = stages(DOCKERFILE)
    runs = [rest for kind, rest in build if kind == "RUN"]
    (compiling,) = [run for run in runs if "compile_hotpath.py" in run]
    assert "--if-possible" not in compiling
    installs = [run for run in runs if "pip install" in run]
    assert all("--require-hashes" in run or "--no-deps" in run for run in installs)
    (tools,) = [run for run in installs if "requirements-build.lock" in run]
    assert "--require-hashes" in tools
    assert runs.index(tools) < runs.index(compiling)
    beside = re.search(r"--target (\S+)", tools)
    assert beside is not None
    assert f"PYTHONPATH={beside[1]} " in compiling
    # Nor what the type checker remembers.
    assert f"MYPY_CACHE_DIR={beside[1]}/" in compiling
    from_build = [rest.split()[1] for kind, rest in image if kind == "COPY"]
    assert from_build == ["/venv", "/app"]
    assert not [run for run in runs if "apt-get" in run and not {"gcc", "libc6-dev"} <= set(run.split())]


def is_mapped(pid: int, folder: Path) -> bool:
    """Whether a process has a library of a folder open; that it is so is taken for granted where there is no /proc."""
    maps = Path(f"/proc/{pid}/maps")
    return not maps.is_file() or f"{folder}/" in maps.read_text()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(
    importlib.util.find_spec("mypyc") is None or shutil.which("cc") is None, reason="nothing compiles here"
)
async def test_the_images_bid_process_runs_compiled_and_writes_nothing_beside_its_volume(tmp_path: Path) -> None:
    app = replay(DOCKERFILE, tmp_path, real)
    before = sorted(app.rglob("*"))
    for path in (app, *before):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        async with bid_process(tmp_path / "var", "--demo", folder=app, PYTHONDONTWRITEBYTECODE="1") as server:
            assert await server.metric("bid_compiled_modules") > 25
            assert (await server.ask("r1"))["price"] > 0
            assert is_mapped(server.process.pid, app / BUILDS.name)
            assert await server.end(signal.SIGTERM) == 0
        assert sorted(app.rglob("*")) == before
    finally:
        for path in (app, *app.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
