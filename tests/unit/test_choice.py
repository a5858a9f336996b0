"""What is recommended is the fastest file that loses no accuracy, or nothing is."""

from typing import Any

import pytest

from fmnist_edge.records import replace
from fmnist_edge.report.choice import choose
from fmnist_edge.result import Accuracy, AgainstReference, Interval, Reason, Row
from tests import reports

_IMAGES = 10_000


def _accuracy(correct: int, *, lost: int = 0, gained: int = 0, p_value: float = 1.0) -> Accuracy:
    against = AgainstReference("model.keras", "tensorflow", 0.99, lost, gained, p_value, 0.01)
    half = correct // 2
    confusion = ((half, _IMAGES // 2 - half), (_IMAGES // 2 - (correct - half), correct - half))
    compared = against if lost or gained else None
    return Accuracy(_IMAGES, correct, Interval(0, 1), confusion, 0.01, compared)


def _row(name: str, *p50: float, runtime: str = "litert", **changes: Any) -> Row:  # noqa: ANN401 - any field
    return reports.row(reports.case(name, runtime), *p50, **changes)


_FLOAT = _row("model.keras", 100.0, 100.1, 99.9, runtime="tensorflow", accuracy=_accuracy(9040))
_INT8 = _row("int8.tflite", 10.0, 10.01, 9.99, accuracy=_accuracy(9045, lost=10, gained=15))
_SLOWER = _row("int8.onnx", 20.0, 20.02, 19.98, accuracy=_accuracy(9040))
_TWIN = _row("twin.tflite", 10.1, 10.11, 10.09, accuracy=_accuracy(9040))
_WORSE = _row(
    "int4.tflite", 5.0, 5.01, 4.99, accuracy=_accuracy(9000, lost=70, gained=30, p_value=1e-4)
)


def _constant(*p50: float) -> Row:
    always = Accuracy(_IMAGES, 1000, Interval(0, 1), ((1000, 0), (9000, 0)), 0.0)
    return _row("majority.tflite", *p50, accuracy=always)


def test_the_fastest_file_that_loses_no_accuracy_is_chosen() -> None:
    found = choose(reports.run(_FLOAT, _SLOWER, _INT8, *reports.baseline(1.0, 1.0, 1.0)))
    assert found is not None
    assert found.best == _INT8
    assert found.ties == ()
    assert found.runner_up == _SLOWER
    assert found.behind is not None
    assert found.behind.ratio == pytest.approx(2.0)


def test_a_file_that_loses_accuracy_is_not_chosen_however_fast_it_is() -> None:
    found = choose(reports.run(_FLOAT, _INT8, _WORSE))
    assert found is not None
    assert found.best == _INT8
    # It is the fastest of those that no other beats in both.
    assert found.front == (_WORSE, _INT8)


def test_files_that_are_as_fast_are_named_beside_it() -> None:
    found = choose(reports.run(_FLOAT, _TWIN, _INT8))
    assert found is not None
    assert (found.best, found.ties, found.runner_up) == (_INT8, (_TWIN,), _FLOAT)


def test_a_model_that_always_gives_the_same_class_is_never_named() -> None:
    found = choose(reports.run(_constant(1.0, 1.0, 1.0), _FLOAT, _INT8))
    assert found is not None
    assert found.best == _INT8
    assert all(row.case.subject.name != "majority.tflite" for row in found.front)
    assert choose(reports.run(_constant(1.0, 1.0, 1.0))) is None


def test_a_smaller_model_of_another_training_is_on_the_front_and_not_chosen() -> None:
    nano = _row("nano.tflite", 2.0, 2.0, 2.0, accuracy=_accuracy(8400))
    found = choose(reports.run(nano, _FLOAT, _INT8))
    assert found is not None
    assert found.best == _INT8
    assert found.front == (nano, _INT8)


def test_two_trainings_that_differ_by_chance_are_compared_by_time() -> None:
    other = _row("other.tflite", 5.0, 5.0, 5.0, accuracy=_accuracy(9010))
    found = choose(reports.run(_INT8, other))
    assert found is not None
    assert found.best == other


def test_without_labels_time_alone_counts() -> None:
    fast, slow = _row("a.onnx", 1.0, 1.0, accuracy=None), _row("b.onnx", 2.0, 2.0, accuracy=None)
    found = choose(reports.run(slow, fast))
    assert found is not None
    assert (found.best, found.runner_up, found.front) == (fast, slow, ())


def test_what_is_invalid_or_failed_is_not_chosen() -> None:
    cheat = Reason("outputs-differ", "INVALID", ("ratio", "p50", "accuracy"))
    invalid = reports.doubted(_INT8, cheat)
    failed = replace(_SLOWER, failure=reports.examples.FAILURE)
    found = choose(reports.run(invalid, failed, _FLOAT))
    assert found is not None
    assert (found.best, found.runner_up) == (_FLOAT, None)
    assert choose(reports.run(invalid, failed)) is None
    assert choose(reports.run(*reports.baseline(1.0, 1.0))) is None
