"""What a device installs: the wheel with the extra `device`, in an environment of its own."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from fmnist_edge.records import replace
from fmnist_edge.result import read_run
from tests.commands import PATIENCE, CommandLine, Finished
from tests.once import Once

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "artifacts/reference"
_MODEL = REFERENCE / "study-int8.tflite"
_SMOKE = ("--protocol", "smoke", "--runtime", "litert")
# The command line, LiteRT, and what these two require.
_DISTRIBUTIONS = {
    *("ai_edge_litert", "annotated_doc", "backports_strenum", "flatbuffers", "fmnist_edge"),
    *("markdown_it_py", "mdurl", "ml_dtypes", "msgspec", "numpy", "packaging", "platformdirs"),
    *("protobuf", "pygments", "rich", "shellingham", "tqdm", "typer", "typing_extensions"),
}
_RESULTS = ROOT / "benchmarks/results/epyc-2-cores"
_TWO = (_RESULTS / "sustained.json", _RESULTS / "sustained-rival.json")
# What a device runs before it measures; a new command is a line here.
_COMMANDS = {
    "data": ("data",),
    "devices": ("devices",),
    "doctor": ("doctor", "--quick"),
    "evaluate": ("evaluate", _MODEL),
    "predict": ("predict", "--artifact", _MODEL),
    "diverge": ("diverge", *_TWO),
    "bundle": ("bundle", _MODEL, "-o", "one.zip"),
    "environment": ("environment", "list"),
}


def _run(command: Sequence[object], environment: Mapping[str, str]) -> Finished:
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        env=environment,
        timeout=PATIENCE,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr, Path())


@pytest.fixture(scope="module")
def device(
    cli: CommandLine, once: Once, wheel: Path, users_environment: Mapping[str, str]
) -> CommandLine:
    """The command as a device installs it."""

    def install(folder: Path) -> Finished:
        made = _run([sys.executable, "-m", "venv", "--without-pip", folder], users_environment)
        assert made.returncode == 0, made.stderr
        pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install"]
        wanted = ["-c", ROOT / "constraints/device.txt", f"{wheel}[device]"]
        done = _run([*pip, "--disable-pip-version-check", *wanted], users_environment)
        return replace(done, folder=folder)

    done = once("device", install)
    assert done.returncode == 0, done.stderr
    return replace(cli, entry_point=done.folder / "bin" / "fmnist-edge")


def test_a_device_installs_these_distributions_and_no_other(device: CommandLine) -> None:
    site = device.entry_point.parents[1].glob("lib/python3*/site-packages/*.dist-info")
    found = {each.name.partition("-")[0].lower().replace(".", "_") for each in site}
    assert found == _DISTRIBUTIONS


def test_an_install_for_a_device_is_small(device: CommandLine) -> None:
    folder = device.entry_point.parents[1]
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    compiled = sum(path.stat().st_size for path in files if path.suffix == ".pyc")
    total = sum(path.stat().st_size for path in files)
    assert total - compiled <= 150e6
    # With what pip compiles, NumPy's own tests among it.
    assert total <= 165e6


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_command_that_a_device_needs_runs_there(
    device: CommandLine, tmp_path: Path, name: str
) -> None:
    done = device(*_COMMANDS[name], cwd=tmp_path)
    assert "Traceback" not in done.stdout + done.stderr
    # `doctor` judges the machine; 95 says that this one is not ready.
    assert done.returncode == 0 or (name, done.returncode) == ("doctor", 95), done.stderr
    assert done.stdout or name == "bundle"


@pytest.fixture(scope="module")
def measured(device: CommandLine, once: Once) -> Path:
    """A benchmark of the models that come with a checkout."""

    def bench(folder: Path) -> Finished:
        return device("bench", REFERENCE, *_SMOKE, "--json", "run.json", cwd=folder)

    done = once("device-bench", bench)
    assert done.returncode == 0, done.stderr
    return done.folder / "run.json"


def test_the_models_of_a_checkout_are_measured_as_they_are(measured: Path) -> None:
    rows = [row for row in read_run(measured).rows if row.case.runtime == "litert"]
    assert len(rows) >= len(list(REFERENCE.glob("*-int8.tflite")))
    assert all(row.failure is None for row in rows)


# The memory of a process with LiteRT and nothing of ours, which has opened and run a model.
_BARE = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
opened = Interpreter(sys.argv[1], num_threads=1)
opened.allocate_tensors()
[source] = opened.get_input_details()
opened.set_tensor(source["index"], np.zeros(source["shape"], source["dtype"]))
opened.invoke()
[line] = [each for each in open("/proc/self/status") if each.startswith("VmRSS")]
print(int(line.split()[1]) * 1024)
"""


def test_a_measuring_process_adds_little_to_the_memory_of_litert(
    device: CommandLine, measured: Path
) -> None:
    [row] = [
        row
        for row in read_run(measured).rows
        if row.case.runtime == "litert" and row.case.subject.name == _MODEL.name
    ]
    [steady] = [each.memory.steady_bytes for each in row.measurements]
    bare = device.execute([device.entry_point.with_name("python"), "-c", _BARE, _MODEL])
    assert steady is not None
    # Resident pages of files count in full, and how many the kernel maps around each that is read
    # differs from one install to the next, by 2 MB and more: both are processes of this install.
    # 7.8 MB on top of LiteRT's 41 were measured in installs that were just written.
    assert 0 < steady - int(bare.stdout) <= 13e6


def test_results_are_reported_and_compared_there(device: CommandLine, measured: Path) -> None:
    shown = device("report", measured)
    assert (shown.returncode, shown.stderr) == (0, "")
    compared = device("compare", measured, measured, "--json", "-")
    assert compared.returncode == 0, compared.stderr
    assert json.loads(compared.stdout)


def test_scores_are_compared_there(device: CommandLine, tmp_path: Path) -> None:
    for name in ("a", "b"):
        done = device("predict", "--artifact", _MODEL, "--out", f"{name}.npz", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    done = device("diverge", "a.npz", "b.npz", "--json", "-", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["cause"], found["images"]) == ("identical", 10_000)
