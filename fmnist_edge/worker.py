"""The measuring process: `python -m fmnist_edge.worker` carries out commands from stdin."""

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from fmnist_edge import runtimes
from fmnist_edge.bench.inputs import FirstImages, needed_images, read_own_data
from fmnist_edge.bench.measure import CaseMeasurement, Data, Instruments
from fmnist_edge.bench.plan import failure_of
from fmnist_edge.bench.wire import Command, Job, Reply, encode_line
from fmnist_edge.clock import now
from fmnist_edge.dataset import TEST_IMAGES, load_test_images
from fmnist_edge.errors import FmnistEdgeError, InternalError
from fmnist_edge.host.cpu_use import cpu_use
from fmnist_edge.host.gpu_use import GpuUse
from fmnist_edge.host.memory import resident_and_peak
from fmnist_edge.host.process import footprint, pin
from fmnist_edge.records import decode_json
from fmnist_edge.session import RuntimeModule

FindRuntime = Callable[[str], RuntimeModule]


def main(find: FindRuntime = runtimes.get) -> None:
    """Answer the job and the commands from stdin on stdout, until stdin ends.

    Args:
        find: Returns the runtime of a name.
    """
    arrived_ns = now()
    # Runtimes print to stdout. The pipe is for the replies alone, so stdout becomes stderr.
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    with replies:
        for reply in _replies(sys.stdin.buffer, arrived_ns, find):
            replies.write(encode_line(reply))


def _replies(commands: BinaryIO, arrived_ns: int, find: FindRuntime) -> Iterator[Reply]:
    """Yield one reply per command; a failure is the last."""
    try:
        job = decode_json(Job, commands.readline())
        measurement = _prepare(job, arrived_ns, find)
        for line in commands:
            yield measurement.handle(decode_json(Command, line))
    except FmnistEdgeError as error:
        yield Reply(failure=failure_of(error))
    except Exception as error:  # noqa: BLE001 - the process boundary: the row says what happened
        bug = InternalError(f"{type(error).__name__}: {error}", hint="This is worth a bug report.")
        yield Reply(failure=failure_of(bug))


def _prepare(job: Job, arrived_ns: int, find: FindRuntime) -> CaseMeasurement:
    if job.settings.pin:
        pin(job.settings.pin)
    return CaseMeasurement(
        job,
        find(job.case.runtime),
        _read(job),
        Instruments(resident_and_peak, footprint, cpu_use, GpuUse()),
        start_ns=max(0, arrived_ns - job.launched_ns),
    )


def _read(job: Job) -> Data:
    split, own = job.data.test_split, job.data.own_data
    return Data(
        test=_first_images(job, Path(split)) if split is not None else None,
        own=read_own_data(Path(own)) if own is not None else None,
    )


def _first_images(job: Job, folder: Path) -> FirstImages:
    """Read what is timed; all images would be a fifth of the memory of this process."""
    count = TEST_IMAGES.dims[0]
    needed = needed_images(job.settings, job.case.batch)
    return FirstImages(
        load_test_images(folder, min(needed, count)),
        count,
        partial(load_test_images, folder),
    )


if __name__ == "__main__":
    main()
