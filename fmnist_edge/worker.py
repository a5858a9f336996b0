"""The measuring process: `python -m fmnist_edge.worker` obeys orders from stdin."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from fmnist_edge import runtimes
from fmnist_edge.bench.lines import encode_line
from fmnist_edge.bench.measure import Data, Instruments, Measuring
from fmnist_edge.bench.messages import Job, Order, Reply
from fmnist_edge.bench.own_data import read_own_data
from fmnist_edge.bench.plan import failure_of
from fmnist_edge.clock import now
from fmnist_edge.dataset import load_test
from fmnist_edge.errors import FmnistEdgeError, InternalError
from fmnist_edge.host.memory import resident_and_peak
from fmnist_edge.host.process import footprint, pin
from fmnist_edge.records import decode_json
from fmnist_edge.session import RuntimeModule

__all__ = ["main"]


Find = Callable[[str], RuntimeModule]


def main(find: Find = runtimes.get) -> None:
    """Answer the job and the orders from stdin on stdout, until there are no more.

    Args:
        find: The runtime of a name.
    """
    arrived = now()
    # Runtimes print to stdout as they please; the answers keep the pipe, they get stderr.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    with answers:
        for reply in _replies(sys.stdin.buffer, arrived, find):
            answers.write(encode_line(reply))


def _replies(orders: BinaryIO, arrived: int, find: Find) -> Iterator[Reply]:
    """One reply per order; a failure is the last."""
    try:
        job = decode_json(Job, orders.readline())
        measuring = _prepared(job, arrived, find)
        for line in orders:
            yield measuring.obey(decode_json(Order, line))
    except FmnistEdgeError as error:
        yield Reply(failure=failure_of(error))
    except Exception as error:  # noqa: BLE001 - the edge of the process: a row must say what happened
        bug = InternalError(f"{type(error).__name__}: {error}", hint="This is worth a bug report.")
        yield Reply(failure=failure_of(bug))


def _prepared(job: Job, arrived: int, find: Find) -> Measuring:
    if job.settings.pin:
        pin(job.settings.pin)
    data = Data(
        test=load_test(Path(job.data_folder)) if job.data_folder is not None else None,
        own=read_own_data(Path(job.own_data)) if job.own_data is not None else None,
    )
    return Measuring(
        job,
        find(job.case.runtime),
        data,
        Instruments(resident_and_peak, footprint),
        start_ns=max(0, arrived - job.launched_ns),
    )


if __name__ == "__main__":
    main()
