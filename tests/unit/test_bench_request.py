"""What a benchmark is to measure is settled before anything long begins."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmnist_edge import dataset, runtimes
from fmnist_edge.artifact import Format, manifest_path, write_artifact
from fmnist_edge.bench.plan import Plan
from fmnist_edge.bench.protocols import PROTOCOLS
from fmnist_edge.bench.sustained import sustained
from fmnist_edge.bench.wire import DataPaths
from fmnist_edge.errors import (
    ArtifactNotFoundError,
    DatasetNotFoundError,
    HashMismatchError,
    ResultSchemaError,
    ResultUnreadableError,
    UsageError,
)
from fmnist_edge.files import sha256_of
from fmnist_edge.host.facts import facts
from fmnist_edge.pipeline.bench_request import (
    BenchData,
    BenchRequest,
    find_data,
    plan,
    replay,
    resume,
)
from fmnist_edge.pipeline.sources import model_files
from fmnist_edge.records import replace
from fmnist_edge.result import LoadWindow, OwnData, Run, Skipped, write_run
from fmnist_edge.session import DefaultUse
from tests.examples import FAILURE, Diary, manifest, npz, row, run

_STANDARD = PROTOCOLS["standard"]
_OURS = Plan((), (), (), foreign=False)
_THEIRS = Plan((), (), (), foreign=True)


def _request(chosen: Plan, own_data: Path | None) -> BenchRequest:
    return BenchRequest(chosen, _STANDARD, own_data=own_data)


def _model(folder: Path, file: str = "model.npz") -> Path:
    described = replace(manifest(file=file), format=Format(file.rpartition(".")[2]))
    return write_artifact(folder, b"a model", described)


# Files


def test_a_folder_stands_for_the_artifacts_in_it(tmp_path: Path) -> None:
    inside = [_model(tmp_path / "a"), _model(tmp_path / "b" / "deep")]
    bare = tmp_path / "bare.onnx"
    bare.touch()
    everything = (*inside, bare)
    assert model_files([tmp_path], Path("unused")) == everything
    assert model_files([], tmp_path) == everything
    assert model_files([bare, tmp_path], Path("unused")) == (bare, *inside)


def test_a_file_named_twice_is_measured_once(tmp_path: Path) -> None:
    path = _model(tmp_path)
    assert model_files([path, tmp_path, path], Path("unused")) == (path,)


def test_nothing_to_measure_is_an_error_that_says_how_to_get_something(tmp_path: Path) -> None:
    with pytest.raises(
        ArtifactNotFoundError, match=f"There are no model files in {tmp_path}"
    ) as it:
        model_files([], tmp_path)
    assert "fmnist-edge train && fmnist-edge export" in it.value.hint
    with pytest.raises(ArtifactNotFoundError, match=r"There is no nowhere\.tflite"):
        model_files([tmp_path, Path("nowhere.tflite")], tmp_path)


def test_where_there_is_nothing_of_ones_own_the_reference_models_are_named(tmp_path: Path) -> None:
    _model(tmp_path / "reference")
    with pytest.raises(ArtifactNotFoundError) as caught:
        model_files([], tmp_path)
    assert f"fmnist-edge bench {tmp_path / 'reference'}" in caught.value.hint


def test_a_file_that_is_there_twice_is_measured_once_and_that_is_said(tmp_path: Path) -> None:
    first, second = _model(tmp_path / "a"), _model(tmp_path / "b")
    chosen = plan([first, second], _STANDARD, runtimes_named=("numpy",))
    assert [each.subject.path for each in chosen.cases[:-2]] == [str(first)]
    assert chosen.skipped == (Skipped(str(second), None, "same-file", {"path": str(first)}),)


# Runtimes


def test_an_unknown_runtime_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no runtime called 'tpu'") as caught:
        plan([_model(tmp_path)], _STANDARD, runtimes_named=("numpy", "tpu"))
    assert "onnxruntime" in caught.value.hint


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_protocol_in_a_hurry_leaves_out_what_is_slow_to_start(
    tmp_path: Path, protocol: str
) -> None:
    path = _model(tmp_path, "model.keras")
    chosen = plan([path], PROTOCOLS[protocol])
    slow = {
        name
        for name in runtimes.reading(Format.KERAS)
        if runtimes.get(name).DEFAULT_USE is DefaultUse.SLOW_IMPORT
    }
    assert slow
    found = {each.runtime for each in chosen.cases} & slow
    assert found == (set() if protocol in {"quick", "smoke"} else slow)


def test_a_runtime_that_is_named_is_used_in_a_hurry_too(tmp_path: Path) -> None:
    path = _model(tmp_path, "model.keras")
    chosen = plan([path], PROTOCOLS["quick"], runtimes_named=("tensorflow",))
    assert "tensorflow" in {each.runtime for each in chosen.cases}


def test_runtimes_are_called_from_c_only_when_that_is_asked_for(tmp_path: Path) -> None:
    path = _model(tmp_path, "model.tflite")
    usual, native = (
        {each.runtime for each in plan([path], _STANDARD, native=native).cases}
        for native in (False, True)
    )
    assert usual <= native
    named = {
        name
        for name in runtimes.reading(Format.TFLITE)
        if runtimes.get(name).DEFAULT_USE is DefaultUse.ON_REQUEST
    }
    assert usual & named == set()
    assert native & named == named


def test_a_runtime_that_is_named_is_called_from_c_too_where_that_is_asked_for(
    tmp_path: Path,
) -> None:
    path = _model(tmp_path, "model.tflite")
    chosen = plan([path], _STANDARD, runtimes_named=("litert", "numpy"), native=True)
    assert [each.runtime for each in chosen.cases[:-2]] == ["litert", "litert-native"]


def test_threads_and_batch_reach_the_cases(tmp_path: Path) -> None:
    chosen = plan([_model(tmp_path)], _STANDARD, threads=(1, 2), batches=(4,))
    assert [(each.runtime, each.threads, each.batch) for each in chosen.cases] == [
        ("numpy", 1, 4),
        ("numpy", 2, 4),
        ("null", 1, 4),
        ("numpy", 1, 4),
    ]


# Once more


def _kept(folder: Path, **changes: Any) -> tuple[Path, Run]:  # noqa: ANN401 - fields of a run
    """A result on disk, of a model that lies beside it."""
    chosen = plan([_model(folder)], _STANDARD, threads=(1, 2))
    measured = replace(run(*map(row, chosen.cases)), **changes)
    write_run(folder / "result.json", measured)
    return folder / "result.json", measured


def test_a_result_tells_how_to_measure_once_more(tmp_path: Path) -> None:
    path, measured = _kept(tmp_path)
    again = replay(path)
    assert again.plan.cases == tuple(each.case for each in measured.rows)
    assert again.settings == measured.settings
    assert again.own_data is None


def test_a_result_remembers_the_users_data(tmp_path: Path) -> None:
    data = tmp_path / "my.npz"
    data.write_bytes(npz({"images": np.zeros((2, 3), np.uint8)}))
    path, _ = _kept(tmp_path, own_data=OwnData(str(data), sha256_of(data.read_bytes())))
    assert replay(path).own_data == data
    data.write_bytes(npz({"images": np.ones((2, 3), np.uint8)}))
    with pytest.raises(HashMismatchError, match="is not the file that was measured with"):
        replay(path)
    data.unlink()
    with pytest.raises(UsageError, match="cannot be read"):
        replay(path)


def test_a_model_that_was_changed_is_not_measured_once_more(tmp_path: Path) -> None:
    path, _ = _kept(tmp_path)
    model = tmp_path / "model.npz"
    manifest_path(model).unlink()
    model.write_bytes(b"a modem")
    with pytest.raises(HashMismatchError, match="is not the file that was measured"):
        replay(path)
    model.unlink()
    with pytest.raises(ArtifactNotFoundError):
        replay(path)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda whole: whole[: len(whole) // 2], ResultUnreadableError),
        (lambda _: b"", ResultUnreadableError),
        (lambda _: b"{}", ResultUnreadableError),
        (lambda _: b"\xff\xfe", ResultUnreadableError),
        (
            lambda whole: whole.replace(b'"schema_version": 5', b'"schema_version": 99'),
            ResultSchemaError,
        ),
        (
            lambda whole: whole.replace(b'"schema_version": 5', b'"schema_version": 1'),
            ResultSchemaError,
        ),
    ],
)
def test_what_is_no_result_of_ours_is_not_measured_once_more(
    tmp_path: Path,
    change: Any,  # noqa: ANN401 - a function of bytes
    error: type[Exception],
) -> None:
    path, _ = _kept(tmp_path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(error, match=str(path)):
        replay(path)


def test_a_result_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResultUnreadableError, match=r"Cannot read .*gone\.json"):
        replay(tmp_path / "gone.json")


def _begun(folder: Path, rounds: int, **changes: Any) -> tuple[Path, Run]:  # noqa: ANN401 - fields
    """A result of so many rounds, made on this machine, with one row that failed."""
    _, measured = _kept(folder, rounds=rounds, host=facts(), settings=_STANDARD, **changes)
    first, *others = measured.rows
    measured = replace(measured, rows=(replace(first, failure=FAILURE), *others))
    write_run(folder / "result.json", measured)
    return folder / "result.json", measured


def test_a_benchmark_that_was_interrupted_goes_on_with_what_is_left(tmp_path: Path) -> None:
    path, measured = _begun(tmp_path, 2)
    request = resume(path)
    assert request.begun == measured
    assert request.settings == _STANDARD
    assert request.plan.cases == tuple(each.case for each in measured.rows[1:])
    assert request.plan.failed == measured.rows[:1]


def test_a_complete_benchmark_is_not_resumed(tmp_path: Path) -> None:
    path, _ = _begun(tmp_path, _STANDARD.processes)
    with pytest.raises(UsageError, match="is complete") as caught:
        resume(path)
    assert f"--replay {path}" in caught.value.hint


@pytest.mark.parametrize("seconds", [0, 5, 60])
def test_a_sustained_load_that_was_interrupted_is_made_anew(tmp_path: Path, seconds: int) -> None:
    path, measured = _begun(tmp_path, _STANDARD.processes)
    windows = [LoadWindow(float(at), 1.0, 100, 1e7, 1e7) for at in range(seconds)]
    load = sustained([windows], 0.0) if windows else None
    rows = tuple(replace(each, sustained=load) for each in measured.rows)
    settings = replace(_STANDARD, sustain_seconds=60.0)
    write_run(path, replace(measured, settings=settings, rows=rows))
    if seconds < settings.sustain_seconds:
        assert resume(path).settings == settings
    else:
        with pytest.raises(UsageError, match="is complete"):
            resume(path)


def test_a_benchmark_of_another_machine_is_not_resumed(tmp_path: Path) -> None:
    path, measured = _begun(tmp_path, 2)
    write_run(path, replace(measured, host={**measured.host, "cpu": "Z80"}))
    with pytest.raises(UsageError, match=r"begun on another machine \(Z80\)"):
        resume(path)


# Data


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fashion-MNIST is not to be had."""

    def fail(*_: object, **__: object) -> None:
        raise DatasetNotFoundError("It is nowhere.", hint="Buy it.")

    monkeypatch.setattr(dataset, "locate", fail)


@pytest.mark.usefixtures("nowhere")
def test_our_own_models_are_not_measured_without_the_data_set() -> None:
    with pytest.raises(DatasetNotFoundError):
        find_data(_request(_OURS, None), None, Diary())


@pytest.mark.usefixtures("nowhere")
def test_somebody_elses_models_are_and_it_is_said_that_they_get_noise() -> None:
    diary = Diary()
    assert find_data(_request(_THEIRS, None), None, diary).data == BenchData()
    assert diary.said == ["Fashion-MNIST was not found; the models are measured on noise."]


@pytest.mark.usefixtures("nowhere")
def test_a_folder_that_is_named_must_hold_the_data_set(tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFoundError):
        find_data(_request(_THEIRS, None), tmp_path, Diary())


@pytest.mark.usefixtures("nowhere")
def test_with_the_users_images_the_data_set_is_not_looked_for(tmp_path: Path) -> None:
    data = tmp_path / "my.npz"
    data.write_bytes(npz({"images": np.zeros((2, 3), np.uint8)}))
    found = find_data(_request(_OURS, data), None, Diary())
    assert found.data.paths == DataPaths(own_data=str(data))
    assert found.data.own is not None
    assert found.data.own.images.shape == (2, 3)


def test_the_users_images_are_checked_before_anything_long_begins(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        find_data(_request(_OURS, tmp_path / "gone.npz"), None, Diary())


def test_the_data_set_is_where_it_is_found(real_data_folder: Path) -> None:
    found = find_data(_request(_THEIRS, None), real_data_folder, Diary())
    assert found.data == BenchData(DataPaths(test_split=str(real_data_folder)))
