"""What is shipped: the two archives, and an install with nothing but what every machine needs."""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Collection, Mapping, Sequence
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from packaging.requirements import Requirement

from fmnist_edge import __version__, optional
from fmnist_edge.artifact import find_artifacts, read_manifest
from fmnist_edge.environments.own_wheel import write_own_wheel
from fmnist_edge.probe.models import FILES
from fmnist_edge.records import replace
from fmnist_edge.result import read_run
from fmnist_edge.runtimes import RUNTIMES
from fmnist_edge.session import DefaultUse
from fmnist_edge.training.preset_names import PRESET_NAMES
from tests.commands import PATIENCE, CommandLine

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
IMPORT_ALL = """
import importlib, pkgutil, fmnist_edge, fmnist_edge_cli
for package in (fmnist_edge, fmnist_edge_cli):
    print(package.__name__)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
        print(module.name)
"""


def _run(command: Sequence[object], environment: Mapping[str, str]) -> None:
    """Run a tool of Python's in the user's environment: it may need its own settings."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        env=environment,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def base(
    cli: CommandLine,
    wheel: Path,
    users_environment: Mapping[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> CommandLine:
    """The command in an environment of its own: the wheel, and no extra."""
    folder = tmp_path_factory.mktemp("base")
    _run([sys.executable, "-m", "venv", "--without-pip", folder], users_environment)
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python"]
    constraints = ROOT / "constraints" / "device.txt"
    wanted = ["install", "--disable-pip-version-check", "-c", constraints, wheel]
    _run([*pip, *wanted], users_environment)
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
    probes = {f"fmnist_edge/probe/{name}" for name in (*FILES.values(), "dense.bin")}
    assert shipped == {*modules, *native, *presets, *probes, "fmnist_edge/py.typed"}


def test_the_wheel_that_the_package_makes_of_itself_holds_the_same(
    wheel: Path, tmp_path: Path
) -> None:
    """Tools that build wheels differ in their own name, and in the list that has its hash."""
    names, contents = {}, {}
    for path in (wheel, write_own_wheel(tmp_path)):
        with zipfile.ZipFile(path) as archive:
            names[path] = set(archive.namelist())
            contents[path] = {
                name: archive.read(name)
                for name in names[path]
                if not name.endswith(("/WHEEL", "/RECORD", "/METADATA"))
            }
    assert names[wheel] == names[tmp_path / wheel.name]
    assert contents[wheel] == contents[tmp_path / wheel.name]


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    """What a package index learns from the wheel; its payload is the description."""
    with zipfile.ZipFile(wheel) as archive:
        about = f"fmnist_edge-{__version__}.dist-info"
        return message_from_string(archive.read(f"{about}/METADATA").decode())


def test_the_wheel_tells_its_version_its_command_and_its_licence(
    wheel: Path, metadata: Message
) -> None:
    about = f"fmnist_edge-{__version__}.dist-info"
    assert wheel.name == f"fmnist_edge-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        commands = archive.read(f"{about}/entry_points.txt").decode()
        assert archive.read(f"{about}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert metadata["Version"] == __version__
    assert commands.split() == [
        *("[console_scripts]", "fmnist-edge", "=", "fmnist_edge_cli.main:main")
    ]


def _links(markdown: str) -> list[str]:
    """Where the links and images of a page lead to."""
    inline = [
        token
        for block in MarkdownIt().enable("table").parse(markdown)
        for token in block.children or ()
    ]
    found = [token.attrs.get("href") or token.attrs.get("src") for token in inline]
    return [str(target) for target in found if target]


def test_the_description_is_the_readme_with_links_that_work_without_the_repository(
    metadata: Message,
) -> None:
    assert metadata["Description-Content-Type"] == "text/markdown"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    description = metadata.get_payload()
    assert isinstance(description, str)
    source = PROJECT["urls"]["Source"]
    assert [
        link if link.startswith("https://") else f"{source}/blob/main/{link}"
        for link in _links(readme)
        if not link.startswith("#")
    ] == [link for link in _links(description) if not link.startswith("#")]
    assert re.sub(r"\]\([^)]*\)", "", description).split() == (
        re.sub(r"\]\([^)]*\)", "", readme).split()
    )


def test_every_mention_of_the_source_is_the_address_in_the_project_file(metadata: Message) -> None:
    source = PROJECT["urls"]["Source"]
    assert all(url.startswith(source) for url in PROJECT["urls"].values())
    told = dict(each.split(", ") for each in metadata.get_all("Project-URL", []))
    assert told == PROJECT["urls"]
    pages = [*ROOT.glob("*.*"), *ROOT.glob(".github/**/*.yml"), *ROOT.glob("docs/*")]
    for page in (path for path in pages if path.is_file()):
        mentions = re.findall(r"https://[^\s\"')]*/fmnist-edge\b", page.read_text(encoding="utf-8"))
        assert all(each == source for each in mentions), page


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


def test_a_package_index_takes_both_archives_without_a_warning(
    dist: Path, wheel: Path, users_environment: Mapping[str, str]
) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    _run([sys.executable, "-m", "twine", "check", "--strict", wheel, sdist], users_environment)


# A device with the base install


def test_every_module_imports_without_any_extra(base: CommandLine, modules: set[str]) -> None:
    python = base.entry_point.with_name("python")
    done = base.execute([python, "-W", "error", "-c", IMPORT_ALL])
    assert done.returncode == 0, done.stderr
    wanted = {name.removesuffix(".py").removesuffix("/__init__") for name in modules}
    assert set(done.stdout.split()) == {name.replace("/", ".") for name in wanted}


def test_a_base_install_brings_no_pydantic(base: CommandLine) -> None:
    python = base.entry_point.with_name("python")
    done = base.execute([python, "-c", "import pydantic"])
    assert "No module named 'pydantic'" in done.stderr


def test_the_package_is_the_command(base: CommandLine) -> None:
    python = base.entry_point.with_name("python")
    done = base.execute([python, "-m", "fmnist_edge", "--version"])
    assert (done.returncode, done.stdout) == (0, f"fmnist-edge {__version__}\n")
    done = base.execute([python, "-m", "fmnist_edge", "report", "missing.json"])
    assert (done.returncode, done.stdout) == (base("report", "missing.json").returncode, "")


def test_the_help_needs_no_extra(base: CommandLine, cli: CommandLine) -> None:
    done = base("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == cli("--help").stdout


def test_a_device_without_runtimes_is_told_what_it_can_measure(base: CommandLine) -> None:
    done = base("doctor", "-q")
    assert done.returncode == 0, done.stderr
    assert "only .npz models can be measured" in done.stdout
    assert "usable: numpy on cpu" in done.stdout
    assert "-m pip install 'ai-edge-litert" in done.stdout


def test_a_device_without_runtimes_measures_what_it_can_and_tells_what_to_install(
    base: CommandLine, exported: Path, tmp_path: Path
) -> None:
    done = base("bench", exported, "--protocol", "smoke", "--json", tmp_path / "result.json")
    assert done.returncode == 0, done.stderr
    run = read_run(tmp_path / "result.json")
    assert [row.case.runtime for row in run.rows] == ["numpy", "null", "numpy"]
    assert all(row.failure is None for row in run.rows)
    asked_for = {name for name in RUNTIMES if RUNTIMES[name].DEFAULT_USE is DefaultUse.ON_REQUEST}
    for name in RUNTIMES.keys() - {"numpy", "null"} - asked_for:
        skipped = [each for each in run.skipped if each.runtime == name]
        opened = [read_manifest(path) for path in find_artifacts(exported)]
        files = [each for each in opened if each and each.format in RUNTIMES[name].FORMATS]
        assert len(skipped) == len(files) > 0
        for each in skipped:
            assert (each.code, each.values) == ("not-installed", {"extra": RUNTIMES[name].EXTRA})
            assert name in done.stdout.partition("Left out (not installed: ")[2].partition(")")[0]


@pytest.mark.parametrize("command", ["train", "export"])
def test_a_device_without_tensorflow_is_told_how_to_get_it(
    base: CommandLine, exported: Path, tmp_path: Path, command: str
) -> None:
    model = [exported / "default.keras"] if command == "export" else []
    done = base(command, *model, "--out", tmp_path / "new.keras", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.speaks_plainly) == (30, "", True)
    assert "'tensorflow' is not installed" in done.stderr
    assert "-m pip install" in done.stderr
    assert "'tensorflow>=" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("python", "wanted"),
    [
        ("3.11", {"tensorflow", "tf2onnx", "onnx"}),
        ("3.13", {"tensorflow", "tf2onnx", "onnx"}),
        ("3.14", {"onnx"}),
    ],
)
def test_tensorflow_is_asked_for_where_it_has_a_release(python: str, wanted: set[str]) -> None:
    parts = [Requirement(each) for each in PROJECT["optional-dependencies"]["train"]]
    asked = {
        each.name
        for each in parts
        if each.marker is None or each.marker.evaluate({"python_version": python})
    }
    assert asked == wanted
    for name in ("tensorflow", "tf2onnx"):
        below = ".".join(map(str, optional._PYTHON_BELOW[name]))
        [marker] = [str(each.marker) for each in parts if each.name == name]
        assert marker == f'python_version < "{below}"'


def _pins(name: str) -> dict[str, list[str]]:
    """The pinned versions of a constraints file, by package."""
    lines = (ROOT / "constraints" / name).read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line[0] not in "#-"]
    return {
        each.name: [str(other.specifier) for other in pins if other.name == each.name]
        for each in pins
    }


def test_each_package_is_pinned_in_one_constraints_file() -> None:
    device, demo, test = (_pins(f"{name}.txt") for name in ("device", "demo", "test"))
    assert not device.keys() & demo.keys()
    assert not (device.keys() | demo.keys()) & test.keys()
    pinned = {**device, **demo, **test}
    own = {"fmnist-edge"}
    base = {Requirement(each).name for each in PROJECT["dependencies"]}
    extras = {
        Requirement(each).name
        for extra in PROJECT["optional-dependencies"].values()
        for each in extra
    }
    assert base <= device.keys()
    assert extras - own <= pinned.keys()


def test_ruff_is_of_one_version_before_a_commit_and_in_the_tests() -> None:
    [pin] = _pins("test.txt")["ruff"]
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"ruff(==[\d.]+)", hooks)) == {pin}


def test_the_public_ci_runs_on_every_python_that_the_package_names() -> None:
    workflow = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    [row] = re.findall(r"python: \[(.*)\]", workflow)
    named = [each.rpartition(" ")[2] for each in PROJECT["classifiers"] if "Python :: 3." in each]
    assert re.findall(r'"([\d.]+)"', row) == named
    assert "run: .ci/run\n" in workflow
    assert "machine: [ubuntu-latest, ubuntu-24.04-arm]\n" in workflow


def test_the_installed_version_is_the_packages(base: CommandLine) -> None:
    assert base("--version").stdout == f"fmnist-edge {__version__}\n"
