"""The certificate of placement: three witnesses that a model ran on the device asked for.

The runtime's own account may be wrong, an opening that forbids the CPU may be ignored, and a GPU
may have been busy with something else. Only together do they show where a model ran.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.bench import probes
from fmnist_edge.clock import NS_PER_SECOND, now
from fmnist_edge.errors import DeviceUnavailableError, ModelUnreadableError, ModelUnsupportedError
from fmnist_edge.result import CpuTwin, KernelWitness, Placement, StrictOpening
from fmnist_edge.session import Accelerated, Opening, Session

_REFUSALS: Final = (DeviceUnavailableError, ModelUnreadableError, ModelUnsupportedError)
# Enough images that a tenth of wrong labels cannot be missed, and so much time for slow devices.
_IMAGES: Final = 256
_SECONDS: Final = 1.0
_FEWEST_CALLS: Final = 2

Open = Callable[[Opening], Session]


def certify(
    session: Accelerated,
    open_as: Open,
    tensors: Sequence[NDArray[Any]],
    call_ns: float,
    kernel: KernelWitness | None,
) -> Placement:
    """Return the certificate of an open session.

    Args:
        session: The session whose calls were timed.
        open_as: Opens the same model with the same options another way.
        tensors: Its prepared inputs.
        call_ns: About how long one of its calls takes.
        kernel: What the kernel counted during the timed calls; None where it counts nothing.
    """
    account = session.account()
    few = tensors[: max(_FEWEST_CALLS, _IMAGES // session.batch)]
    answers = _answers(session, few)
    strict = _strict(open_as, few, answers)
    return Placement(account, strict, kernel, _twin(session, open_as, few, answers, call_ns))


def _answers(session: Session, tensors: Sequence[NDArray[Any]]) -> list[NDArray[np.float32]]:
    """Return the scores of each tensor, of the first ones only where a call takes long."""
    found = []
    end = now() + int(_SECONDS * NS_PER_SECOND)
    for tensor in tensors:
        found.append(session.decode(session.run(tensor)))
        if now() > end and len(found) >= _FEWEST_CALLS:
            break
    return found


def _strict(
    open_as: Open, tensors: Sequence[NDArray[Any]], answers: Sequence[NDArray[np.float32]]
) -> StrictOpening:
    try:
        strict = open_as(Opening.STRICT)
        own = _answers(strict, tensors[: len(answers)])
        strict.close()
    except _REFUSALS as error:
        return StrictOpening(error.message, None)
    return StrictOpening("", _difference(own, answers))


def _twin(
    session: Session,
    open_as: Open,
    tensors: Sequence[NDArray[Any]],
    answers: Sequence[NDArray[np.float32]],
    call_ns: float,
) -> CpuTwin:
    try:
        twin = open_as(Opening.ON_CPU)
        own = _answers(twin, tensors[: len(answers)])
    except _REFUSALS as error:
        return CpuTwin(error.message, 0, 0.0, 0.0, identical=False, time_ratio=None)
    ratio = probes.time_ratio((session.run, twin.run), tensors, call_ns, _SECONDS / 2)
    twin.close()
    pairs = list(zip(own, answers, strict=False))
    same = [np.mean(one.argmax(axis=-1) == other.argmax(axis=-1)) for one, other in pairs]
    return CpuTwin(
        refused="",
        images=len(pairs) * session.batch,
        agreement=float(np.mean(same)),
        max_abs_difference=_difference(own, answers),
        identical=all(one.tobytes() == other.tobytes() for one, other in pairs),
        time_ratio=ratio,
    )


def _difference(one: Sequence[NDArray[np.float32]], other: Sequence[NDArray[np.float32]]) -> float:
    """Return the largest difference of any score; a score that is NaN is no agreement."""
    pairs = zip(one, other, strict=False)
    return max(float(np.nan_to_num(np.abs(a - b), nan=np.inf).max()) for a, b in pairs)
