"""Starting a worker process for each measurement, and surviving whatever it does."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

from fmnist_edge.bench.messages import Job, Reply
from fmnist_edge.bench.plan import failure_of
from fmnist_edge.errors import WorkerCrashedError, WorkerTimeoutError
from fmnist_edge.records import RecordError, decode_json, encode_json

__all__ = ["run_worker"]

# Libraries below NumPy read these once, when they are loaded, and know no other way to be told.
_THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_TAIL: Final = 300


def run_worker(command: Sequence[str], job: Job) -> Reply:
    """Run one job in a process of its own; this process sleeps on a pipe meanwhile.

    A worker that raises, is killed or hangs gives a reply that says so.

    Args:
        command: Starts a worker: it reads a `Job` as JSON from stdin and writes a `Reply` as JSON
            to stdout.
        job: What to do.
    """
    try:
        worker = _start(command, job.case.threads)
    except OSError as error:
        return Reply(failure=failure_of(_crashed(f"cannot be started: {error.strerror}", b"")))
    with worker:
        try:
            answer, chatter = worker.communicate(
                encode_json(job).encode(), timeout=job.settings.limit_seconds
            )
        except subprocess.TimeoutExpired:
            worker.kill()
            return Reply(failure=failure_of(_hung(job)))
        except BaseException:
            worker.kill()  # Ctrl-C: leave no process behind
            worker.wait()
            raise
    return _understand(answer, chatter, worker.returncode)


def _start(command: Sequence[str], threads: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - the command is this project's own
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **dict.fromkeys(_THREAD_VARIABLES, str(threads))},
    )


def _understand(answer: bytes, chatter: bytes, code: int) -> Reply:
    if code == 0:
        try:
            return decode_json(Reply, answer)
        except RecordError as error:
            return Reply(failure=failure_of(_crashed(f"gave no valid answer: {error}", chatter)))
    return Reply(failure=failure_of(_crashed(_ending(code), chatter)))


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was killed by {name}"


_CAUSES: Final[Mapping[str, str]] = {
    "SIGKILL": "The system may be out of memory; close other programs and try again.",
    "SIGSEGV": "The runtime crashed on this file; check the file, or update the runtime.",
    "SIGILL": "The runtime needs instructions that this CPU lacks.",
}


def _crashed(what: str, chatter: bytes) -> WorkerCrashedError:
    hint = next((text for name, text in _CAUSES.items() if what.endswith(name)), "")
    said = " ".join(chatter.decode(errors="replace").split())[-_TAIL:]
    return WorkerCrashedError(
        f"The measuring process {what}.", hint=hint or f"Its last words: {said or 'none'}"
    )


def _hung(job: Job) -> WorkerTimeoutError:
    return WorkerTimeoutError(
        f"The measuring process did not answer within {job.settings.limit_seconds:g} s.",
        hint="Allow it more with --limit SECONDS, or check what else the machine is doing.",
    )
