"""Every file meets every runtime that opens it; what is left out is told, with the reason."""

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest

from fmnist_edge.artifact import (
    Format,
    Precision,
    manifest_path,
    read_manifest,
    write_artifact,
)
from fmnist_edge.bench.baseline import FIXED_NETWORK, NO_MODEL
from fmnist_edge.bench.plan import Plan, Selection, make_plan, repeat_plan
from fmnist_edge.devices import CPU_ONLY, Provision
from fmnist_edge.errors import ArtifactNotFoundError, HashMismatchError, UsageError
from fmnist_edge.records import encode_json, replace
from fmnist_edge.result import Case, Skipped, Subject
from fmnist_edge.runtimes import RUNTIMES, null, numpy_
from fmnist_edge.session import DefaultUse
from tests.examples import FAILURE, manifest, row, run

_RUNTIMES = {"null": null, "numpy": numpy_}
_SHA256 = manifest().sha256
_PARENT = "9" * 64


def _runtime(**changes: Any) -> Any:  # noqa: ANN401 - a module, any attribute
    usual = {
        "FORMATS": frozenset({Format.NPZ, Format.ONNX}),
        "PACKAGE": "numpy",
        "EXTRA": "onnx",
        "READS_MODEL": True,
        "DEVICES": CPU_ONLY,
        "DEFAULT_USE": DefaultUse.ALWAYS,
    }
    return SimpleNamespace(**{**usual, **changes})


# A runtime that nobody has.
_ABSENT = _runtime(PACKAGE="no_such_package")


def _plan(
    paths: Sequence[Path],
    runtimes: Any = _RUNTIMES,  # noqa: ANN401 - modules by name
    **wanted: Any,  # noqa: ANN401 - those of Selection
) -> Plan:
    return make_plan(paths, Selection(runtimes, **wanted))


def _model(folder: Path) -> Path:
    return write_artifact(folder, b"a model", manifest())


def _runtimes_of(plan: Plan) -> list[str]:
    """On what files are measured; the baseline is none."""
    return [each.runtime for each in plan.cases if each.subject not in {NO_MODEL, FIXED_NETWORK}]


# Files and runtimes


def test_a_file_meets_the_runtimes_that_read_it_and_the_floor_comes_last(tmp_path: Path) -> None:
    described = replace(manifest(), parent_sha256=_PARENT)
    path = write_artifact(tmp_path, b"a model", described)
    subject = Subject(str(path), Format.NPZ, Precision.FLOAT32, _SHA256, 7, _PARENT)
    assert _plan([path]) == Plan(
        cases=(
            Case(subject, "numpy", "cpu", 1, 1),
            Case(NO_MODEL, "null", "cpu", 1, 1),
            Case(FIXED_NETWORK, "numpy", "cpu", 1, 1),
        ),
        failed=(),
        skipped=(),
    )


def test_each_thread_count_makes_a_case_but_the_harness_is_weighed_once(tmp_path: Path) -> None:
    paths = [_model(tmp_path / "a"), _model(tmp_path / "b")]
    cases = _plan(paths, threads=(2, 4), batches=(8,)).cases
    assert [(Path(each.subject.path).parent.name, each.threads) for each in cases[:4]] == [
        ("a", 2),
        ("a", 4),
        ("b", 2),
        ("b", 4),
    ]
    assert [(each.subject, each.threads) for each in cases[4:]] == [
        (NO_MODEL, 2),
        (FIXED_NETWORK, 2),
    ]
    assert {each.batch for each in cases} == {8}


def test_a_bare_file_is_measured_without_a_precision(tmp_path: Path) -> None:
    path = tmp_path / "bare.npz"
    path.write_bytes(b"a model")
    subject = _plan([path]).cases[0].subject
    assert subject == Subject(str(path), Format.NPZ, None, _SHA256, 7)


def test_a_run_is_foreign_only_if_no_file_has_a_manifest(tmp_path: Path) -> None:
    bare = tmp_path / "bare.npz"
    bare.write_bytes(b"a model")
    assert _plan([bare]).foreign
    assert not _plan([bare, _model(tmp_path / "ours")]).foreign


def test_the_baseline_is_measured_with_any_runtime_unless_only_others_are_known(
    tmp_path: Path,
) -> None:
    path = _model(tmp_path)
    named = _plan([path], {**_RUNTIMES, "other": _runtime()}, named=("other",))
    assert [each.runtime for each in named.cases] == ["other", "null", "numpy"]
    assert [each.runtime for each in _plan([path], {"other": _runtime()}).cases] == ["other"]


def test_where_no_file_can_be_measured_the_baseline_is_not_either(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(b"")
    assert _plan([path]).cases == ()
    assert _plan([]).cases == ()


# What is left out


def test_a_file_that_no_runtime_opens_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(b"")
    assert _plan([path], {"numpy": numpy_, "other": _runtime()}).skipped == (
        Skipped(str(path), None, "no-runtime", {"format": "keras", "runtimes": "numpy, other"}),
    )


def test_a_file_that_the_named_runtimes_do_not_open_is_skipped(tmp_path: Path) -> None:
    path = _model(tmp_path)
    other = _runtime(FORMATS=frozenset({Format.ONNX}))
    plan = _plan([path], {"numpy": numpy_, "other": other}, named=("other",))
    assert plan.cases == ()
    assert plan.skipped == (
        Skipped(str(path), None, "no-runtime", {"format": "npz", "runtimes": "other"}),
    )


def test_a_runtime_that_is_not_installed_is_skipped_with_its_cure(tmp_path: Path) -> None:
    path = _model(tmp_path)
    plan = _plan([path], {"absent": _ABSENT, "numpy": numpy_})
    assert _runtimes_of(plan) == ["numpy"]
    assert plan.skipped == (Skipped(str(path), "absent", "not-installed", {"extra": "onnx"}),)


def test_a_runtime_that_is_slow_to_import_is_left_out_by_short_protocols(
    tmp_path: Path,
) -> None:
    path = _model(tmp_path)
    runtimes = {"slow": _runtime(DEFAULT_USE=DefaultUse.SLOW_IMPORT), "numpy": numpy_}
    plan = _plan([path], runtimes)
    assert _runtimes_of(plan) == ["numpy"]
    assert plan.skipped == (Skipped(str(path), "slow", "slow-import"),)
    for wanted in (
        {"default_uses": frozenset({DefaultUse.ALWAYS, DefaultUse.SLOW_IMPORT})},
        {"named": ("slow", "numpy")},
    ):
        plan = _plan([path], runtimes, **wanted)
        assert _runtimes_of(plan) == ["slow", "numpy"]
        assert plan.skipped == ()


def test_a_runtime_on_request_is_not_missed(tmp_path: Path) -> None:
    path = _model(tmp_path)
    runtimes = {"special": _runtime(DEFAULT_USE=DefaultUse.ON_REQUEST), "numpy": numpy_}
    plan = _plan([path], runtimes)
    assert _runtimes_of(plan) == ["numpy"]
    assert plan.skipped == ()
    assert _runtimes_of(_plan([path], runtimes, named=("special",))) == ["special"]


def test_a_file_that_cannot_be_read_has_failed_already_and_the_others_stay(
    tmp_path: Path,
) -> None:
    good = _model(tmp_path)
    damaged = _model(tmp_path / "damaged")
    damaged.write_bytes(b"a modem")
    plan = _plan([damaged, tmp_path / "gone.onnx", tmp_path / "what.h5", good], threads=(2, 4))
    assert _runtimes_of(plan) == ["numpy", "numpy"]
    kinds = [each.failure and each.failure.kind for each in plan.failed]
    assert kinds == ["HashMismatchError", "ArtifactNotFoundError", "ArtifactNotFoundError"]
    assert [each.case.subject.format for each in plan.failed] == [Format.NPZ, Format.ONNX, None]
    for each in plan.failed:
        assert each.case.runtime == "-"
        assert each.case.threads == 2
        assert each.measurements == ()


@pytest.mark.parametrize(
    "wanted", [{"threads": ()}, {"threads": (1, 0)}, {"batches": ()}, {"batches": (1, 0)}]
)
def test_counts_start_at_one(wanted: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="start at 1"):
        Selection(_RUNTIMES, **wanted)


def test_every_runtime_has_a_default_use() -> None:
    assert {module.DEFAULT_USE for module in RUNTIMES.values()} <= set(DefaultUse)
    for name in ("null", "numpy", "litert", "onnxruntime", "openvino"):
        assert RUNTIMES[name].DEFAULT_USE is DefaultUse.ALWAYS


# Once more


def test_a_plan_comes_back_from_its_result(tmp_path: Path) -> None:
    path = _model(tmp_path)
    plan = _plan([path, tmp_path / "gone.onnx"], threads=(1, 2), batches=(3,))
    measured = run(*(row(each) for each in plan.cases), *plan.failed)
    again = repeat_plan(measured)
    assert again.cases == plan.cases
    assert again.failed == ()
    assert not again.foreign


def test_a_row_that_failed_while_it_was_measured_is_tried_once_more(tmp_path: Path) -> None:
    plan = _plan([_model(tmp_path)])
    measured = run(*(row(each, failure=FAILURE) for each in plan.cases))
    assert repeat_plan(measured).cases == plan.cases


def test_a_plan_is_not_repeated_with_other_files(tmp_path: Path) -> None:
    path = _model(tmp_path)
    measured = run(*(row(each) for each in _plan([path]).cases))
    write_artifact(tmp_path, b"another", replace(manifest(b"another")))
    with pytest.raises(HashMismatchError, match="is not the file that was measured"):
        repeat_plan(measured)
    path.unlink()
    with pytest.raises(ArtifactNotFoundError):
        repeat_plan(measured)


_BOTH = MappingProxyType({"cpu": Provision(), "webgpu": Provision()})


def test_each_device_and_batch_size_makes_a_case_where_the_runtime_has_the_device(
    tmp_path: Path,
) -> None:
    runtimes = {"null": null, "numpy": numpy_, "both": _runtime(DEVICES=_BOTH)}
    found = _plan(
        [_model(tmp_path)],
        runtimes,
        threads=(1, 2),
        batches=(1, 64),
        devices=("cpu", "webgpu"),
        fast_math=True,
    )
    own = [
        (case.runtime, case.device, case.threads, case.batch, case.fast_math)
        for case in found.cases
        if not case.subject.is_baseline
    ]
    on_cpu = [
        (name, "cpu", threads, batch, False)
        for name in ("numpy", "both")
        for threads in (1, 2)
        for batch in (1, 64)
    ]
    assert sorted(own) == sorted(
        [*on_cpu, ("both", "webgpu", 1, 1, True), ("both", "webgpu", 1, 64, True)]
    )
    assert sorted(case.batch for case in found.cases if case.runtime == "null") == [1, 64]
    assert not found.skipped


def test_a_device_that_no_runtime_in_use_has_is_said(tmp_path: Path) -> None:
    path = _model(tmp_path)
    found = _plan([path], devices=("cpu", "vulkan"))
    assert [(each.path, each.code, each.values["device"]) for each in found.skipped] == [
        (str(path), "no-device", "vulkan")
    ]


def test_only_the_pairs_of_runtime_and_device_that_are_usable_are_measured(tmp_path: Path) -> None:
    runtimes = {"numpy": numpy_, "both": _runtime(DEVICES=_BOTH)}
    usable = frozenset({("", "both", "webgpu"), ("", "numpy", "cpu"), ("gpu", "both", "cpu")})
    found = _plan(
        [_model(tmp_path)],
        runtimes,
        devices=("cpu", "webgpu"),
        usable=usable,
        elsewhere={"gpu": {"both"}},
    )
    measured = [case for case in found.cases if not case.subject.is_baseline]
    assert {(case.environment, case.runtime, case.device) for case in measured} == usable
    assert len(measured) == len(usable)


def test_a_runtime_meets_a_file_in_each_environment_that_has_it(tmp_path: Path) -> None:
    runtimes = {"null": null, "numpy": numpy_, "both": _runtime(), "absent": _ABSENT}
    elsewhere = {"old": {"both", "numpy"}, "new": {"both", "absent"}}
    found = _plan([_model(tmp_path)], runtimes, elsewhere=elsewhere)
    assert [
        (case.runtime, case.environment) for case in found.cases if not case.subject.is_baseline
    ] == [
        *(("numpy", ""), ("numpy", "old")),
        *(("both", ""), ("both", "old"), ("both", "new"), ("absent", "new")),
    ]
    assert {case.environment for case in found.cases if case.subject.is_baseline} == {""}
    assert not found.skipped


def test_where_only_others_are_named_this_environment_runs_what_every_install_has(
    tmp_path: Path,
) -> None:
    runtimes = {"null": null, "numpy": numpy_, "both": _runtime()}
    found = _plan([_model(tmp_path)], runtimes, here=False, elsewhere={"old": {"both"}})
    assert [(case.runtime, case.environment) for case in found.cases[:2]] == [
        ("numpy", ""),
        ("both", "old"),
    ]


def test_a_file_that_nothing_in_the_environments_opens_is_told(tmp_path: Path) -> None:
    path = _model(tmp_path)
    runtimes = {"null": null, "both": _runtime(), "absent": _ABSENT}
    found = _plan([path], runtimes, here=False, elsewhere={"old": (), "new": ()})
    assert found.cases == ()
    values = {"environments": "old, new", "runtimes": "both, absent"}
    assert found.skipped == (Skipped(str(path), None, "no-environment", values),)


@pytest.mark.parametrize(
    ("fixed", "batches", "planned", "told"),
    [
        (64, (1, 64), {("cpu", 64), ("webgpu", 64)}, True),
        (1, (1, 64), {("cpu", 1), ("cpu", 64), ("webgpu", 1)}, False),
        # A file that fits none of them is tried, and says why it does not.
        (8, (1, 64), {("cpu", 1), ("cpu", 64), ("webgpu", 1), ("webgpu", 64)}, False),
        (64, (64,), {("cpu", 64), ("webgpu", 64)}, False),
        (None, (1, 64), {("cpu", 1), ("cpu", 64), ("webgpu", 1), ("webgpu", 64)}, False),
    ],
)
def test_a_file_that_is_made_for_one_batch_size_leaves_the_others_to_other_files(
    tmp_path: Path,
    fixed: int | None,
    batches: tuple[int, ...],
    planned: set[tuple[str, int]],
    told: bool,  # noqa: FBT001 - a case
) -> None:
    path = _model(tmp_path)
    manifest = read_manifest(path)
    assert manifest is not None
    shape = (fixed, *manifest.input.shape[1:])
    made = replace(manifest, input=replace(manifest.input, shape=shape))
    manifest_path(path).write_text(encode_json(made))
    runtimes = {"both": _runtime(DEVICES=_BOTH)}
    found = _plan([path], runtimes, batches=batches, devices=("cpu", "webgpu"))
    assert {(case.device, case.batch) for case in found.cases} == planned
    assert [each.code for each in found.skipped] == (["other-batches"] if told else [])
