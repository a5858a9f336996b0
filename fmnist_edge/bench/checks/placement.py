"""Checks of where a row was computed: a row of a device that no witness confirms is INVALID.

The runtime's account, the opening that leaves nothing to the CPU, and a witness outside of the
runtime must agree, in every process.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from fmnist_edge.artifact import Precision
from fmnist_edge.bench.checks.finding import ALL, NUMBERS, WARM, Check, Finding
from fmnist_edge.devices import CPU
from fmnist_edge.result import CpuTwin, Placement, Reason, Row, Value, Values

_MOST_NAMED: Final = 5
# Kernels of the same device add in the same order; some devices do not promise it.
_SAME: Final = 1e-4
# Two sessions on the same unit: their calls take about as long.
_LIKE_THE_CPU: Final = (0.8, 1.25)
# int8 files change about one label in a hundred between two implementations; a graph that is
# computed wrongly agrees on one in ten.
_AGREEMENT: Final = 0.95
# float32 kernels differ by about 1e-6 in a probability, float16 ones by about 1e-3.
_FLOAT32: Final = 1e-4
# An answer that is read at once takes no longer than one that is read again, up to noise.
_WAIT_SHARE: Final = 0.25
_WAIT_NS: Final = 2_000.0


def _certificates(row: Row) -> Sequence[Placement]:
    return [each.placement for each in row.measurements if each.placement is not None]


def _not_certified(row: Row, _: Mapping[str, Value]) -> Iterator[Finding]:
    missing = len(row.measurements) - len(_certificates(row))
    if row.case.device != CPU and missing:
        values: Values = {"device": row.case.device, "processes_affected": missing}
        yield Reason("not-certified", "INVALID", ALL, values)


def _elsewhere(row: Row, _: Mapping[str, Value]) -> Iterator[Finding]:
    """Compare the runtime's account and its strict opening; one process is enough."""
    found = (_contradiction(row.case.device, each) for each in _certificates(row))
    yield from islice((each for each in found if each is not None), 1)


def _contradiction(device: str, placement: Placement) -> Reason | None:
    account, strict = placement.account, placement.strict
    values: dict[str, Value] = {"device": device}
    if account.on_device < account.operators or not account.operators:
        named = ", ".join(account.elsewhere[:_MOST_NAMED]) or "-"
        more = ", ..." if len(account.elsewhere) > _MOST_NAMED else ""
        values |= {"on_device": account.on_device, "operators": account.operators}
        return Reason("not-on-device", "INVALID", ALL, values | {"elsewhere": named + more})
    if strict.max_abs_difference is None:
        return Reason(
            "strict-refused", "INVALID", ALL, values | {"why": strict.refused.rstrip(".")}
        )
    if not strict.max_abs_difference <= _SAME:
        values |= {"max_abs_difference": strict.max_abs_difference}
        return Reason("strict-differs", "INVALID", ALL, values)
    return None


def _no_witness(row: Row, _: Mapping[str, Value]) -> Iterator[Finding]:
    unseen = [each for each in _certificates(row) if not _is_witnessed(each)]
    if unseen:
        values: Values = {"device": row.case.device, "processes_affected": len(unseen)}
        yield Reason("no-witness", "INVALID", ALL, values)


def _is_witnessed(placement: Placement) -> bool:
    """Return whether something outside of the runtime shows that the device computed."""
    kernel = placement.kernel
    if kernel is not None:
        return bool(kernel.engine_ns if kernel.engine_ns is not None else kernel.memory_bytes)
    return not _is_the_cpu(placement.twin)


def _is_the_cpu(twin: CpuTwin) -> bool:
    """Return whether nothing distinguishes the session from one that is held to the CPU."""
    if twin.time_ratio is None:
        return True
    low, high = _LIKE_THE_CPU
    return twin.identical and low <= twin.time_ratio <= high


def _differs_from_cpu(row: Row, _: Mapping[str, Value]) -> Iterator[Finding]:
    """Find a device that computes something else than the CPU does with the same file."""
    twins = [each.twin for each in _certificates(row) if not each.twin.refused]
    worst = min(twins, key=lambda each: each.agreement, default=None)
    if worst is None:
        return
    if worst.agreement < _AGREEMENT:
        values: Values = {
            "device": row.case.device,
            "agreement_share": worst.agreement,
            "images": worst.images,
        }
        yield Reason("differs-from-cpu", "INVALID", ALL, values)
        return
    difference = max(each.max_abs_difference for each in twins)
    is_float32 = row.case.subject.precision in {Precision.FLOAT32, None}
    if is_float32 and not row.case.fast_math and difference > _FLOAT32:
        values = {"device": row.case.device, "max_abs_difference": difference}
        yield Reason("shorter-type", "SUSPECT", NUMBERS, values)


def _returns_early(row: Row, _: Mapping[str, Value]) -> Iterator[Finding]:
    """Find a runtime whose calls return before their answer is there."""
    if row.back_to_back is None:
        return
    found = [each.readback for each in row.measurements if each.readback is not None]
    changed = sum(each.changed for each in found)
    wait_ns = min((each.wait_ns for each in found), default=0.0)
    if changed or wait_ns > max(_WAIT_NS, _WAIT_SHARE * row.back_to_back.p50_ns):
        values = {"changed": changed, "calls": sum(each.calls for each in found)}
        yield Reason("returns-early", "INVALID", WARM, {**values, "wait_ns": wait_ns})


PLACEMENT_CHECKS: Final[tuple[Check, ...]] = (
    _not_certified,
    _elsewhere,
    _no_witness,
    _differs_from_cpu,
    _returns_early,
)
