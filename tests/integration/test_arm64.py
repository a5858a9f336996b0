"""64-bit Arm: the device's packages measure, answer and tell there what they tell here.

Where this machine is no such device, QEMU interprets the instructions of the two processors that
Raspberry Pi 4 and 5 have.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from benchmarks.arm64_agreement import Agreement, agreement, predict
from fmnist_edge.errors import NotReadyError
from fmnist_edge.result import Run, read_run
from fmnist_edge.score_file import ScoreFile
from tests.arm64 import CPUS, MACHINE, NATIVE
from tests.commands import CommandLine, Finished
from tests.once import Once

REFERENCE = Path(__file__).parents[2] / "artifacts/reference"
PUBLISHED = ("nano-int8.tflite", "default-int8.tflite")
MADE = ("nano-float32.tflite", "nano-int8.onnx", "nano-float32.onnx", "nano-float32.npz")
# Kernels for integers are others on the newer processor, which multiplies and adds four at a time.
PAIRS = (
    *((cpu, name) for name in ("default-int8.tflite", "nano-int8.onnx") for cpu in CPUS),
    *((CPUS[0], name) for name in ("nano-float32.onnx", "nano-float32.npz")),
    (CPUS[-1], "nano-float32.tflite"),
)


def _paths(made: Path) -> Mapping[str, Path]:
    return {name: REFERENCE / name for name in PUBLISHED} | {name: made / name for name in MADE}


@pytest.fixture(scope="module")
def made(cli: CommandLine, once: Once) -> Path:
    """A folder with more files of a network that was published."""

    def export(folder: Path) -> Finished:
        formats = ("--format", "tflite", "--format", "onnx", "--format", "npz")
        wanted = (*formats, "--precision", "float32", "--precision", "int8", "--verify", "none")
        return cli("export", REFERENCE / "nano-float32.keras", *wanted, "--out", ".", cwd=folder)

    done = once("nano", export)
    assert done.returncode == 0, done.stderr
    return done.folder


@pytest.fixture(scope="module")
def here(
    inside: CommandLine, made: Path, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, ScoreFile]:
    """The scores of each file on this machine."""
    folder = tmp_path_factory.mktemp("here")
    paths = _paths(made)
    return {name: predict(inside, path, folder / f"{name}.npz") for name, path in paths.items()}


@pytest.fixture(scope="module", params=PAIRS, ids="-".join)
def found(
    request: pytest.FixtureRequest,
    arm64: Callable[[str], CommandLine],
    here: Mapping[str, ScoreFile],
    made: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Agreement:
    """The scores of a file there, beside those of here."""
    cpu, name = request.param
    path = _paths(made)[name]
    there = predict(arm64(cpu), path, tmp_path_factory.mktemp("there") / "scores.npz")
    assert there.facts.host["architecture"] == MACHINE
    assert ("qemu" in str(there.facts.host["emulated"])) is not NATIVE
    return agreement(path, cpu, here[path.name], there)


def test_every_image_gets_the_same_label_there(found: Agreement) -> None:
    assert found.images == 10_000
    assert found.labels_different == 0


def test_scores_differ_there_by_no_more_than_rounding(found: Agreement) -> None:
    assert found.scores == 100_000
    assert found.within, found


@pytest.fixture(scope="module")
def run(
    arm64: Callable[[str], CommandLine], made: Path, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """A short benchmark on the newer of the devices."""
    folder = tmp_path_factory.mktemp("bench")
    files = (REFERENCE / PUBLISHED[0], made / "nano-int8.onnx")
    wanted = ("--protocol", "smoke", "--runtime", "litert", "--runtime", "onnxruntime")
    done = arm64(CPUS[-1])("bench", *files, *wanted, "--json", "result.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return read_run(folder / "result.json")


def test_a_benchmark_there_knows_that_no_time_of_an_emulator_is_to_be_believed(run: Run) -> None:
    rows = [row for row in run.rows if row.case.subject.sha256]
    assert {row.case.runtime for row in rows} == {"litert", "onnxruntime"}
    for row in rows:
        assert row.failure is None
        assert row.measurements
        emulated = [reason for reason in row.reasons if reason.code == "emulated"]
        assert bool(emulated) is not NATIVE
        for reason in emulated:
            assert (reason.level, reason.values["machine"]) == ("INVALID", MACHINE)
            assert "accuracy" not in reason.figures
            assert {"p50", "p90", "memory"} <= set(reason.figures)


def test_a_benchmark_there_has_the_accuracy_of_here(
    run: Run, here: Mapping[str, ScoreFile]
) -> None:
    for row in run.rows:
        name = Path(row.case.subject.path).name
        if name in here:
            assert row.accuracy is not None
            truth = here[name].truth
            assert truth is not None
            correct = int((here[name].labels == truth).sum())
            assert (row.accuracy.correct, row.accuracy.images) == (correct, len(truth))
            assert "accuracy" not in {each for reason in row.reasons for each in reason.figures}


def test_the_runtimes_of_a_device_are_usable_there(
    arm64: Callable[[str], CommandLine], tmp_path: Path
) -> None:
    told = arm64(CPUS[0])("devices", "cpu", "--limit", 120, "--json", "-", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    states = {each["runtime"]: each for each in json.loads(told.stdout)["states"]}
    for name in ("numpy", "litert", "onnxruntime"):
        assert states[name]["state"] == "usable", states[name]
        assert states[name]["unit"]["api"] == MACHINE


def test_the_doctor_there_says_that_an_emulator_measures_nothing(
    arm64: Callable[[str], CommandLine], tmp_path: Path
) -> None:
    told = arm64(CPUS[0])("doctor", "--quick", "--json", "-", cwd=tmp_path)
    assert "Traceback" not in told.stderr
    diagnosis = json.loads(told.stdout)
    assert diagnosis["host"]["architecture"] == MACHINE
    emulated = [each for each in diagnosis["findings"] if each["code"] == "emulated"]
    assert bool(emulated) is not NATIVE
    assert not emulated or not diagnosis["ready"]
    assert not emulated or told.returncode == NotReadyError.exit_code
