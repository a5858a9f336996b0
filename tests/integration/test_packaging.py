"""What is shipped: the two archives, and an install with nothing but what every machine needs."""

import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fmnist_edge import __version__
from fmnist_edge.artifact import find_manifests, read_manifest
from fmnist_edge.result import read_run
from fmnist_edge.runtimes import RUNTIMES
from fmnist_edge.session import Occasion
from fmnist_edge.training.preset_names import PRESET_NAMES
from tests.commands import PATIENCE, CommandLine

ROOT = Path(__file__).parents[2]
IMPORT_ALL = """
import importlib, pkgutil, fmnist_edge, fmnist_edge_cli
for package in (fmnist_edge, fmnist_edge_cli):
    print(package.__name__)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
        print(module.name)
"""


def _run(command: Sequence[object]) -> None:
    """Run a tool of Python's in the environment of these tests: it may need its own settings."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and with the wheel that was built from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    _run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT])
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def base(cli: CommandLine, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """The command in an environment of its own: the wheel, and no extra."""
    folder = tmp_path_factory.mktemp("base")
    _run([sys.executable, "-m", "venv", "--without-pip", folder])
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python"]
    constraints = ROOT / "constraints" / "demo.txt"
    _run([*pip, "install", "--disable-pip-version-check", "-c", constraints, wheel])
    return replace(cli, entry_point=folder / "bin" / "fmnist-edge")


def _modules(top: Path, suffixes: Collection[str] = (".py",)) -> set[str]:
    """The Python files below a folder, named from the folder that holds it."""
    found = (path for path in top.rglob("*") if path.suffix in suffixes)
    return {path.relative_to(top.parent).as_posix() for path in found}


@pytest.fixture(scope="module")
def modules(dist: Path) -> set[str]:
    """Every module of the two packages, as they were when the archives were built."""
    assert dist.is_dir()
    return _modules(ROOT / "fmnist_edge") | _modules(ROOT / "cli" / "fmnist_edge_cli")


# The archives


def test_the_wheel_holds_the_two_packages_and_nothing_else(wheel: Path, modules: set[str]) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    about = f"fmnist_edge-{__version__}.dist-info"
    assert {name.partition("/")[0] for name in names} == {"fmnist_edge", "fmnist_edge_cli", about}
    shipped = {name for name in names if not name.startswith(about)}
    native = _modules(ROOT / "fmnist_edge", (".c", ".h"))
    assert len(native) == 4
    presets = _modules(ROOT / "fmnist_edge", (".toml", ".json"))
    assert len(presets) == len(PRESET_NAMES) + 1
    assert shipped == {*modules, *native, *presets, "fmnist_edge/py.typed"}


def test_the_wheel_tells_its_version_its_command_and_its_licence(wheel: Path) -> None:
    about = f"fmnist_edge-{__version__}.dist-info"
    assert wheel.name == f"fmnist_edge-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"{about}/METADATA").decode()
        commands = archive.read(f"{about}/entry_points.txt").decode()
        assert archive.read(f"{about}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert f"\nVersion: {__version__}\n" in metadata
    assert commands.split() == [
        *("[console_scripts]", "fmnist-edge", "=", "fmnist_edge_cli.main:main")
    ]


def test_the_sdist_holds_sources_and_tests_and_nothing_that_was_made(
    dist: Path, modules: set[str]
) -> None:
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {member.name for member in archive.getmembers() if member.isfile()}
    inside = {name.partition("/")[2] for name in names}
    assert {name.partition("/")[0] for name in names} == {f"fmnist_edge-{__version__}"}
    sources = {name if name.startswith("fmnist_edge/") else f"cli/{name}" for name in modules}
    assert sources | {"pyproject.toml", "README.md", "LICENSE", "Makefile"} <= inside
    assert {f"tests/{name}" for name in ("conftest.py", "commands.py")} <= inside
    tops = {name.partition("/")[0] for name in inside}
    assert tops.isdisjoint({"artifacts", ".ci", ".venv", ".git", "dist", "build"})
    assert not {name for name in inside if name.startswith("benchmarks/results")}
    assert not {name for name in inside if "__pycache__" in name}


# A device with the base install


def test_every_module_imports_without_any_extra(base: CommandLine, modules: set[str]) -> None:
    python = base.entry_point.with_name("python")
    done = base.execute([python, "-W", "error", "-c", IMPORT_ALL])
    assert done.returncode == 0, done.stderr
    wanted = {name.removesuffix(".py").removesuffix("/__init__") for name in modules}
    assert set(done.stdout.split()) == {name.replace("/", ".") for name in wanted}


def test_the_help_needs_no_extra(base: CommandLine, cli: CommandLine) -> None:
    done = base("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == cli("--help").stdout


def test_a_device_without_runtimes_measures_what_it_can_and_tells_what_to_install(
    base: CommandLine, exported: Path, tmp_path: Path
) -> None:
    done = base("bench", exported, "--protocol", "smoke", "--json", tmp_path / "result.json")
    assert done.returncode == 0, done.stderr
    run = read_run(tmp_path / "result.json")
    assert [row.case.runtime for row in run.rows] == ["numpy", "null", "numpy"]
    assert all(row.failure is None for row in run.rows)
    asked_for = {name for name in RUNTIMES if RUNTIMES[name].OCCASION is Occasion.NAMED}
    for name in RUNTIMES.keys() - {"numpy", "null"} - asked_for:
        skipped = [each for each in run.skipped if each.what.endswith(f" on {name}")]
        opened = [read_manifest(path) for path in find_manifests(exported)]
        files = [each for each in opened if each and each.format in RUNTIMES[name].FORMATS]
        assert len(skipped) == len(files) > 0
        for each in skipped:
            assert each.reason == f"{name} is not installed"
            assert f"'fmnist-edge[{RUNTIMES[name].EXTRA}]'" in each.hint
            assert f"Not measured: {each.what}: {each.reason}. {each.hint}" in done.stderr


@pytest.mark.parametrize("command", ["train", "export"])
def test_a_device_without_tensorflow_is_told_how_to_get_it(
    base: CommandLine, exported: Path, tmp_path: Path, command: str
) -> None:
    model = [exported / "default.keras"] if command == "export" else []
    done = base(command, *model, "--out", tmp_path / "new.keras", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.speaks_plainly) == (30, "", True)
    assert "'tensorflow' is not installed" in done.stderr
    assert "pip install 'fmnist-edge[train]'" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_installed_version_is_the_packages(base: CommandLine) -> None:
    assert base("--version").stdout == f"fmnist-edge {__version__}\n"
