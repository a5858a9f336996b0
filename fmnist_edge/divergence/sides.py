"""What made an answer, and what that tells about a difference."""

from collections.abc import Mapping
from typing import Final

from fmnist_edge.artifact import Precision
from fmnist_edge.divergence.pattern import Known
from fmnist_edge.divergence.record import Side
from fmnist_edge.records import replace
from fmnist_edge.result import NO_SIGN, Case, Subject, Value

_FLOATS: Final = frozenset({Precision.FLOAT32, Precision.FLOAT16})
_UNKNOWN: Final = "unknown"


def _is_quantized(subject: Subject) -> bool:
    return subject.precision is not None and subject.precision not in _FLOATS


def known_of(a: Case, b: Case) -> Known:
    """Return what two cases tell about the differences of their scores."""
    cases = (a, b)
    return Known(
        same_file=a.subject.sha256 is not None and a.subject.sha256 == b.subject.sha256,
        quantized=(_is_quantized(a.subject), _is_quantized(b.subject)),
        half=any(each.subject.precision is Precision.FLOAT16 or each.fast_math for each in cases),
    )


def side(
    case: Case, runtime_version: str, used: Mapping[str, str], host: Mapping[str, Value]
) -> Side:
    """Return what made an answer; folders of the file are left out.

    Args:
        case: The file, the runtime and its options.
        runtime_version: Version of the runtime's library.
        used: What the runtime reports to have used.
        host: Facts about the machine.
    """
    emulator = str(host.get("emulated", NO_SIGN))
    return Side(
        case=replace(case, subject=replace(case.subject, path=case.subject.name)),
        runtime_version=runtime_version,
        used=used,
        architecture=str(host.get("architecture", _UNKNOWN)),
        cpu=str(host.get("cpu", _UNKNOWN)),
        emulator="" if emulator == NO_SIGN else emulator,
    )
