"""The probing process: `python -m fmnist_edge.probe RUNTIME DEVICE` tries one pair."""

import os
import sys
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from fmnist_edge import runtimes
from fmnist_edge.bench.plan import failure_of
from fmnist_edge.bench.wire import encode_line
from fmnist_edge.devices import Account
from fmnist_edge.errors import DeviceUnavailableError, FmnistEdgeError, InternalError
from fmnist_edge.probe.models import example, model_for
from fmnist_edge.records import replace
from fmnist_edge.result import Probed
from fmnist_edge.session import Accelerated, RuntimeModule, Session, SessionOptions

# The network is exact in every type that devices compute in.
_TOLERANCE = 1e-3
_DRIVER = "Update the driver of the device and the runtime."


def main(find: Callable[[str], RuntimeModule] = runtimes.get) -> None:
    """Try the runtime and the device that the arguments name.

    A line of JSON tells that the library is imported, and another one how it went.

    Args:
        find: Returns the runtime of a name.
    """
    runtime, device = sys.argv[1:]
    # Runtimes print to stdout. The pipe is for the answers alone, so stdout becomes stderr.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    with answers:
        for each in _tried(find, runtime, device):
            answers.write(encode_line(each))


def _tried(find: Callable[[str], RuntimeModule], runtime: str, device: str) -> Iterator[Probed]:
    """Yield what is known by then; a failure is the last."""
    imported = Probed()
    try:
        module = find(runtime)
        imported = Probed(module.load_library())
        yield imported
        # Fast arithmetic, because some devices have no float32.
        options = SessionOptions(device=device, fast_math=True)
        session = module.open(model_for(module), options)
        try:
            account = _checked(session, f"{runtime} on {device}")
        finally:
            session.close()
        yield replace(imported, account=account)
    except FmnistEdgeError as error:
        yield replace(imported, failure=failure_of(error))
    except Exception as error:  # noqa: BLE001 - the process boundary: the table says what happened
        bug = InternalError(f"{type(error).__name__}: {error}", hint="This is worth a bug report.")
        yield replace(imported, failure=failure_of(bug))


def _checked(session: Session, where: str) -> Account | None:
    """Return what the runtime tells of itself after it computed the right answer.

    Raises:
        DeviceUnavailableError: The answer is another one, or the device had no part in it.
    """
    values, right = example()
    answer = session.decode(session.run(session.prepare(values)))
    if answer.shape != right.shape or not np.allclose(answer, right, atol=_TOLERANCE):
        raise DeviceUnavailableError(
            f"{where} opened a model, and computed {_shown(answer)} where {_shown(right)} is "
            "right.",
            hint=_DRIVER,
        )
    account = session.account() if isinstance(session, Accelerated) else None
    if account is not None and account.operators and not account.on_device:
        raise DeviceUnavailableError(
            f"{where} opened a model, and ran it elsewhere: {', '.join(account.elsewhere)}.",
            hint=_DRIVER,
        )
    return account


def _shown(values: NDArray[np.float32]) -> str:
    return f"[{', '.join(f'{value:.4g}' for value in values.flat)}]"


if __name__ == "__main__":
    main()
