"""The benchmark: what it measures, and what it does about files and processes that fail."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from fmnist_edge import __version__
from fmnist_edge.artifact import display_name, find_manifests, manifest_path, open_artifact
from fmnist_edge.bench.messages import Job, Reply
from fmnist_edge.bench.plan import make_plan
from fmnist_edge.bench.protocols import PROTOCOLS
from fmnist_edge.dataset import DATASET_SHA256, Split
from fmnist_edge.records import decode_json, encode_json
from fmnist_edge.result import Case, Failure, Row, Run, read_run
from fmnist_edge.runtimes import RUNTIMES
from tests.commands import (
    CommandLine,
    Finished,
    children,
    copy_artifact,
    finish,
    read_until,
    wait_until,
)

# A file of each format, and the runtimes that open it.
PAIRS = {
    ("default-float32.npz", "numpy"),
    ("default-float32.saved-model", "tensorflow"),
    ("default-float32.tflite", "litert"),
    ("default-int8.onnx", "onnxruntime"),
    ("default-int8.onnx", "openvino"),
    ("default-int8.ort", "onnxruntime"),
    ("default-int8.tflite", "litert"),
    ("default-int8.xml", "openvino"),
    ("(no model)", "null"),
}


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


def _bench(cli: CommandLine, folder: Path, *arguments: object) -> Benchmark:
    """Run `bench` to its end."""
    file = folder / "result.json"
    done = cli("bench", *arguments, "--json", file)
    return Benchmark(done, file, read_run(file))


@pytest.fixture(scope="module")
def shelf(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of each format, and the model they were made of."""
    folder = tmp_path_factory.mktemp("shelf")
    wanted = {"default.keras", *(name for name, _ in PAIRS)}
    for path in find_manifests(exported):
        if display_name(path) in wanted:
            copy_artifact(path, folder)
    return folder


@pytest.fixture(scope="module")
def smoke(cli: CommandLine, shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """All of these, measured in short."""
    return _bench(cli, tmp_path_factory.mktemp("smoke"), shelf, "--protocol", "smoke")


def _pair(row: Row) -> tuple[str, str]:
    return row.case.subject.name, row.case.runtime


# What is measured


def test_every_file_is_measured_on_the_runtime_that_opens_it(smoke: Benchmark) -> None:
    assert smoke.done.returncode == 0, smoke.done.stderr
    assert {_pair(row) for row in smoke.run.rows} == PAIRS
    assert len(smoke.run.rows) == len(PAIRS)
    assert all(row.failure is None for row in smoke.run.rows)


def test_where_nothing_can_be_measured_the_reason_is_given(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    done = cli("bench", exported / "default-float32.npz", "--runtime", "litert", cwd=tmp_path)
    assert (done.returncode, done.speaks_plainly) == (2, True)
    assert "none of the runtimes in use (litert) opens npz files" in done.stderr


def test_a_result_that_could_not_be_kept_is_refused_before_the_benchmark(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    model, kept = exported / "default-float32.npz", tmp_path / "file" / "result.json"
    done = cli("bench", model, "--protocol", "smoke", "--json", kept, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.speaks_plainly) == (60, "", True)
    assert "Benchmark" not in done.stderr


def test_what_no_runtime_opens_is_named_with_a_reason(smoke: Benchmark) -> None:
    (skipped,) = smoke.run.skipped
    assert skipped.what.endswith("default.keras")
    assert "opens keras files" in skipped.reason
    assert f"Not measured: {skipped.what}: {skipped.reason}." in smoke.done.stderr


def test_the_result_names_what_was_measured_and_where(smoke: Benchmark) -> None:
    run = smoke.run
    assert run.settings == PROTOCOLS["smoke"]
    assert run.data_sha256 == DATASET_SHA256
    assert run.version == __version__
    assert set(run.versions) == {
        *("python", "fmnist-edge", "numpy"),
        *("ai-edge-litert", "onnxruntime", "openvino", "tensorflow"),
    }
    assert {"cpu", "cores", "architecture", "memory", "kernel", "governor"} <= set(run.host)
    assert all(run.host.values())
    for row in run.rows:
        if row.case.subject.sha256 is not None:
            artifact = open_artifact(Path(row.case.subject.path))
            assert row.case.subject.sha256 == artifact.sha256
            assert row.case.subject.size_bytes == artifact.size_bytes


def test_statistics_can_be_computed_again_from_the_samples(smoke: Benchmark) -> None:
    for row in smoke.run.rows:
        (measurement,) = row.measurements
        samples = measurement.samples.unpack()
        assert len(samples) >= smoke.run.settings.min_samples
        assert samples.min() > 0
        stored = row.latency
        assert stored is not None
        assert stored.count == len(samples)
        for percent, value in ((50, stored.p50), (90, stored.p90), (99, stored.p99)):
            rank = -(-percent * len(samples) // 100)  # rounded up
            assert value == np.sort(samples)[rank - 1]
        assert stored.mean == pytest.approx(samples.mean())
        assert stored.fastest == samples.min()
        assert stored.process_medians == (stored.p50,)


def test_accuracy_can_be_computed_again_from_the_labels(smoke: Benchmark, unseen: Split) -> None:
    for row in smoke.run.rows:
        given = np.array([int(digit) for digit in row.measurements[0].labels])
        assert row.accuracy is not None
        assert row.accuracy.images == len(given) == 10_000
        assert row.accuracy.correct == np.sum(given == unseen.labels)
        expected = 0.1 if row.case.runtime == "null" else pytest.approx(0.9, abs=0.08)
        assert row.accuracy.top1 == expected


def test_a_measurement_tells_how_it_was_done(smoke: Benchmark) -> None:
    for row in smoke.run.rows:
        (measurement,) = row.measurements
        assert measurement.runtime_version == RUNTIMES[row.case.runtime].load_library()
        assert measurement.used.get("threads", "1") == "1"
        assert measurement.load_ns > 0
        assert measurement.first_ns > 0
        memory = measurement.memory
        assert memory.start is not None
        assert memory.peak is not None
        assert 0 < memory.start < memory.peak
        if row.case.runtime == "null":
            assert row.throughput is None
        else:
            assert row.throughput is not None
            assert row.throughput.batch == 256
            assert row.throughput.images_per_second > 0


def test_the_table_has_a_line_for_every_row(smoke: Benchmark) -> None:
    for name, runtime in PAIRS:
        lines = [line for line in smoke.done.stdout.splitlines() if line.startswith(f" {name} ")]
        assert sum(f" {runtime} " in line for line in lines) == 1


def test_the_report_shows_the_table_that_the_benchmark_showed(
    cli: CommandLine, smoke: Benchmark, tmp_path: Path
) -> None:
    result = smoke.file
    assert cli("report", result).stdout == smoke.done.stdout
    written = cli("report", result, "--out", tmp_path / "page.md")
    assert written.returncode == 0, written.stderr
    page = (tmp_path / "page.md").read_text()
    for name, runtime in PAIRS:
        assert f"\n| {name} | {runtime} |" in page
    assert "## Not measured\n\n- " in page


def test_thread_counts_make_rows_of_their_own(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    model = exported / "default-int8.tflite"
    counts = ["--threads", 2, "--threads", 1, "--threads", 2, "--batch", 4]
    found = _bench(cli, tmp_path, model, model, *counts, "--protocol", "smoke")
    assert found.done.returncode == 0, found.done.stderr
    measured = [row for row in found.run.rows if row.case.runtime == "litert"]
    assert [row.case.threads for row in measured] == [2, 1]
    assert [row.measurements[0].used["threads"] for row in measured] == ["2", "1"]
    assert {row.case.batch for row in measured} == {4}
    assert "threads" in found.done.stdout


def _plan(folder: Path, name: str) -> Case:
    """The first case of a runtime in a folder of exports."""
    known = (path for path in find_manifests(folder) if (display_name(path), name) in PAIRS)
    return make_plan(list(known), {name: RUNTIMES[name]}).cases[0]


def _measure(cli: CommandLine, case: Case) -> Finished:
    """One measuring process on its own, which tells on stderr what it imports."""
    job = Job(case, PROTOCOLS["smoke"], str(cli.data), classify=False)
    command = [sys.executable, "-X", "importtime", "-m", "fmnist_edge.worker"]
    return cli.execute(command, given=encode_json(job))


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_measuring_process_imports_its_own_runtime_and_no_other(
    cli: CommandLine, shelf: Path, name: str
) -> None:
    done = _measure(cli, _plan(shelf, name))
    assert decode_json(Reply, done.stdout).failure is None
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    packages = {module.PACKAGE for module in RUNTIMES.values()} - {"numpy", ""}
    assert imported & packages == {RUNTIMES[name].PACKAGE} - {"numpy", ""}
    # TensorFlow brings Keras, and Keras brings Rich.
    brought = {"keras", "rich"} if name == "tensorflow" else set()
    assert imported.isdisjoint({"keras", "onnx", "rich", "typer", "pooch"} - brought)


def test_a_measuring_process_has_one_thread_unless_more_are_asked_for(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    with _benchmark_of_two(cli, exported, tmp_path, "--protocol", "quick") as (_, worker):
        time.sleep(0.5)  # so that whatever wants threads has started them
        assert len(list(Path(f"/proc/{worker}/task").iterdir())) == 1


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
    for suffix in ("npz", "onnx", "tflite"):
        spoil(f"default-float32.{suffix}", f"cut.{suffix}", lambda whole: whole[: len(whole) // 2])
        spoil(f"default-float32.{suffix}", f"scrambled.{suffix}", _scramble)
        (folder / f"text.{suffix}").write_text("I am no model.\n" * 100)
        for shape in ("larger-images", "seven-scores"):
            path = strangers / f"{shape}.{suffix}"
            (folder / path.name).write_bytes(path.read_bytes())
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
    "larger-images.npz": ("ModelUnsupportedError", "takes [N,1024], not [N,28,28]"),
    "larger-images.onnx": ("ModelUnsupportedError", "takes [N,32,32], not [N,28,28]"),
    "larger-images.tflite": ("ModelUnsupportedError", "takes [1,32,32], not [N,28,28]"),
    "seven-scores.npz": ("ModelUnsupportedError", "gives [N,7], not [N,10]"),
    "seven-scores.onnx": ("ModelUnsupportedError", "gives [N,7], not [N,10]"),
    "seven-scores.tflite": ("ModelUnsupportedError", "gives [1,7], not [N,10]"),
}
# What a native library makes of these is its own affair, as long as there is a sentence.
SCRAMBLED = ("scrambled.npz", "scrambled.onnx", "scrambled.tflite")


@pytest.fixture(scope="module")
def failed(cli: CommandLine, damaged: Path, tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    files = [path for path in sorted(damaged.iterdir()) if path.suffix != ".json"]
    # One runtime per format, so that each file is one row.
    names = ("numpy", "litert", "onnxruntime", "null")
    runtimes = [part for name in names for part in ("--runtime", name)]
    return _bench(cli, tmp_path_factory.mktemp("failed"), *files, *runtimes, "--protocol", "smoke")


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
    assert sound.accuracy.top1 > 0.8
    assert failed.row("(no model)").latency is not None


def test_failed_rows_end_with_90_and_a_line_each(failed: Benchmark) -> None:
    done = failed.done
    assert (done.returncode, done.speaks_plainly) == (90, True)
    told = [line for line in done.stderr.splitlines() if line.startswith("Failed: ")]
    assert len(told) == len(FAILURES) + len(SCRAMBLED)
    assert f"Error: {len(told)} of {len(told) + 2} rows failed; the others stand." in done.stderr
    for name in (*FAILURES, *SCRAMBLED):
        assert sum(f"Failed: {name} on " in line for line in told) == 1


def test_failed_rows_have_lines_but_no_numbers_in_the_table(failed: Benchmark) -> None:
    for name in FAILURES:
        (line,) = (line for line in failed.done.stdout.splitlines() if f" {name} " in line)
        assert line.split()[-9:] == ["-"] * 9


def test_a_single_file_that_fails_fails_the_command(
    cli: CommandLine, damaged: Path, tmp_path: Path
) -> None:
    found = _bench(cli, tmp_path, damaged / "text.onnx", "--runtime", "onnxruntime")
    assert (found.done.returncode, len(found.run.rows)) == (90, 1)


def test_a_file_that_changes_after_it_was_looked_at_is_not_measured(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    model = copy_artifact(exported / "default-float32.npz", tmp_path)
    case = _plan(tmp_path, "numpy")
    manifest_path(model).unlink()
    model.write_bytes(model.read_bytes() + b" ")
    failure = decode_json(Reply, _measure(cli, case).stdout).failure
    assert failure is not None
    assert failure.kind == "HashMismatchError"
    assert failure.message == f"{model} changed while the benchmark was running."


# Processes that fail


@contextmanager
def _benchmark_of_two(
    cli: CommandLine, exported: Path, folder: Path, *arguments: object
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A benchmark with two rows, and its first measuring process at work."""
    rows = [exported / "default-float32.npz", "--runtime", "numpy", "--runtime", "null"]
    settings = ["--processes", 1, *arguments, "--json", folder / "result.json"]
    with cli.running("bench", *rows, *settings, cwd=folder) as process:
        read_until("Benchmark ...", process)
        wait_until(lambda: _measuring(process.pid), process)
        (worker,) = _measuring(process.pid)
        yield process, worker


def _measuring(process: int) -> list[int]:
    """The measuring processes of a benchmark that have come as far as NumPy."""
    return [each for each in children(process) if _has_numpy(each)]


def _has_numpy(worker: int) -> bool:
    folder = Path(f"/proc/{worker}")
    try:
        # In this order: until it is a program of its own, a process looks like its parent.
        is_worker = "fmnist_edge.worker" in (folder / "cmdline").read_text()
        return is_worker and "/_multiarray_umath." in (folder / "maps").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False  # it has just ended


def _alive(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


def test_a_measuring_process_that_is_killed_becomes_a_row_that_says_so(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    with _benchmark_of_two(cli, exported, tmp_path, "--protocol", "quick") as (process, worker):
        time.sleep(0.5)  # so that it has something to be interrupted in
        os.kill(worker, signal.SIGKILL)
        done = finish(process, tmp_path)
    assert (done.returncode, done.speaks_plainly) == (90, True)
    run = read_run(tmp_path / "result.json")
    (failure,) = (row.failure for row in run.rows if row.failure is not None)
    assert failure.kind == "WorkerCrashedError"
    assert failure.message == "The measuring process was killed by SIGKILL."
    assert f"{failure.message} {failure.hint}" in done.stderr
    assert sum(row.latency is not None for row in run.rows) == 1


def test_a_measuring_process_that_hangs_is_given_up_and_becomes_a_row(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    limit = ["--protocol", "smoke", "--limit", 8]
    with _benchmark_of_two(cli, exported, tmp_path, *limit) as (process, worker):
        os.kill(worker, signal.SIGSTOP)
        done = finish(process, tmp_path)
    assert not _alive(worker)
    assert (done.returncode, done.speaks_plainly) == (90, True)
    run = read_run(tmp_path / "result.json")
    failures = [row.failure for row in run.rows if row.failure is not None]
    # One, unless the whole machine stood still for longer than the limit.
    assert failures
    assert len(failures) + sum(row.latency is not None for row in run.rows) == 2
    for failure in failures:
        assert failure.kind == "WorkerTimeoutError"
        assert failure.message == "The measuring process did not answer within 8 s."
        assert "--limit" in failure.hint


@pytest.mark.parametrize(
    "interrupt",
    [
        pytest.param(os.killpg, id="Ctrl-C, which every process of the terminal gets"),
        pytest.param(os.kill, id="kill -INT, which the command alone gets"),
    ],
)
def test_an_interrupted_benchmark_leaves_no_process_and_no_result(
    cli: CommandLine, exported: Path, tmp_path: Path, interrupt: Callable[[int, int], None]
) -> None:
    with _benchmark_of_two(cli, exported, tmp_path, "--protocol", "quick") as (process, worker):
        interrupt(process.pid, signal.SIGINT)
        done = finish(process, tmp_path)
    assert done.was_interrupted
    assert not _alive(worker)
    assert list(tmp_path.iterdir()) == []


def test_a_result_that_cannot_be_written_ends_with_60(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken").mkdir()
    rows = [exported / "default-float32.npz", "--runtime", "null", "--protocol", "smoke"]
    done = cli("bench", *rows, "--json", tmp_path / "taken")
    assert (done.returncode, done.speaks_plainly) == (60, True)
    assert "it is a folder" in done.stderr
