"""Every file meets every runtime that opens it; what is left out is told, with the reason."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fmnist_edge.artifact import Format, Precision, write_artifact
from fmnist_edge.bench.plan import NO_MODEL, Plan, make_plan
from fmnist_edge.errors import UsageError
from fmnist_edge.result import Case, Skipped, Subject
from fmnist_edge.runtimes import null, numpy_
from tests.examples import manifest

_RUNTIMES = {"null": null, "numpy": numpy_}
# A runtime that nobody has.
_ABSENT: Any = SimpleNamespace(
    FORMATS=frozenset({Format.NPZ, Format.ONNX}),
    PACKAGE="no_such_package",
    EXTRA="onnx",
    READS_MODEL=True,
)
_SHA256 = manifest().sha256


def _plan(paths: Sequence[Path], **options: Any) -> Plan:  # noqa: ANN401 - those of make_plan
    return make_plan(paths, _RUNTIMES, **options)


def _model(folder: Path) -> Path:
    return write_artifact(folder, b"a model", manifest())


def test_a_file_meets_the_runtimes_that_read_it(tmp_path: Path) -> None:
    path = _model(tmp_path)
    subject = Subject(str(path), Format.NPZ, Precision.FLOAT32, _SHA256, 7)
    assert _plan([path]) == Plan(
        cases=(Case(subject, "numpy", "cpu", 1, 1), Case(NO_MODEL, "null", "cpu", 1, 1)),
        failed=(),
        skipped=(),
    )


def test_each_thread_count_makes_a_case_but_the_harness_is_weighed_once(tmp_path: Path) -> None:
    paths = [_model(tmp_path / "a"), _model(tmp_path / "b")]
    cases = _plan(paths, threads=(1, 4), batch=8).cases
    assert [(Path(each.subject.path).parent.name, each.threads) for each in cases] == [
        ("a", 1),
        ("a", 4),
        ("b", 1),
        ("b", 4),
        ("", 1),
    ]
    assert {each.batch for each in cases} == {8}


def test_a_bare_file_is_measured_without_a_precision(tmp_path: Path) -> None:
    path = tmp_path / "bare.npz"
    path.write_bytes(b"a model")
    subject = _plan([path]).cases[0].subject
    assert subject == Subject(str(path), Format.NPZ, None, _SHA256, 7)


def test_a_file_that_no_runtime_opens_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(b"")
    plan = _plan([path])
    assert [each.subject for each in plan.cases] == [NO_MODEL]
    assert plan.skipped == (
        Skipped(
            str(path),
            "none of the runtimes in use (null, numpy) opens keras files",
            "fmnist-edge export makes files that they open.",
        ),
    )


def test_a_runtime_that_is_not_installed_is_skipped_with_its_cure(tmp_path: Path) -> None:
    path = _model(tmp_path)
    plan = make_plan([path], {"absent": _ABSENT, "numpy": numpy_})
    assert [each.runtime for each in plan.cases] == ["numpy"]
    assert plan.skipped == (
        Skipped(
            f"{path} on absent",
            "absent is not installed",
            "Install it with: pip install 'fmnist-edge[onnx]'",
        ),
    )


def test_a_file_that_makes_no_sense_has_failed_already_and_the_others_stand(
    tmp_path: Path,
) -> None:
    good = _model(tmp_path)
    damaged = _model(tmp_path / "damaged")
    damaged.write_bytes(b"a modem")
    plan = _plan([damaged, tmp_path / "gone.onnx", tmp_path / "what.h5", good], threads=(2, 4))
    assert [each.runtime for each in plan.cases] == ["numpy", "numpy", "null"]
    kinds = [row.failure and row.failure.kind for row in plan.failed]
    assert kinds == ["HashMismatchError", "ArtifactNotFoundError", "ArtifactNotFoundError"]
    assert [row.case.subject.format for row in plan.failed] == [Format.NPZ, Format.ONNX, None]
    for row in plan.failed:
        assert row.case.runtime == "-"
        assert row.case.threads == 2
        assert row.measurements == ()


@pytest.mark.parametrize("options", [{"threads": ()}, {"threads": (1, 0)}, {"batch": 0}])
def test_counts_start_at_one(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="start at 1"):
        _plan([], **options)
