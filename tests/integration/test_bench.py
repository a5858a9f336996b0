"""The benchmark: what it measures, and what it does about files and processes that fail."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from fmnist_edge import __version__
from fmnist_edge.artifact import display_name, find_artifacts, manifest_path, open_artifact
from fmnist_edge.bench.baseline import FIXED_NETWORK, NO_MODEL
from fmnist_edge.bench.plan import Selection, make_plan
from fmnist_edge.bench.protocols import PROTOCOLS
from fmnist_edge.bench.wire import Command, DataPaths, Job, Reply, Task, encode_line
from fmnist_edge.dataset import DATASET_SHA256, Split
from fmnist_edge.host.facts import facts
from fmnist_edge.native import compiler
from fmnist_edge.records import decode_json, replace
from fmnist_edge.result import Case, Failure, Row, Run, read_run
from fmnist_edge.runtimes import RUNTIMES
from tests.commands import CommandLine, Finished, copy_artifact

# A file of each format, and the runtimes that are named.
RUNTIMES_NAMED = ("numpy", "litert", "onnxruntime", "openvino", "tensorflow")
PAIRS = {
    ("default-float32.npz", "numpy"),
    ("default-float32.tflite", "litert"),
    ("default-float32.tflite", "openvino"),
    ("default-int8.onnx", "onnxruntime"),
    ("default-int8.onnx", "openvino"),
    ("default-int8.ort", "onnxruntime"),
    ("default-int8.xml", "openvino"),
    ("default.keras", "tensorflow"),
}
BASELINE = {(NO_MODEL.name, "null"), (FIXED_NETWORK.name, "numpy")}
SMOKE = ("--protocol", "smoke")
_MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Benchmark:
    """A run of the command, and what it wrote."""

    done: Finished
    file: Path
    run: Run

    def row(self, name: str) -> Row:
        """The one row of the file `name`."""
        (found,) = (row for row in self.run.rows if row.case.subject.name == name)
        return found

    def failure(self, name: str) -> Failure:
        """Why the file `name` was not measured."""
        failure = self.row(name).failure
        assert failure is not None
        return failure

    @property
    def files(self) -> list[Row]:
        """The rows of the user's files."""
        return [row for row in self.run.rows if row.case.subject.sha256 is not None]


def _bench(cli: CommandLine, folder: Path, *arguments: object) -> Benchmark:
    """Run `bench` to its end."""
    file = folder / "result.json"
    done = cli("bench", *arguments, "--json", file)
    assert file.exists(), done.stderr
    return Benchmark(done, file, read_run(file))


def _named(*runtimes: str) -> list[str]:
    return [part for name in runtimes for part in ("--runtime", name)]


@pytest.fixture(scope="module")
def shelf(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of each format."""
    folder = tmp_path_factory.mktemp("shelf")
    wanted = {name for name, _ in PAIRS}
    for path in find_artifacts(exported):
        if display_name(path) in wanted:
            copy_artifact(path, folder)
    return folder


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the run below might leave something: a home, a current folder, one for what passes."""
    folder = tmp_path_factory.mktemp("clean")
    for name in ("home", "here", "tmp"):
        (folder / name).mkdir()
    return folder


@pytest.fixture(scope="module")
def smoke(
    cli: CommandLine, shelf: Path, clean: Path, tmp_path_factory: pytest.TempPathFactory
) -> Benchmark:
    """All of these, measured in short, by somebody who has just been given an account."""
    file = tmp_path_factory.mktemp("smoke") / "result.json"
    newcomer = replace(cli, home=clean / "home")
    command = ("bench", shelf, *_named(*RUNTIMES_NAMED), *SMOKE, "--json", file)
    temporary = f"TMPDIR={clean / 'tmp'}"
    done = newcomer.execute(("env", temporary, cli.entry_point, *command), cwd=clean / "here")
    assert file.exists(), done.stderr
    return Benchmark(done, file, read_run(file))


def _pair(row: Row) -> tuple[str, str]:
    return row.case.subject.name, row.case.runtime


# What is measured


def test_every_file_is_measured_on_the_runtimes_that_open_it_and_the_baseline_with_them(
    smoke: Benchmark,
) -> None:
    assert smoke.done.returncode == 0, smoke.done.stderr
    assert {_pair(row) for row in smoke.run.rows} == PAIRS | BASELINE
    assert len(smoke.run.rows) == len(PAIRS | BASELINE)
    assert {_pair(row) for row in smoke.run.rows[-2:]} == BASELINE
    assert all(row.failure is None for row in smoke.run.rows)


def test_no_runtime_leaves_anything_behind(smoke: Benchmark, clean: Path) -> None:
    assert smoke.done.returncode == 0, smoke.done.stderr
    left = [path.relative_to(clean) for path in clean.rglob("*")]
    assert sorted(map(str, left)) == ["here", "home", "tmp"]


def test_the_result_names_what_was_measured_and_where(smoke: Benchmark) -> None:
    run = smoke.run
    assert run.settings == PROTOCOLS["smoke"]
    assert run.data_sha256 == DATASET_SHA256
    assert run.own_data is None
    assert run.version == __version__
    assert {"python", "fmnist-edge", "numpy", "tensorflow", "openvino"} <= set(run.versions)
    assert {"ai-edge-litert", "onnxruntime"} <= set(run.versions)
    assert set(run.host) == set(facts())
    assert "" not in run.host.values()
    assert set(run.installed_bytes) == set(RUNTIMES_NAMED)
    assert all(size > _MEBIBYTE for size in run.installed_bytes.values())
    assert run.wall_seconds > 1
    for row in smoke.files:
        artifact = open_artifact(Path(row.case.subject.path))
        assert row.case.subject.sha256 == artifact.sha256
        assert row.case.subject.size_bytes == artifact.size_bytes


def test_statistics_are_those_of_the_samples(smoke: Benchmark) -> None:
    for row in smoke.run.rows:
        (measurement,) = row.measurements
        hot = measurement.back_to_back
        samples = hot.sample_ns.unpack()
        assert len(samples) == sum(hot.turn_samples)
        assert hot.calls >= 64
        assert samples.min() > 0
        assert samples.sum() <= hot.busy_ns
        assert row.back_to_back is not None
        per_call = samples / hot.calls_per_sample
        assert row.back_to_back.samples == len(samples)
        assert row.back_to_back.min_ns == pytest.approx(per_call.min())
        assert row.back_to_back.max_ns == pytest.approx(per_call.max())
        assert row.back_to_back.mean_ns == pytest.approx(per_call.mean())
        assert row.back_to_back.min_ns <= row.back_to_back.p50_ns <= row.back_to_back.max_ns


def test_paced_answers_take_at_least_as_long_as_their_calls(smoke: Benchmark) -> None:
    for row in smoke.run.rows:
        paced = row.measurements[0].paced
        assert paced is not None
        assert paced.rate_hz == smoke.run.settings.paced_hz
        assert paced.response_ns.count == smoke.run.settings.paced_samples
        assert (paced.response_ns.unpack() >= paced.service_ns.unpack()).all()


def test_accuracy_can_be_computed_again_from_the_labels(smoke: Benchmark, unseen: Split) -> None:
    for row in smoke.files:
        measured = row.measurements[0]
        assert measured.inputs.source == "fashion-mnist"
        assert measured.predictions is not None
        given = np.array([int(digit) for digit in measured.predictions.labels])
        assert row.accuracy is not None
        assert row.accuracy.images == len(given) == 10_000
        assert row.accuracy.correct == np.sum(given == unseen.labels)
        assert row.accuracy.correct == pytest.approx(9_000, abs=800)
        assert measured.predictions.confidence_millionths.count == 10_000


def test_the_baseline_has_no_accuracy(smoke: Benchmark) -> None:
    for name, _ in BASELINE:
        assert smoke.row(name).accuracy is None
        assert smoke.row(name).measurements[0].predictions is None


def test_exported_files_are_compared_with_their_parent(smoke: Benchmark) -> None:
    for row in smoke.files:
        assert row.accuracy is not None
        against = row.accuracy.against
        if row.case.subject.name == "default.keras":
            assert against is None
        else:
            assert against is not None
            assert (against.reference, against.runtime) == ("default.keras", "tensorflow")
            assert against.agreement > 0.9


def test_a_measurement_tells_how_it_was_done(smoke: Benchmark) -> None:
    for row in smoke.run.rows:
        (measurement,) = row.measurements
        assert measurement.runtime_version
        assert measurement.used.get("threads", "1") == "1"
        cold = measurement.cold
        # An interpreter with NumPy does not start within 10 ms on anything.
        assert cold.process_start_ns > 10_000_000
        assert min(cold.import_ns, cold.load_ns, cold.first_call_ns) > 0
        memory = measurement.memory
        assert memory.start_bytes is not None
        assert memory.peak_bytes is not None
        assert 0 < memory.start_bytes < memory.peak_bytes
        assert measurement.footprint.threads is not None
        assert set(measurement.footprint.cpus or ()) <= os.sched_getaffinity(0)
        assert row.readings[0].load is not None
        assert len(row.readings) >= 2
        if row.case.runtime == "null":
            assert row.throughput is None
        else:
            assert row.throughput is not None
            assert row.throughput.batch == 256
            assert row.throughput.images_per_second > 0


def test_what_was_timed_was_the_real_thing(smoke: Benchmark) -> None:
    for row in smoke.run.rows:
        audit = row.measurements[0].audit
        assert audit.compared >= 2
        assert audit.max_abs_difference < 1e-5
        assert audit.repeat_ratio is not None
        assert audit.repeat_ratio > 0


def test_only_calls_that_are_too_short_for_the_clock_share_samples(smoke: Benchmark) -> None:
    # A sample is as long as ten readings of the clock. The first calls tell how many calls that is,
    # and those that follow may be half or twice as long.
    for row in smoke.run.rows:
        assert row.back_to_back is not None
        hot = row.measurements[0].back_to_back
        if hot.calls_per_sample > 1:
            assert row.back_to_back.p50_ns < 20 * hot.clock_ns
        else:
            assert row.back_to_back.p50_ns > 5 * hot.clock_ns
        assert hot.calls_per_sample > 1 or row.case.runtime != "null"


def test_the_table_has_a_line_for_every_row(smoke: Benchmark) -> None:
    for name, runtime in PAIRS:
        lines = [line for line in smoke.done.stdout.splitlines() if line.startswith(f"{name} ")]
        assert sum(f" {runtime} " in line for line in lines) == 1


def test_the_report_shows_the_screen_that_the_benchmark_showed(
    cli: CommandLine, smoke: Benchmark
) -> None:
    assert cli("report", smoke.file, "--short").stdout == smoke.done.stdout


def test_the_benchmark_itself_needs_little_memory(
    cli: CommandLine, shelf: Path, tmp_path: Path
) -> None:
    script = tmp_path / "watched.py"
    script.write_text(
        "import atexit, sys\n"
        "from fmnist_edge_cli.main import main\n"
        "from fmnist_edge.host.memory import resident_and_peak\n"
        "atexit.register(lambda: sys.stderr.write(f'\\npeak {resident_and_peak()[1]}\\n'))\n"
        "main()\n"
    )
    files = (shelf / "default-float32.npz", shelf / "default-int8.onnx")
    done = cli.python(script, "bench", *files, *_named("numpy", "onnxruntime"), *SMOKE)
    assert done.returncode == 0, done.stderr
    peak = int(done.stderr.splitlines()[-1].removeprefix("peak "))
    assert peak < 150 * _MEBIBYTE


# What is left out


def test_where_nothing_can_be_measured_the_reason_is_given(
    cli: CommandLine, shelf: Path, tmp_path: Path
) -> None:
    for arguments, reason in (
        (("default-float32.npz", *_named("litert")), "(litert) opens npz files"),
        (("default.keras", "--quick"), "tensorflow takes seconds to import"),
    ):
        name, *rest = arguments
        done = cli("bench", shelf / name, *rest, cwd=tmp_path)
        assert (done.returncode, done.speaks_plainly) == (2, True)
        assert reason in done.stderr
        assert "Nothing could be measured" in done.stderr


# Options


@pytest.fixture(scope="module")
def pinned(cli: CommandLine, shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """One file with two thread counts, four images at a time, all on one CPU, twice."""
    folder = tmp_path_factory.mktemp("pinned")
    model = copy_artifact(shelf / "default-float32.tflite", folder)
    options = ["--threads", "2,1", "--threads", 2, "--batch", 4, "--pin", _cpu()]
    options += ["--rate", 200, "--processes", 2, "--seed", 7, "--energy", 1]
    return _bench(cli, folder, model, model, *_named("litert"), *options, *SMOKE)


def _cpu() -> int:
    return min(os.sched_getaffinity(0))


def test_thread_counts_make_rows_of_their_own(pinned: Benchmark) -> None:
    assert pinned.done.returncode == 0, pinned.done.stderr
    assert [row.case.threads for row in pinned.files] == [2, 1]
    assert [row.measurements[0].used["threads"] for row in pinned.files] == ["2", "1"]
    assert {row.case.batch for row in pinned.run.rows} == {4}
    assert "threads" in pinned.done.stdout


def test_a_process_that_is_pinned_has_no_other_cpu(pinned: Benchmark) -> None:
    assert pinned.run.settings.pin == (_cpu(),)
    for row in pinned.run.rows:
        assert [each.footprint.cpus for each in row.measurements] == [(_cpu(),)] * 2


def test_a_protocol_is_changed_as_the_user_wants_it(pinned: Benchmark) -> None:
    settings = pinned.run.settings
    assert (settings.paced_hz, settings.processes, settings.seed) == (200.0, 2, 7)
    for row in pinned.run.rows:
        assert len(row.measurements) == 2
        assert all(each.paced and each.paced.rate_hz == 200.0 for each in row.measurements)
    for row in pinned.files:
        # Only the first process labels the images.
        assert [each.predictions is None for each in row.measurements] == [False, True]


def test_runtimes_are_called_from_c_too_where_there_is_a_compiler(
    cli: CommandLine, shelf: Path, tmp_path: Path
) -> None:
    model = shelf / "default-float32.tflite"
    own = replace(cli, home=tmp_path / "home")  # what is compiled is kept there
    own.home.mkdir()
    found = _bench(own, tmp_path, model, *_named("litert", "litert-native"), *SMOKE)
    python, native = found.files
    assert (python.case.runtime, native.case.runtime) == ("litert", "litert-native")
    assert python.failure is None
    if compiler() is None:
        assert native.failure is not None
        assert "needs a C compiler" in native.failure.message
        return
    assert native.failure is None
    assert _predictions(native) == _predictions(python)
    assert native.measurements[0].audit.max_abs_difference < 1e-5
    # Its calls are timed by C; Python would add its own cost to paced ones.
    assert native.measurements[0].back_to_back.calls_per_sample == 1
    assert native.paced is None
    assert "What Python adds to a call" in found.done.stdout


def test_energy_is_told_or_the_reason_why_not(pinned: Benchmark) -> None:
    assert pinned.run.settings.energy_seconds == 1.0
    meter = pinned.run.meter
    assert bool(meter.source) != bool(meter.unavailable)
    for row in pinned.run.rows:
        assert (row.energy is not None) == bool(meter.source)
    if meter.unavailable:
        assert "Energy: not available" in pinned.done.stdout


def test_a_result_can_be_measured_once_more_but_not_with_another_file(
    cli: CommandLine, shelf: Path, tmp_path: Path
) -> None:
    model = copy_artifact(shelf / "default-float32.npz", tmp_path)
    options = ["--rate", 150, "--seed", 3, "--batch", 2, "--limit", 99]
    first = _bench(cli, tmp_path, model, *SMOKE, *options)
    (tmp_path / "again").mkdir()
    again = _bench(cli, tmp_path / "again", "--replay", first.file)
    assert again.done.returncode == 0, again.done.stderr
    assert [row.case for row in again.run.rows] == [row.case for row in first.run.rows]
    assert again.run.settings == first.run.settings
    ours = [_predictions(each.row(model.name)) for each in (first, again)]
    assert ours[0] == ours[1]
    # Now another file stands in its place.
    kept = first.file.read_bytes()
    manifest_path(model).unlink()
    np.savez(model, another=np.zeros(3))
    done = cli("bench", "--replay", first.file, "--json", first.file)
    assert (done.returncode, done.stdout, done.speaks_plainly) == (22, "", True)
    assert f"{model} is not the file that was measured" in done.stderr
    assert first.file.read_bytes() == kept


def _predictions(row: Row) -> str:
    predictions = row.measurements[0].predictions
    assert predictions is not None
    return predictions.labels


# Other people's models, other people's images


def _one_file(cli: CommandLine, folder: Path, *arguments: object) -> Benchmark:
    return _bench(cli, folder, *arguments, *_named("numpy", "litert", "onnxruntime"), *SMOKE)


def test_other_peoples_models_are_measured_with_noise_and_say_so(
    cli: CommandLine, strangers: Path, tmp_path: Path
) -> None:
    names = [
        f"{kind}.{suffix}" for kind in ("larger-images", "seven-scores") for suffix in _SUFFIXES
    ]
    found = _one_file(cli, tmp_path, *(strangers / name for name in names))
    assert found.done.returncode == 0, found.done.stderr
    for name in names:
        row = found.row(name)
        assert row.measurements[0].inputs.source == "synthetic"
        assert row.accuracy is None
        assert row.back_to_back is not None
        assert "synthetic-inputs" in {remark.code for remark in row.remarks}
    # The baseline takes the test images, because they are there.
    assert found.row(NO_MODEL.name).measurements[0].inputs.source == "fashion-mnist"


_SUFFIXES = ("npz", "onnx", "tflite")


def test_other_peoples_models_have_an_accuracy_on_other_peoples_images(
    cli: CommandLine, strangers: Path, tmp_path: Path
) -> None:
    data = tmp_path / "my.npz"
    images = np.random.RandomState(0).randint(0, 256, (40, 32, 32)).astype(np.uint8)
    labels = np.arange(40) % 10
    np.savez(data, images=images, labels=labels)
    models = [strangers / f"larger-images.{suffix}" for suffix in ("onnx", "tflite")]
    found = _one_file(cli, tmp_path, *models, "--data", data)
    assert found.done.returncode == 0, found.done.stderr
    assert found.run.own_data is not None
    assert found.run.own_data.path == str(data)
    assert found.run.data_sha256 == ""
    for model in models:
        row = found.row(model.name)
        assert row.measurements[0].inputs.source == "file"
        assert row.accuracy is not None
        predictions = row.measurements[0].predictions
        assert predictions is not None
        given = np.array([int(digit) for digit in predictions.labels])
        assert (row.accuracy.images, row.accuracy.correct) == (40, np.sum(given == labels))
    for name in (NO_MODEL.name, FIXED_NETWORK.name):
        assert found.row(name).measurements[0].inputs.source == "synthetic"
        assert found.row(name).accuracy is None


def test_a_label_that_the_model_does_not_know_fails_its_row_at_once(
    cli: CommandLine, strangers: Path, tmp_path: Path
) -> None:
    data = tmp_path / "my.npz"
    np.savez(data, images=np.zeros((2, 32, 32), np.uint8), labels=np.array([0, 10]))
    found = _one_file(cli, tmp_path, strangers / "larger-images.onnx", "--data", data)
    assert (found.done.returncode, found.done.speaks_plainly) == (90, True)
    assert "labels go up to 10" in found.failure("larger-images.onnx").message
    # Nothing is left to measure, so the baseline is not measured either.
    assert len(found.run.rows) == 1


# One measuring process


def _case(folder: Path, name: str, runtime: str) -> Case:
    (path,) = (path for path in find_artifacts(folder) if display_name(path) == name)
    return make_plan([path], Selection({runtime: RUNTIMES[runtime]}, named=(runtime,))).cases[0]


# A measuring process that tells at its end on stderr which modules it has imported.
_TELLING = """
import sys
from fmnist_edge.worker import main
main()
print("imported:", *sys.modules, file=sys.stderr)
"""


def _alone(
    cli: CommandLine,
    case: Case,
    *orders: Command,
    worker: Sequence[str] = ("-X", "importtime", "-m", "fmnist_edge.worker"),
) -> tuple[list[Reply], Finished]:
    """One measuring process on its own, which tells on stderr what it imports."""
    data = DataPaths(test_split=str(cli.data))
    job = Job(case, PROTOCOLS["smoke"], data, classify=False)
    command = [sys.executable, *worker]
    given = "".join(encode_line(each).decode() for each in (job, *orders))
    done = cli.execute(command, given=given)
    return [decode_json(Reply, line) for line in done.stdout.splitlines()], done


def _imported(done: Finished) -> set[str]:
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


@pytest.mark.parametrize(
    ("name", "runtime"),
    [
        ("default-float32.npz", "numpy"),
        ("default-float32.tflite", "litert"),
        ("default-int8.onnx", "onnxruntime"),
        ("default-int8.xml", "openvino"),
    ],
)
def test_a_measuring_process_imports_its_own_runtime_and_no_other(
    cli: CommandLine, shelf: Path, name: str, runtime: str
) -> None:
    replies, done = _alone(cli, _case(shelf, name, runtime), Command(Task.OPEN))
    (reply,) = replies
    assert reply.opened is not None
    imported = _imported(done)
    packages = {module.PACKAGE for module in RUNTIMES.values()} - {"numpy", ""}
    assert imported & packages == {RUNTIMES[runtime].PACKAGE} - {"numpy", ""}
    assert imported.isdisjoint({"keras", "onnx", "rich", "typer", "pooch"})


def test_a_measuring_process_imports_no_module_of_ours_for_other_runtimes(
    cli: CommandLine, shelf: Path
) -> None:
    case = _case(shelf, "default-float32.tflite", "litert")
    _, done = _alone(cli, case, Command(Task.OPEN), worker=("-c", _TELLING))
    imported = set(done.stderr.rpartition("imported: ")[2].split())
    own = {name for name in imported if name.startswith("fmnist_edge.runtimes.")}
    parts = ("litert", "litert_compiled", "litert_log")
    assert own == {f"fmnist_edge.runtimes.{name}" for name in parts}
    # What each of these brings is resident in every process that measures.
    assert imported.isdisjoint({"_hashlib", "email", "importlib.metadata", "numpy.random"})


def test_a_measuring_process_carries_out_commands_until_there_are_no_more(
    cli: CommandLine, shelf: Path
) -> None:
    case = _case(shelf, "default-float32.npz", "numpy")
    orders = (Command(Task.OPEN), Command(Task.BACK_TO_BACK, 0.01, 5), Command(Task.COLLECT))
    replies, done = _alone(cli, case, *orders)
    assert done.returncode == 0
    assert replies[0].opened is not None
    assert replies[1] == Reply()
    assert replies[2].measurement is not None
    assert replies[2].measurement.back_to_back.turn_samples[0] >= 5


def test_a_failure_is_the_last_reply_of_a_measuring_process(cli: CommandLine, shelf: Path) -> None:
    case = replace(_case(shelf, "default-float32.npz", "numpy"), device="tpu")
    replies, done = _alone(cli, case, Command(Task.OPEN), Command(Task.COLLECT))
    assert done.returncode == 0
    (reply,) = replies
    assert reply.failure is not None
    assert reply.failure.kind == "DeviceUnavailableError"


def test_a_file_that_changes_after_it_was_looked_at_is_not_measured(
    cli: CommandLine, shelf: Path, tmp_path: Path
) -> None:
    model = copy_artifact(shelf / "default-float32.npz", tmp_path)
    case = _case(tmp_path, model.name, "numpy")
    manifest_path(model).unlink()
    model.write_bytes(model.read_bytes() + b" ")
    (reply,), _ = _alone(cli, case, Command(Task.OPEN))
    assert reply.failure is not None
    assert reply.failure.kind == "HashMismatchError"
    assert reply.failure.message == f"{model} changed while the benchmark was running."


# Files that fail


@pytest.fixture(scope="module")
def damaged(exported: Path, strangers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one sound model and one file for everything that can be wrong with files."""
    folder = tmp_path_factory.mktemp("damaged")
    copy_artifact(exported / "default-float32.npz", folder)

    def spoil(source: str, name: str, change: Callable[[bytes], bytes]) -> None:
        (folder / name).write_bytes(change((exported / source).read_bytes()))

    # With a manifest, whose hash tells.
    for name, change in (
        ("default-int8.tflite", lambda whole: whole[: len(whole) // 2]),
        ("default-int8.onnx", lambda whole: whole[:-1] + bytes([whole[-1] ^ 1])),
    ):
        copy_artifact(exported / name, folder)
        spoil(name, name, change)
    # With a manifest that is wrong itself.
    for name, text in (
        ("no-json.tflite", "{"),
        ("other-name.tflite", manifest_path(exported / "default-int8.tflite").read_text()),
    ):
        spoil("default-int8.tflite", name, lambda whole: whole)
        manifest_path(folder / name).write_text(text)
    # Without one.
    for suffix in _SUFFIXES:
        spoil(f"default-float32.{suffix}", f"cut.{suffix}", lambda whole: whole[: len(whole) // 2])
        spoil(f"default-float32.{suffix}", f"scrambled.{suffix}", _scramble)
        (folder / f"text.{suffix}").write_text("I am no model.\n" * 100)
    for suffix in ("onnx", "tflite"):
        path = strangers / f"two-inputs.{suffix}"
        (folder / path.name).write_bytes(path.read_bytes())
    for inputs in (0, 3):
        (folder / f"{inputs}-inputs.onnx").write_bytes(_summing(inputs))
    spoil("default-int8.tflite", "model.bin", lambda whole: whole)
    with np.load(exported / "default-float32.npz") as arrays:
        np.savez(folder / "no-numbers.npz", **{k: _without_numbers(v) for k, v in arrays.items()})
    return folder


def _scramble(whole: bytes) -> bytes:
    """Every hundredth byte of the first and last thousand is another."""
    changed = bytearray(whole)
    for place in (*range(50, 1_000, 100), *range(-1_000, 0, 100)):
        changed[place] ^= 0xFF
    return bytes(changed)


def _without_numbers(array: np.ndarray) -> np.ndarray:
    return array * np.float32("nan") if array.dtype == np.float32 else array


def _summing(inputs: int) -> bytes:
    """A model that adds up its inputs and a constant."""
    names = [f"x{index}" for index in range(inputs)]
    constant = helper.make_tensor("c", TensorProto.FLOAT, [1, 10], [0.1] * 10)
    values = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 10])
        for name in (*names, "y")
    }
    graph = helper.make_graph(
        [helper.make_node("Sum", [*names, "c"], ["y"])],
        "summing",
        [values[name] for name in names],
        [values["y"]],
        [constant],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    payload: bytes = model.SerializeToString()
    return payload


# File name -> the error's class, and what it says.
FAILURES: Mapping[str, tuple[str, str]] = {
    "default-int8.tflite": ("HashMismatchError", "is not the file its manifest describes"),
    "default-int8.onnx": ("HashMismatchError", "is not the file its manifest describes"),
    "no-json.tflite": ("ManifestError", "cannot be understood"),
    "other-name.tflite": ("ManifestError", "describes 'default-int8.tflite'"),
    "model.bin": ("ModelUnsupportedError", "has no suffix that names a model format"),
    "no-numbers.npz": ("ModelUnsupportedError", "gives scores that are no numbers"),
    "cut.npz": ("ModelUnreadableError", "is not a model of plain arrays"),
    "cut.onnx": ("ModelUnreadableError", "ONNX Runtime cannot open"),
    "cut.tflite": ("ModelUnreadableError", "LiteRT cannot open"),
    "text.npz": ("ModelUnreadableError", "is not a model of plain arrays"),
    "text.onnx": ("ModelUnreadableError", "ONNX Runtime cannot open"),
    "text.tflite": ("ModelUnreadableError", "LiteRT cannot open"),
    "two-inputs.onnx": ("ModelUnsupportedError", "has 2 inputs and 1 outputs"),
    "two-inputs.tflite": ("ModelUnsupportedError", "has 2 inputs and 1 outputs"),
    "0-inputs.onnx": ("ModelUnsupportedError", "has 0 inputs and 1 outputs"),
    "3-inputs.onnx": ("ModelUnsupportedError", "has 3 inputs and 1 outputs"),
}
# What a native library makes of these is its own affair, as long as there is a sentence.
SCRAMBLED = ("scrambled.npz", "scrambled.onnx", "scrambled.tflite")


@pytest.fixture(scope="module")
def failed(cli: CommandLine, damaged: Path, tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    files = [path for path in sorted(damaged.iterdir()) if path.suffix != ".json"]
    # One runtime per format, so that each file is one row.
    return _one_file(cli, tmp_path_factory.mktemp("failed"), *files)


@pytest.mark.parametrize("name", FAILURES)
def test_a_file_that_fails_is_one_row_with_one_sentence(failed: Benchmark, name: str) -> None:
    kind, sentence = FAILURES[name]
    failure = failed.failure(name)
    assert failure.kind == kind
    assert name in failure.message
    assert sentence in failure.message
    assert failure.message.endswith(".")
    assert "\n" not in failure.message
    assert failure.hint


@pytest.mark.parametrize("name", SCRAMBLED)
def test_a_scrambled_file_is_one_row_whatever_the_runtime_does(
    failed: Benchmark, name: str
) -> None:
    failure = failed.failure(name)
    assert failure.kind in {"ModelUnreadableError", "ModelUnsupportedError", "WorkerCrashedError"}


def test_the_other_rows_stand(failed: Benchmark) -> None:
    sound = failed.row("default-float32.npz")
    assert sound.accuracy is not None
    assert sound.accuracy.correct > 8_000
    for name in (NO_MODEL.name, FIXED_NETWORK.name):
        assert failed.row(name).back_to_back is not None


def test_failed_rows_end_with_90_and_a_line_each(failed: Benchmark) -> None:
    done = failed.done
    assert (done.returncode, done.speaks_plainly) == (90, True)
    told = [line for line in done.stdout.splitlines() if line.startswith("Failed: ")]
    assert len(told) == len(FAILURES) + len(SCRAMBLED)
    assert f"Error: {len(told)} of {len(told) + 3} rows failed." in done.stderr
    for name in (*FAILURES, *SCRAMBLED):
        assert sum(f"Failed: {name}" in line for line in told) == 1


def test_failed_rows_have_lines_in_the_table(failed: Benchmark) -> None:
    for name in FAILURES:
        lines = failed.done.stdout.splitlines()
        (line,) = (line for line in lines if line.startswith(f"{name} "))
        assert "failed" in line


# What the user may type


_WRONG: Mapping[str, tuple[tuple[object, ...], int, str]] = {
    "no threads": (("--threads", "0"), 2, "--threads takes whole numbers from 1 to"),
    "threads in words": (("--threads", "1,x"), 2, "--threads takes whole numbers from 1 to"),
    "too many threads": (("--threads", "9" * 30), 2, "--threads takes whole numbers from 1 to"),
    "a CPU that is not there": (("--pin", "9999"), 2, "cannot have CPU 9999"),
    "a CPU in words": (("--pin", "all"), 2, "--pin takes whole numbers from 0 to"),
    "no rate": (("--rate", 0), 2, "--rate"),
    "no number for a rate": (("--rate", "nan"), 2, "--rate"),
    "endless energy": (("--energy", "inf"), 2, "--energy"),
    "an endless limit": (("--limit", "inf"), 2, "--limit"),
    "no processes": (("--processes", 0), 2, "--processes"),
    "no batch": (("--batch", 0), 2, "--batch"),
    "two protocols": (("--quick", "--protocol", "tiny-like"), 2, "contradict each other"),
    "an unknown protocol": (("--protocol", "slow"), 2, "no protocol called 'slow'"),
    "an unknown runtime": (("--runtime", "tpu"), 2, "no runtime called 'tpu'"),
    "data that are not there": (("--data", "gone.npz"), 2, "gone.npz cannot be read"),
    "data without images": (("--data", "empty.npz"), 2, "holds no array called images"),
    "a result and models": (("--replay", "result.json"), 2, "--replay measures what"),
}


_EARLIER = '{"kind": "fmnist-edge run"}'


@pytest.mark.parametrize("name", _WRONG)
def test_what_makes_no_sense_is_refused_before_the_benchmark(
    inside: CommandLine, shelf: Path, tmp_path: Path, name: str
) -> None:
    arguments, code, sentence = _WRONG[name]
    (tmp_path / "result.json").write_text(_EARLIER)
    np.savez(tmp_path / "empty.npz", pictures=np.zeros(3))
    model = shelf / "default-float32.npz"
    done = inside("bench", model, *arguments, "--json", "result.json", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.speaks_plainly) == (code, "", True), done.stderr
    assert sentence in " ".join(done.stderr.split())
    assert "Benchmark" not in done.stderr
    assert (tmp_path / "result.json").read_text() == _EARLIER


_WRONG_REPLAYS: Mapping[str, tuple[Callable[[str], str], tuple[object, ...], int, str]] = {
    "half a result": (lambda text: text[: len(text) // 2], (), 80, "is damaged"),
    "no result at all": (lambda _: "I am no result.\n", (), 80, "is no result"),
    "a result of tomorrow": (
        lambda text: text.replace('"schema_version": 5', '"schema_version": 6'),
        (),
        81,
        "newer schema version 6",
    ),
    "another runtime": (str, ("--runtime", "numpy"), 2, "--replay measures what"),
    "another protocol": (str, ("--quick",), 2, "--replay measures what"),
    "other threads": (str, ("--threads", "2"), 2, "--replay measures what"),
    "another seed": (str, ("--seed", 0), 2, "--replay measures what"),
    "other data": (str, ("--data", "my.npz"), 2, "--replay measures what"),
}


@pytest.mark.parametrize("name", _WRONG_REPLAYS)
def test_what_cannot_be_measured_once_more_is_refused(
    inside: CommandLine, pinned: Benchmark, tmp_path: Path, name: str
) -> None:
    change, arguments, code, sentence = _WRONG_REPLAYS[name]
    result = tmp_path / "result.json"
    result.write_text(change(pinned.file.read_text()))
    before = result.read_text()
    done = inside("bench", "--replay", result, *arguments, "--json", result, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.speaks_plainly) == (code, "", True), done.stderr
    assert sentence in done.stderr
    assert result.read_text() == before


def test_a_result_that_could_not_be_kept_is_refused_before_the_benchmark(
    inside: CommandLine, shelf: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    model = shelf / "default-float32.npz"
    for kept in ("file/result.json", "folder"):
        done = inside("bench", model, *SMOKE, "--json", kept, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.speaks_plainly) == (60, "", True), done.stderr
        assert "Benchmark" not in done.stderr


def test_a_file_of_the_users_is_not_replaced_by_a_result(
    inside: CommandLine, cli: CommandLine, shelf: Path, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.json"
    notes.write_text('{"mine": 1}')
    command = ("bench", shelf / "default-float32.npz", *_named("numpy"), *SMOKE, "--json", notes)
    done = inside(*command, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.speaks_plainly) == (23, "", True), done.stderr
    assert "fmnist-edge did not write it" in done.stderr
    assert notes.read_text() == '{"mine": 1}'
    assert cli(*command, "--force").returncode == 0
    assert read_run(notes).rows
    # A result of its own is replaced unasked.
    assert cli(*command).returncode == 0


def test_the_standard_output_is_the_result_and_nothing_else_where_that_is_asked_for(
    cli: CommandLine, shelf: Path, tmp_path: Path
) -> None:
    model = shelf / "default-float32.npz"
    done = cli("bench", model, *_named("numpy"), *SMOKE, "--json", "-", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert decode_json(Run, done.stdout).rows
    assert list(tmp_path.iterdir()) == []


def test_an_option_in_the_place_of_the_file_is_refused(
    inside: CommandLine, shelf: Path, tmp_path: Path
) -> None:
    done = inside("bench", shelf, "--json", "--protocol", "smoke", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.speaks_plainly) == (2, "", True), done.stderr
    assert "not --protocol" in " ".join(done.stderr.split())


def test_what_would_be_measured_is_listed_and_nothing_is_measured(
    cli: CommandLine, shelf: Path
) -> None:
    done = cli("bench", shelf, *_named("numpy", "onnxruntime"), *SMOKE, "--dry-run")
    assert done.returncode == 0, done.stderr
    rows = done.stdout.splitlines()
    assert len(rows) == 5
    assert sum(row.endswith("default-int8.onnx on onnxruntime") for row in rows) == 1
    assert "Measuring 5 rows of 3 model files with the protocol smoke: about " in done.stderr
    assert "Benchmark" not in done.stderr


def test_what_would_be_measured_is_listed_with_its_batch(cli: CommandLine, shelf: Path) -> None:
    model = shelf / "default-float32.npz"
    done = cli("bench", model, *SMOKE, "--batch", "1,8", "--dry-run")
    assert [row.partition(" on ")[2] for row in done.stdout.splitlines()] == [
        *("numpy, batch 1", "numpy, batch 8"),
        *("null, batch 1", "numpy, batch 1", "null, batch 8", "numpy, batch 8"),
    ]


def test_a_table_that_nobody_reads_costs_no_result(
    cli: CommandLine, shelf: Path, tmp_path: Path
) -> None:
    model: Any = shelf / "default-float32.npz"
    command = f'"$0" bench "{model}" --protocol smoke --json result.json >&-'
    cli.execute(["sh", "-c", command, cli.entry_point], cwd=tmp_path)
    assert read_run(tmp_path / "result.json").rows
