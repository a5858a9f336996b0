"""Fixtures that the tests of more than one room use."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import pytest

from fmnist_edge.artifact import manifest_path, read_manifest
from fmnist_edge.dataset import Places, Split, load_test, locate, usual_places
from fmnist_edge.records import encode_json, replace
from fmnist_edge.runtimes import RUNTIMES
from tests import arm64 as arm64_devices
from tests import jobs, ssh_hosts, system_parts
from tests.afar import MODEL, Afar
from tests.commands import CommandLine, Finished, InThisProcess, copy_artifact
from tests.environments import OTHER_LITERT, WEBGPU
from tests.jobs import Attempt, Attempts, ExportEach, Job
from tests.once import Once
from tests.own_folders import own_folders, traces
from tests.ssh_hosts import Hosts

_ROOT = Path(__file__).parents[1]
_REFERENCE = _ROOT / "artifacts/reference/study-float32.keras"
_NATIVE = {name for name in RUNTIMES if name.endswith("-native")}
# In this order, long ones first, so that all processes end at about the same time.
_FIRST = ("integration/test_training.py", "contract/", "integration/", "training/", "golden/")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--made-in", type=Path, help="Where parts of a run share what they make.")


def pytest_configure() -> None:
    system_parts.add_to_path(os.environ)
    machine = system_parts.this_machine()
    if machine.ci and (lacking := system_parts.missing(machine)):
        raise pytest.UsageError(*map(system_parts.absence, lacking))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name in system_parts.missing(system_parts.this_machine()):
        terminalreporter.write_line(system_parts.absence(name))


def _needed(item: pytest.Item) -> set[str]:
    """The parts of the system that a test needs.

    It says so, or is given a native runtime, a command line with Vulkan, hosts, or devices.
    """
    named = {part for mark in item.iter_markers("needs") for part in mark.args}
    params = item.callspec.params.values() if hasattr(item, "callspec") else ()
    words = [word for value in params for word in (value if isinstance(value, tuple) else (value,))]
    native = any(isinstance(word, str) and word in _NATIVE for word in words)
    given = getattr(item, "fixturenames", ())
    return (
        named
        | ({"c-compiler"} if native else set())
        | ({"software-vulkan"} if "vulkan" in given else set())
        | ({"openssh-server"} if "hosts" in given else set())
        | ({"arm64"} if "arm64" in given else set())
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    tests = Path(__file__).parent
    lacking = set(system_parts.missing(system_parts.this_machine()))
    left_out = [item for item in items if lacking & _needed(item)] if lacking else []
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]

    def rank(item: pytest.Item) -> int:
        place = item.path.relative_to(tests).as_posix()
        return next((at for at, each in enumerate(_FIRST) if place.startswith(each)), len(_FIRST))

    items.sort(key=rank)


@pytest.fixture(scope="session", autouse=True)
def users_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Folders of the tests' own; what the environment was before, and proof that nothing is left.

    Programs of the user's that need their settings, like pip, run in the environment of the user.
    """
    tmp_path_factory.getbasetemp()  # stays where the user finds it
    users = dict(os.environ)
    before = traces()
    with own_folders():
        yield users
    left = traces() - before
    assert not left, "These were not there before the tests."


@pytest.fixture(scope="session")
def once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Runs what is expensive once for all processes of this run."""
    base = tmp_path_factory.getbasetemp()
    run = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    root = request.config.getoption("--made-in") or run / "made"
    root.mkdir(exist_ok=True)
    return Once(root)


# Tests that import these libraries by themselves must not write into the home folder either.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["KERAS_HOME"] = str(Path(os.devnull) / "keras")


@pytest.fixture(scope="session")
def real_data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fashion-MNIST itself, from wherever this machine can get it but the user's cache."""
    named = os.environ.get("FMNIST_EDGE_DATA_DIR")
    places = Places(cache=tmp_path_factory.mktemp("cache"), system=usual_places().system)
    return locate(Path(named) if named else None, places=places).path


@pytest.fixture(scope="session")
def unseen(real_data_folder: Path) -> Split:
    """The 10,000 test images and their labels."""
    return load_test(real_data_folder)


@pytest.fixture(scope="session")
def cli(real_data_folder: Path, once: Once) -> CommandLine:
    """The real `fmnist-edge`."""
    home = once.root / "home"
    home.mkdir(exist_ok=True)
    return CommandLine(home, real_data_folder)


@pytest.fixture(scope="session")
def vulkan(cli: CommandLine) -> CommandLine:
    """The same where a GPU is found, and one only: Vulkan on the CPU."""
    return CommandLine(cli.home, cli.data, added=system_parts.environment("software-vulkan"))


@pytest.fixture(scope="session")
def without_vulkan(cli: CommandLine) -> CommandLine:
    """The same where no Vulkan driver is found, whatever the machine has."""
    return CommandLine(cli.home, cli.data, added=system_parts.WITHOUT_VULKAN)


@pytest.fixture(scope="session")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """Three hosts that can be reached over SSH: `pi`, `laptop` and `board`."""
    made = Hosts(tmp_path_factory.mktemp("ssh"))
    try:
        for name in ssh_hosts.NAMES:
            made.add(name)
        yield made
    finally:
        made.close()
    assert made.processes == [], "These still run on the hosts."


@pytest.fixture(scope="session")
def over_ssh(cli: CommandLine, hosts: Hosts) -> CommandLine:
    """The real `fmnist-edge`, which finds the hosts."""
    return replace(cli, added=hosts.variables)


@pytest.fixture(scope="session")
def arm64(
    cli: CommandLine,
    users_environment: Mapping[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], CommandLine]:
    """The same on a device with 64-bit Arm and the processor that is named (`tests/arm64.py`)."""
    if arm64_devices.NATIVE:
        return lambda _cpu: cli
    wheels = arm64_devices.gather(cli, users_environment)
    packages = arm64_devices.unpack(wheels, tmp_path_factory.mktemp("arm64"))
    return lambda cpu: arm64_devices.device(cli, cpu, packages, tmp_path_factory.mktemp(cpu))


@pytest.fixture(scope="session")
def inside(cli: CommandLine) -> CommandLine:
    """The real `fmnist-edge` in the process of the tests."""
    return InThisProcess(cli.home, cli.data)


@pytest.fixture(scope="session")
def spotless(cli: CommandLine, once: Once) -> CommandLine:
    """The real `fmnist-edge` with a home in which pip, and commands with a cache, leave nothing."""
    home = once.root / "spotless"
    home.mkdir(exist_ok=True)
    return replace(cli, home=home)


@pytest.fixture(scope="session")
def training(spotless: CommandLine, once: Once) -> Finished:
    """One real training of the study's network, as it went, in a folder of its own."""
    given = ("--preset", "study", "--epochs", 4, "--json", "-", "--out", "default.keras")
    return once("training", lambda folder: spotless("train", *given, cwd=folder))


@pytest.fixture(scope="session")
def trained(training: Finished) -> Path:
    """The `.keras` file of that training; its manifest lies beside it."""
    assert training.returncode == 0, training.stderr
    return training.folder / "default.keras"


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed network of the study as `default.keras`, its manifest beside it.

    The figures of what is made of it are the same on every processor, up to rounding; those of a
    training are not.
    """
    manifest = read_manifest(_REFERENCE)
    assert manifest is not None
    path = tmp_path_factory.mktemp("study") / "default.keras"
    shutil.copy(_REFERENCE, path)
    manifest_path(path).write_text(encode_json(replace(manifest, file=path.name)))
    return path


@pytest.fixture(scope="session")
def exporting(spotless: CommandLine, study: Path, once: Once) -> Finished:
    """One real export of every recipe, as it went: `export --json`, beside a copy of the model."""

    def export(folder: Path) -> Finished:
        copy_artifact(study, folder)
        return spotless("export", "default.keras", "--json", "-", cwd=folder)

    return once("exported", export)


@pytest.fixture(scope="session")
def exported(exporting: Finished) -> Path:
    """The folder with the model and all that was made of it."""
    assert exporting.returncode == 0, exporting.stderr
    return exporting.folder


@pytest.fixture(scope="session")
def export_each(cli: CommandLine, once: Once) -> ExportEach:
    """Do all jobs in one process (`tests/jobs.py`), once in this run."""

    def run(name: str, wanted: Mapping[str, Job]) -> Attempts:
        given = json.dumps({name: asdict(job) for name, job in wanted.items()}, default=str)
        command = (sys.executable, jobs.__file__, cli.data)
        done = once(name, lambda _: cli.execute(command, given=given))
        assert done.returncode == 0, done.stderr
        return {name: Attempt(**told) for name, told in json.loads(done.stdout).items()}

    return run


@pytest.fixture(scope="session")
def strangers(cli: CommandLine, once: Once) -> Path:
    """A folder of models that other people might bring (`tests/strangers.py`)."""
    script = Path(__file__).with_name("strangers.py")
    made = once("strangers", lambda folder: cli.python(script, folder, cwd=folder))
    assert made.returncode == 0, made.stderr
    return made.folder


@pytest.fixture(scope="session")
def parents(cli: CommandLine, once: Once) -> Path:
    """A folder of classifiers that other people might start from (`tests/parents.py`).

    Each is trained a little, so that its scores tell images apart.
    """
    script = Path(__file__).with_name("parents.py")
    made = once("parents", lambda folder: cli.python(script, cli.data, folder, cwd=folder))
    assert made.returncode == 0, made.stderr
    return made.folder


@pytest.fixture(scope="session")
def wheels(users_environment: Mapping[str, str], once: Once) -> Path:
    """A folder with all that environments with other runtimes need, and uv."""

    def fetch(folder: Path) -> Finished:
        pins = (_ROOT / "constraints/device.txt").read_text(encoding="utf-8").splitlines()
        kept = [line for line in pins if not line.startswith("ai-edge-litert")]
        (folder / "constraints.txt").write_text("\n".join(kept))
        wanted = ("msgspec", "numpy", "packaging", "platformdirs", OTHER_LITERT, *WEBGPU, "uv")
        download = ("download", "--disable-pip-version-check", "-c", folder / "constraints.txt")
        done = subprocess.run(
            [sys.executable, "-m", "pip", *download, "-d", folder, *wanted],
            env=users_environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr, folder)

    done = once("wheels", fetch)
    assert done.returncode == 0, done.stderr
    return done.folder


@pytest.fixture(scope="session")
def dist(users_environment: Mapping[str, str], once: Once) -> Path:
    """A folder with the sdist, and with the wheel that was built from the sdist."""

    def build(folder: Path) -> Finished:
        done = subprocess.run(
            [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, _ROOT],
            env=users_environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr, folder)

    done = once("dist", build)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.folder


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def wheelhouse(cli: CommandLine, users_environment: Mapping[str, str], once: Once) -> Finished:
    """What a machine like this one installs without network, gathered in the folder `wheels`.

    pip has the settings of the user.
    """

    def gather(folder: Path) -> Finished:
        settings = users_environment.get("PIP_CONFIG_FILE")
        added = {"PIP_CONFIG_FILE": settings} if settings else {}
        gathering = replace(cli, added=added)
        return gathering("wheelhouse", "--extra", "litert", "--json", "-", cwd=folder)

    done = once("wheelhouse", gather)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="session")
def afar(
    over_ssh: CommandLine,
    hosts: Hosts,
    wheelhouse: Finished,
    with_uv: Mapping[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Afar:
    """Somebody who measures on the hosts, which have uv and no network."""
    [uv] = Path(with_uv["PATH"].split(os.pathsep)[0]).glob("uv")
    for host in hosts:
        (host.programs / "uv").symlink_to(uv)
    home, wheels = tmp_path_factory.mktemp("home"), wheelhouse.folder / "wheels"
    made = Afar(home, over_ssh.data, over_ssh.entry_point, over_ssh.added, wheels)
    made.folder.mkdir()
    done = made("bundle", MODEL, "-o", "garments 1.zip", "-q", cwd=made.folder)
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="session")
def with_uv(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What lets a process find uv."""
    programs = tmp_path_factory.mktemp("programs")
    (archive,) = wheels.glob("uv-*.whl")
    with zipfile.ZipFile(archive) as opened:
        (inside,) = [name for name in opened.namelist() if name.endswith("/scripts/uv")]
        (programs / "uv").write_bytes(opened.read(inside))
    (programs / "uv").chmod(0o755)
    return {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
