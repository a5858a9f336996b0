"""From what was measured to rows: everything is filled in, and in order."""

import numpy as np
import pytest

from fmnist_edge.artifact import Format, Precision
from fmnist_edge.bench.accuracy import predictions
from fmnist_edge.bench.case_data import CaseData
from fmnist_edge.bench.rows import make_rows
from fmnist_edge.records import encode_json, replace
from fmnist_edge.result import Case, Energy, Row, Subject, Throughput
from tests import worlds
from tests.examples import FAILURE, MEASUREMENT, READING, case, run
from tests.worlds import lived_in

_TRUTH = np.arange(10, dtype=np.uint8)
_HOST = {"cores": 4, "memory_bytes": 8 << 30, "governor": "performance"}


def _data(of: Case, speed: float) -> CaseData:
    draw = np.random.default_rng(0)
    scores = np.eye(10, dtype=np.float32)
    taken = [lived_in(worlds.lognormal, draw, 100, speed=speed) for _ in range(3)]
    taken[0] = replace(taken[0], throughput=Throughput(256, 1e6), predictions=predictions(scores))
    return CaseData(of, taken, [READING, READING], scores, Energy(2.0, 1.0, 1.0, 10), truth=_TRUTH)


def _case(name: str, precision: Precision) -> Case:
    return Case(
        Subject(name, Format.ONNX, precision, None, 10, "a" * 64), "onnxruntime", "cpu", 1, 1
    )


_FLOAT = _data(_case("model.onnx", Precision.FLOAT32), speed=2.0)
_INT8 = _data(_case("model-int8.onnx", Precision.INT8), speed=1.0)
_BASELINE = _data(case("(784-256-128-10 of noise)", "numpy"), speed=1.5)
_FAILED = CaseData(case(), [MEASUREMENT], [READING], failure=FAILURE)


def test_a_row_has_everything_that_can_be_computed() -> None:
    rows = make_rows([_INT8, _FAILED, _FLOAT, _BASELINE], _HOST)
    assert [each.case for each in rows] == [
        each.case for each in (_INT8, _FAILED, _FLOAT, _BASELINE)
    ]
    own = rows[0]
    empty = {name for name in Row.__struct_fields__ if not getattr(own, name)}
    assert empty == {"cold_empty", "failure", "sustained"}
    assert own.back_to_back is not None
    assert own.back_to_back.p50_ns == pytest.approx(10_000, rel=0.1)
    assert own.back_to_back.samples == 300
    assert own.calls_per_second == pytest.approx(98_000, rel=0.05)
    assert own.stages is not None
    assert own.cold is not None
    assert own.paced is not None
    assert own.service is not None
    assert own.paced.p50_ns > own.service.p50_ns
    assert own.energy == Energy(2.0, 1.0, 1.0, 10)
    assert own.verdict() == "SUSPECT"
    met = {(check.protocol, check.rule): check.met for check in own.rules}
    assert met["quick", "min-samples"]


def test_a_failed_row_keeps_what_was_measured_and_has_no_statistics() -> None:
    (failed,) = make_rows([_FAILED], _HOST)
    assert failed == Row(case(), (MEASUREMENT,), readings=(READING,), failure=FAILURE)


def test_rows_know_of_each_other() -> None:
    int8, floating, baseline = make_rows([_INT8, _FLOAT, _BASELINE], _HOST)
    assert int8.accuracy is not None
    assert int8.accuracy.against is not None
    assert int8.accuracy.against.reference == "model.onnx"
    assert "slower-than-numpy" in {each.code for each in floating.remarks}
    assert "slower-than-numpy" not in {each.code for each in int8.remarks}
    assert baseline.verdict() is not None


def test_the_least_that_can_be_measured_makes_a_row() -> None:
    bare = replace(MEASUREMENT, paced=None, stages=None)
    (found,) = make_rows([CaseData(case(), [bare])], _HOST)
    assert (found.paced, found.service, found.stages, found.accuracy) == (None,) * 4
    assert found.back_to_back is not None
    assert found.back_to_back.p50_ns == 2000


def test_a_row_can_be_written() -> None:
    rows = make_rows([_INT8, _FAILED, _FLOAT, _BASELINE], _HOST)
    assert encode_json(run(*rows))


def test_a_case_that_neither_failed_nor_was_measured_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"model\.npz on numpy was neither measured nor did it fail"
    ):
        make_rows([CaseData(case())], _HOST)
