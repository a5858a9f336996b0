"""What is shipped, and what the smallest install can do with it."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from fmnist_edge import __version__
from tests.commands import CommandLine

ROOT = Path(__file__).parents[2]
NAME = f"fmnist_edge-{__version__}"


def _run(*command: object, cwd: Path = ROOT) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, cwd=cwd, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist; the wheel is built from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder)
    return folder


@pytest.fixture(scope="session")
def wheel(distributions: Path) -> Path:
    return distributions / f"{NAME}-py3-none-any.whl"


@pytest.fixture(scope="session")
def base_install(
    wheel: Path, cli: CommandLine, tmp_path_factory: pytest.TempPathFactory
) -> CommandLine:
    """The command line in an environment with nothing but the base install."""
    folder = tmp_path_factory.mktemp("base")
    _run(sys.executable, "-m", "venv", folder)
    pip = (folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check")
    _run(*pip, "install", "--constraint", ROOT / "constraints" / "demo.txt", wheel)
    return CommandLine(cli.home, cli.data, entry_point=folder / "bin" / "fmnist-edge")


def _modules() -> set[str]:
    """Every module of both packages, by the path it has in the wheel."""
    packages = [ROOT / "fmnist_edge", ROOT / "cli" / "fmnist_edge_cli"]
    return {
        path.relative_to(package.parent).as_posix()
        for package in packages
        for path in package.rglob("*.py")
    }


def test_the_wheel_holds_both_packages_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.partition("/")[0] for name in names} == {
        "fmnist_edge",
        "fmnist_edge_cli",
        f"{NAME}.dist-info",
    }
    code = {name for name in names if not name.startswith(f"{NAME}.dist-info/")}
    assert code == _modules() | {"fmnist_edge/py.typed"}


def test_the_wheel_installs_the_command(wheel: Path) -> None:
    text = zipfile.ZipFile(wheel).read(f"{NAME}.dist-info/entry_points.txt").decode()
    assert text.split() == [
        "[console_scripts]",
        "fmnist-edge",
        "=",
        "fmnist_edge_cli.main:main",
    ]


def test_the_sdist_holds_the_sources_and_no_artifacts(distributions: Path) -> None:
    with tarfile.open(distributions / f"{NAME}.tar.gz") as archive:
        names = {name.removeprefix(f"{NAME}/") for name in archive.getnames()}
    assert {name.partition("/")[0] for name in names} == {
        ".gitignore",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "Makefile",
        "PKG-INFO",
        "README.md",
        "benchmarks",
        "cli",
        "constraints",
        "docs",
        "fmnist_edge",
        "pyproject.toml",
        "tests",
    }
    assert not [name for name in names if name.startswith("benchmarks/results")]


def test_every_module_imports_with_the_base_install_alone(base_install: CommandLine) -> None:
    names = sorted(
        path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in _modules()
    )
    python = base_install.entry_point.with_name("python")
    script = f"import importlib\nfor name in {names}: importlib.import_module(name)\nprint('all')"
    done = base_install.execute((python, "-W", "error", "-c", script))
    assert (done.stdout, done.stderr) == ("all\n", "")


def test_the_base_install_has_no_runtime_and_no_tensorflow(base_install: CommandLine) -> None:
    python = base_install.entry_point.with_name("python")
    listed = base_install.execute((python, "-m", "pip", "list", "--format=freeze")).stdout.lower()
    for heavy in ("tensorflow", "keras", "onnx", "onnxruntime", "ai-edge-litert", "openvino"):
        assert f"{heavy}==" not in listed


def test_the_base_install_shows_its_help_and_version(base_install: CommandLine) -> None:
    assert "Commands:" in base_install("--help").stdout
    assert base_install("--version").stdout == f"fmnist-edge {__version__}\n"


def test_the_base_install_measures_what_it_can_and_names_the_extras_for_the_rest(
    base_install: CommandLine, exported: Path, tmp_path: Path
) -> None:
    done = base_install("bench", exported, "--protocol", "smoke", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [line.split()[:2] for line in done.stdout.splitlines() if ".npz" in line]
    assert rows == [["default-float32.npz", "numpy"]]
    assert "null" in done.stdout
    assert "pip install 'fmnist-edge[litert]'" in done.stderr
    assert "pip install 'fmnist-edge[onnx]'" in done.stderr
    assert done.stderr.count("is not installed") == 4


def test_training_without_tensorflow_names_the_extra(
    base_install: CommandLine, tmp_path: Path
) -> None:
    done = base_install("train", cwd=tmp_path)
    assert done.returncode == 30
    assert done.speaks_plainly
    assert "pip install 'fmnist-edge[train]'" in done.stderr
    assert not list(tmp_path.iterdir())
