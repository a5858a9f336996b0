"""A row of a device is believed where three witnesses agree, and is INVALID where one does not."""

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
import pytest

from fmnist_edge.artifact import Precision
from fmnist_edge.bench.checks import judge
from fmnist_edge.bench.checks.finding import NUMBERS, WARM
from fmnist_edge.bench.checks.placement import PLACEMENT_CHECKS
from fmnist_edge.bench.remarks import remarks
from fmnist_edge.bench.statistics import cold, cold_empty
from fmnist_edge.records import replace
from fmnist_edge.result import (
    Cold,
    Copies,
    Figure,
    KernelCache,
    KernelWitness,
    Placement,
    Readback,
    Reason,
    Row,
    codes,
)
from tests.examples import MEASUREMENT, PLACEMENT, case, certified, latency, row

_HOST: Mapping[str, Any] = {"governor": "performance"}
_FLOAT32 = replace(case().subject, precision=Precision.FLOAT32)
_ON_GPU = replace(case(), device="webgpu", subject=_FLOAT32)
_ROW = certified(row(_ON_GPU, back_to_back=latency(2000.0)))
_ALL = get_args(Figure)


def _reasons(of: Row) -> list[Reason]:
    return [
        each for check in PLACEMENT_CHECKS for each in check(of, _HOST) if isinstance(each, Reason)
    ]


def _found(placement: Placement | None, of: Row = _ROW) -> Reason:
    (reason,) = _reasons(certified(of, placement))
    return reason


def _with(**changes: Any) -> Placement:  # noqa: ANN401 - any field
    """The certificate that holds, with fields of its parts replaced, as in `twin__images`."""
    found = PLACEMENT
    for name, value in changes.items():
        part, _, field = name.partition("__")
        inner = replace(getattr(found, part), **{field: value}) if field else value
        found = replace(found, **{part: inner})
    return found


def test_a_row_that_three_witnesses_confirm_is_believed() -> None:
    assert _reasons(_ROW) == []


def test_a_row_on_the_cpu_needs_no_certificate() -> None:
    assert _reasons(row()) == []


@pytest.mark.parametrize(
    ("placement", "code", "values"),
    [
        (None, "not-certified", {"device": "webgpu", "processes_affected": 1}),
        (
            _with(account__on_device=6, account__elsewhere=("cast_0 (Cast) on the CPU",)),
            "not-on-device",
            {
                "device": "webgpu",
                "on_device": 6,
                "operators": 7,
                "elsewhere": "cast_0 (Cast) on the CPU",
            },
        ),
        (
            _with(account__on_device=0, account__operators=0),
            "not-on-device",
            {"device": "webgpu", "on_device": 0, "operators": 0, "elsewhere": "-"},
        ),
        (
            _with(strict__refused="No Cast on WebGPU.", strict__max_abs_difference=None),
            "strict-refused",
            {"device": "webgpu", "why": "No Cast on WebGPU"},
        ),
        (
            _with(strict__max_abs_difference=0.5),
            "strict-differs",
            {"device": "webgpu", "max_abs_difference": 0.5},
        ),
        (
            _with(strict__max_abs_difference=float("nan")),
            "strict-differs",
            {"device": "webgpu"},
        ),
        (
            _with(twin__identical=True, twin__time_ratio=1.1),
            "no-witness",
            {"device": "webgpu", "processes_affected": 1},
        ),
        (
            _with(kernel=KernelWitness("drm", 0, None)),
            "no-witness",
            {"device": "webgpu", "processes_affected": 1},
        ),
        (
            _with(twin__agreement=0.1),
            "differs-from-cpu",
            {"device": "webgpu", "agreement_share": 0.1, "images": 256},
        ),
    ],
)
def test_one_witness_that_does_not_agree_spoils_every_figure(
    placement: Placement | None, code: str, values: Mapping[str, Any]
) -> None:
    reason = _found(placement)
    assert (reason.code, reason.level, reason.figures) == (code, "INVALID", _ALL)
    assert set(reason.values) == set(codes.REASONS[code])
    assert values.items() <= reason.values.items()
    assert "VALID" not in judge(certified(_ROW, placement), _HOST).figures.values()


def test_one_process_of_several_that_ran_elsewhere_is_enough() -> None:
    fallen = replace(MEASUREMENT, placement=_with(account__on_device=0))
    mixed = replace(_ROW, measurements=(*_ROW.measurements * 4, fallen))
    assert [each.code for each in _reasons(mixed)] == ["not-on-device"]
    uncertified = replace(_ROW, measurements=(*_ROW.measurements * 4, MEASUREMENT))
    assert [each.code for each in _reasons(uncertified)] == ["not-certified"]


def test_many_operators_elsewhere_are_named_in_part() -> None:
    names = tuple(f"op_{index} (Cast)" for index in range(9))
    text = _found(_with(account__on_device=1, account__elsewhere=names)).values["elsewhere"]
    assert text == "op_0 (Cast), op_1 (Cast), op_2 (Cast), op_3 (Cast), op_4 (Cast), ..."


@pytest.mark.parametrize(
    "placement",
    [
        # The scores of an integer network may be the same; then the time tells.
        _with(twin__identical=True, twin__time_ratio=40.0),
        _with(twin__identical=True, twin__time_ratio=0.5),
        _with(twin__identical=False, twin__time_ratio=1.0),
        _with(kernel=KernelWitness("drm", 5_000, None), twin__identical=True, twin__time_ratio=1.0),
        _with(
            kernel=KernelWitness("nvml", None, 1 << 20), twin__refused="There is no such provider."
        ),
    ],
)
def test_a_witness_outside_of_the_runtime_is_enough(placement: Placement) -> None:
    assert _reasons(certified(_ROW, placement)) == []


def test_without_kernel_and_without_twin_nothing_is_shown() -> None:
    refused = _with(twin__refused="It does not open.", twin__time_ratio=None)
    assert _found(refused).code == "no-witness"


def test_a_shorter_type_than_was_demanded_is_suspect() -> None:
    halved = _with(twin__max_abs_difference=3e-3)
    reason = _found(halved)
    assert (reason.code, reason.level, reason.figures) == ("shorter-type", "SUSPECT", NUMBERS)
    fast = replace(_ROW, case=replace(_ON_GPU, fast_math=True))
    assert _reasons(certified(fast, halved)) == []
    int8 = replace(_ROW, case=replace(_ON_GPU, subject=replace(_FLOAT32, precision=Precision.INT8)))
    assert _reasons(certified(int8, halved)) == []


@pytest.mark.parametrize(
    "readback", [Readback(15, 1, 0.0), Readback(15, 0, 2_500.0), Readback(15, 15, 1e6)]
)
def test_a_call_that_returns_before_its_answer_is_there_spoils_the_times(
    readback: Readback,
) -> None:
    early = replace(_ROW.measurements[0], readback=readback)
    (reason,) = _reasons(replace(_ROW, measurements=(early,)))
    assert (reason.code, reason.level, reason.figures) == ("returns-early", "INVALID", WARM)
    assert set(reason.values) == set(codes.REASONS["returns-early"])


def test_one_process_that_waited_for_something_else_does_not_spoil_the_times() -> None:
    slow, quick = (
        replace(_ROW.measurements[0], readback=Readback(15, 0, ns)) for ns in (1e5, 100.0)
    )
    assert _reasons(replace(_ROW, measurements=(slow, quick))) == []


def test_a_certified_row_says_where_it_ran_and_who_saw_it() -> None:
    found = {each.code: each.values for each in remarks(_ROW, [_ROW], _HOST)}
    assert found["ran-on"] == {
        "operators": 7,
        "unit": "llvmpipe, Vulkan 1.4.305, Mesa 25.0.7",
    }
    assert found["unlike-the-cpu"] == {"max_abs_difference": 3e-7, "time_ratio": 40.0}
    same = certified(_ROW, _with(twin__identical=True, twin__max_abs_difference=0.0))
    found = {each.code: each.values for each in remarks(same, [], _HOST)}
    assert found["timed-unlike-the-cpu"] == {"time_ratio": 40.0}
    by_kernel = certified(_ROW, _with(kernel=KernelWitness("drm", 5_000, None)))
    assert {each.code for each in remarks(by_kernel, [], _HOST)} >= {"ran-on", "seen-by-the-kernel"}
    by_driver = certified(_ROW, _with(kernel=KernelWitness("nvml", None, 7)))
    assert {each.code for each in remarks(by_driver, [], _HOST)} >= {"ran-on", "seen-by-the-driver"}


def test_a_row_that_ran_elsewhere_does_not_say_where_it_ran() -> None:
    fallen = certified(_ROW, _with(account__on_device=0))
    judged = replace(fallen, reasons=judge(fallen, _HOST).reasons)
    assert "ran-on" not in {each.code for each in remarks(judged, [], _HOST)}


def test_copies_are_told_as_a_share_of_a_call() -> None:
    taken = replace(MEASUREMENT, placement=PLACEMENT, copies=Copies(200.0, 150.0))
    (remark,) = (
        each
        for each in remarks(replace(_ROW, measurements=(taken,)), [], _HOST)
        if each.code == "copies"
    )
    assert remark.values == {"copies_share": 0.25, "host_ns": 200.0, "device_ns": 150.0}


def test_a_cold_start_is_told_with_empty_and_with_warm_caches() -> None:
    def started(first_call_ns: int, before: int, after: int) -> Any:  # noqa: ANN401 - a measurement
        parts = Cold(1, 2, 3, first_call_ns)
        return replace(MEASUREMENT, cold=parts, kernel_cache=KernelCache(before, after))

    compiled, warm = started(900, 0, 50), [started(first, 50, 50) for first in (10, 20, 30)]
    assert cold([compiled, *warm]).first_call_ns == np.median([10, 20, 30])
    empty = cold_empty([compiled, *warm])
    assert empty is not None
    assert empty.first_call_ns == 900
    # Where nothing is kept, all processes are alike.
    alike = [started(first, 0, 0) for first in (10, 20, 30)]
    assert cold(alike).first_call_ns == 20
    assert cold_empty(alike) is None
    assert cold([compiled]).first_call_ns == 900
