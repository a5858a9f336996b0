"""The measuring process: `python -m fmnist_edge.worker` reads a job and writes a reply."""

import os
import sys
from pathlib import Path

from fmnist_edge import runtimes
from fmnist_edge.bench.measure import measure
from fmnist_edge.bench.messages import Job, Reply
from fmnist_edge.bench.plan import failure_of
from fmnist_edge.dataset import load_test
from fmnist_edge.errors import FmnistEdgeError, InternalError
from fmnist_edge.host.memory import resident_and_peak
from fmnist_edge.records import decode_json, encode_json

__all__ = ["main"]


def main() -> None:
    """Answer one job from stdin on stdout."""
    # Runtimes print to stdout as they please; the answer keeps the pipe, they get stderr.
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    job = decode_json(Job, sys.stdin.buffer.read())
    with answer:
        answer.write(encode_json(_reply(job)))


def _reply(job: Job) -> Reply:
    try:
        images = load_test(Path(job.data_folder)).images
        runtime = runtimes.get(job.case.runtime)
        return Reply(measurement=measure(job, runtime, images, resident_and_peak))
    except FmnistEdgeError as error:
        return Reply(failure=failure_of(error))
    except Exception as error:  # noqa: BLE001 - the edge of the process: a row must say what happened
        bug = InternalError(f"{type(error).__name__}: {error}", hint="This is worth a bug report.")
        return Reply(failure=failure_of(bug))


if __name__ == "__main__":
    main()
