"""Rows on a GPU, end to end: real delegates, shaders and files, on Vulkan in software; and faults.

A row on a GPU is shown with its certificate; whatever goes wrong, no row is VALID that did not run
there.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from fmnist_edge.dataset import Split
from fmnist_edge.devices import CPU
from fmnist_edge.exporters.onnx.graph import parse
from fmnist_edge.exporters.onnx.pixels import adapt
from fmnist_edge.recipes import Choices
from fmnist_edge.records import replace
from fmnist_edge.result import Row, Run, read_run
from tests.commands import CommandLine, Finished, copy_artifact
from tests.environments import WEBGPU
from tests.once import Once

UNAVAILABLE = 26
ROWS_FAILED = 90
MODEL = "default-float32.tflite"
BYTES = "default-float32.onnx"
FLOATS = "floats.onnx"
FEW = "few.npz"
SMOKE = ("--protocol", "smoke", "--json", "result.json")
SHORT = ("--runtime", "litert", "--data", FEW, *SMOKE)
# File, runtime, device and batch.
Rows = Mapping[tuple[str, str, str, int], Row]
ON_GPU = {
    (MODEL, "litert", "webgpu", 1),
    ("default-float32.ncnn.param", "ncnn", "vulkan", 1),
    *([(FLOATS, "onnxruntime", "webgpu", 1)] if WEBGPU else []),
}


def _rows(run: Run) -> Rows:
    """The rows of files; of a runtime in two environments, that of the tests' own."""
    rows = [row for row in run.rows if not row.case.subject.is_baseline]
    rows.sort(key=lambda row: row.case.environment, reverse=True)
    return {
        (row.case.subject.name, row.case.runtime, row.case.device, row.case.batch): row
        for row in rows
    }


def _believed(row: Row) -> bool:
    """Whether any figure of the row may be believed without reserve."""
    return row.failure is None and "VALID" in row.verdicts.values()


@pytest.fixture(scope="module")
def files(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files of the study's network."""
    folder = tmp_path_factory.mktemp("files")
    for name in (MODEL, "default-float32.ncnn.param", BYTES):
        copy_artifact(exported / name, folder)
    graph = parse((exported / BYTES).read_bytes())
    (folder / FLOATS).write_bytes(adapt(graph, Choices(), "float32").SerializeToString())
    return folder


@pytest.fixture(scope="module")
def person(
    vulkan: CommandLine,
    wheels: Path,
    with_uv: Mapping[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> CommandLine:
    """Somebody with a GPU, and with an environment called `webgpu` where there can be one."""
    home = tmp_path_factory.mktemp("home")
    made = replace(vulkan, home=home, added={**vulkan.added, **with_uv})
    if WEBGPU:
        done = made("environment", "add", "webgpu", *WEBGPU, "--wheels", wheels)
        assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="module")
def measuring(person: CommandLine, files: Path, once: Once) -> Finished:
    """One real benchmark of the files that a GPU computes wholly, on the CPU and on the GPU."""
    environments = (".", "webgpu") if WEBGPU else (".",)

    def measure(folder: Path) -> Finished:
        shutil.copytree(files, folder, dirs_exist_ok=True)
        return person(
            "bench", MODEL, "default-float32.ncnn.param", FLOATS,
            *("--device", "cpu", "--device", "webgpu", "--device", "vulkan"),
            *("--runtime", "litert", "--runtime", "onnxruntime", "--runtime", "ncnn"),
            *(part for each in environments for part in ("--environment", each)),
            *("--processes", 2), *SMOKE, cwd=folder,
        )  # fmt: skip

    return once("accelerators", measure)


@pytest.fixture(scope="module")
def measured(measuring: Finished) -> Run:
    assert measuring.returncode == 0, measuring.stderr
    return read_run(measuring.folder / "result.json")


@pytest.fixture(scope="module")
def on_gpu(measured: Run) -> Rows:
    return {key: row for key, row in _rows(measured).items() if row.case.device != CPU}


def test_each_row_on_the_gpu_carries_a_certificate_of_each_process(on_gpu: Rows) -> None:
    assert on_gpu.keys() == ON_GPU
    for key, row in on_gpu.items():
        assert row.failure is None, (key, row.failure)
        for each in row.measurements:
            found = each.placement
            assert found is not None, key
            assert found.account.operators == found.account.on_device > 0, key
            assert found.account.elsewhere == ()
            unit = found.account.unit
            # ONNX Runtime does not tell which GPU its WebGPU found.
            assert unit is None if key[1] == "onnxruntime" else unit, key
            assert unit is None or unit.name.startswith("llvmpipe"), key
            assert found.strict.refused == "", key
            assert found.strict.max_abs_difference == pytest.approx(0, abs=1e-4), key
            assert found.twin.agreement > 0.99, key
            assert found.twin.time_ratio is not None, key
            assert found.twin.time_ratio > 2, key
        assert not [each for each in row.reasons if len(each.figures) == len(row.verdicts)], key


def test_the_gpu_labels_the_test_images_as_the_cpu_does(measured: Run) -> None:
    rows = _rows(measured)
    for (name, runtime, device, batch), row in rows.items():
        if device != CPU:
            twin = rows[name, runtime, CPU, batch]
            assert row.accuracy is not None
            assert twin.accuracy is not None
            assert row.accuracy.images == 10_000
            assert row.accuracy.correct == pytest.approx(twin.accuracy.correct, abs=20), name


def test_float32_is_computed_in_float32_unless_less_is_allowed(on_gpu: Rows) -> None:
    row = on_gpu[MODEL, "litert", "webgpu", 1]
    assert (
        max(each.placement.twin.max_abs_difference for each in row.measurements if each.placement)
        < 1e-5
    )
    assert "shorter-type" not in {reason.code for reason in row.reasons}


def test_a_shorter_type_is_used_where_it_is_allowed_and_is_a_row_of_its_own(
    vulkan: CommandLine, folder: Path
) -> None:
    done, rows = _bench(vulkan, folder, "--device", "webgpu", "--fast-math")
    assert done.returncode == 0, done.stderr
    row = rows[MODEL, "litert", "webgpu", 1]
    assert row.case.fast_math
    found = row.measurements[0].placement
    assert found is not None
    # float16 has 11 bits.
    assert 1e-5 < found.twin.max_abs_difference < 1e-2
    assert "shorter-type" not in {reason.code for reason in row.reasons}
    assert "webgpu fast math" in done.stdout


def test_a_cold_start_is_told_with_empty_and_with_warm_caches(on_gpu: Rows) -> None:
    row = on_gpu[MODEL, "litert", "webgpu", 1]
    empty, warm = (each.kernel_cache for each in row.measurements)
    assert empty is not None
    assert warm is not None
    assert empty.before_bytes == 0 < empty.after_bytes == warm.before_bytes
    assert row.cold is not None
    assert row.cold_empty is not None
    assert row.cold_empty.first_call_ns > row.cold.first_call_ns


def test_the_screen_names_the_unit(measuring: Finished) -> None:
    assert "llvmpipe" in measuring.stdout


# Faults


def _bench(at: CommandLine, folder: Path, *arguments: object) -> tuple[Finished, Rows]:
    done = at("bench", MODEL, *arguments, *SHORT, cwd=folder)
    assert "Traceback" not in done.stderr + done.stdout
    result = folder / "result.json"
    return done, _rows(read_run(result)) if result.exists() else {}


@pytest.fixture
def folder(files: Path, tmp_path: Path, unseen: Split) -> Path:
    """A folder with one file, and a few images that are quickly labelled."""
    for name in (MODEL, f"{MODEL}.json"):
        shutil.copy(files / name, tmp_path)
    np.savez(tmp_path / FEW, images=unseen.images[:64], labels=unseen.labels[:64])
    return tmp_path


def test_without_a_driver_nothing_is_measured_and_the_reason_is_told(
    without_vulkan: CommandLine, folder: Path
) -> None:
    done, rows = _bench(without_vulkan, folder, "--device", "webgpu")
    assert done.returncode == UNAVAILABLE
    assert done.speaks_plainly
    assert not any(map(_believed, rows.values()))


def test_without_a_driver_the_rows_on_the_cpu_stand(
    without_vulkan: CommandLine, folder: Path
) -> None:
    done, rows = _bench(without_vulkan, folder, "--device", "cpu", "--device", "webgpu")
    assert done.returncode == ROWS_FAILED
    failed = rows[MODEL, "litert", "webgpu", 1]
    assert failed.failure is not None
    assert failed.failure.kind == "DeviceUnavailableError"
    assert rows[MODEL, "litert", "cpu", 1].failure is None


if WEBGPU:

    def test_operators_that_the_gpu_does_not_have_are_named_and_spoil_their_row(
        person: CommandLine, files: Path, folder: Path
    ) -> None:
        """A graph for bytes begins with a cast that ONNX Runtime's WebGPU leaves to the CPU."""
        shutil.copy(files / BYTES, folder)
        given = ("--device", "webgpu", "--environment", "webgpu", "--data", FEW)
        done = person("bench", BYTES, *given, *SMOKE, cwd=folder)
        assert done.returncode == 0, done.stderr
        row = _rows(read_run(folder / "result.json"))[BYTES, "onnxruntime", "webgpu", 1]
        reason = row.reasons[0]
        assert (reason.code, reason.level) == ("not-on-device", "INVALID")
        assert "(Cast)" in str(reason.values["elsewhere"])
        assert not _believed(row)
        shown = person("report", "result.json", cwd=folder).stdout
        assert "(Cast)" in shown


def test_a_batch_that_the_delegate_refuses_is_a_row_that_says_so(
    vulkan: CommandLine, folder: Path
) -> None:
    done, rows = _bench(vulkan, folder, "--device", "webgpu", "--device", "cpu", "--batch", 8)
    assert done.returncode == ROWS_FAILED
    refused = rows[MODEL, "litert", "webgpu", 8]
    assert refused.failure is not None
    assert refused.failure.kind == "ModelUnsupportedError"
    assert "fixed" in refused.failure.hint
    assert rows[MODEL, "litert", "cpu", 8].failure is None


def test_a_device_that_vanishes_between_two_processes_spoils_its_row(
    vulkan: CommandLine, folder: Path, tmp_path: Path
) -> None:
    """The driver is taken away once the first round has ended."""
    driver = tmp_path / "driver.json"
    given = Path(vulkan.environment["VK_DRIVER_FILES"])
    text = given.read_text()
    library = next(given.parents[3].rglob("libvulkan_lvp.so"))
    driver.write_text(text.replace(text.split('"library_path"')[1].split('"')[1], str(library)))
    added = {**vulkan.added, "VK_DRIVER_FILES": str(driver), "VK_ICD_FILENAMES": str(driver)}
    at = CommandLine(vulkan.home, vulkan.data, added=added)
    arguments = ("bench", MODEL, "--device", "webgpu", "--processes", 3)
    with at.running(*arguments, *SHORT, cwd=folder) as process:
        while not (folder / "result.json").exists():
            assert process.poll() is None, process.communicate()
        driver.unlink()
        _, told = process.communicate(timeout=120)
    assert process.returncode == ROWS_FAILED, told
    row = _rows(read_run(folder / "result.json"))[MODEL, "litert", "webgpu", 1]
    assert row.failure is not None
    assert row.failure.kind == "DeviceUnavailableError"
    assert not _believed(row)


def test_an_unknown_device_is_refused_with_the_nearest_name(cli: CommandLine, folder: Path) -> None:
    done = cli("bench", ".", "--device", "webgp", cwd=folder)
    assert done.returncode == 2
    assert "Did you mean webgpu?" in done.stderr
