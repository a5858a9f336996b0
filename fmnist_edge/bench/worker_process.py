"""A worker process as the benchmark sees it: it answers commands or becomes a failure."""

import os
import select
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Self

from fmnist_edge.bench.plan import failure_of
from fmnist_edge.bench.wire import Command, Job, Reply, encode_line
from fmnist_edge.clock import NS_PER_SECOND, now
from fmnist_edge.devices import KERNEL_CACHES
from fmnist_edge.errors import FmnistEdgeError, WorkerCrashedError, WorkerTimeoutError
from fmnist_edge.records import RecordError, decode_json, replace

# The libraries below NumPy read these once, when they are loaded; there is no other way.
_THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_TAIL: Final = 300
_CHUNK: Final = 1 << 20
# How often the parent wakes to read the sensors: so seldom that no measurement is disturbed.
TICK_SECONDS: Final = 1.0
_EXIT_SECONDS: Final = 5.0


class Worker:
    """A process for one case; it has ended when the `with` block ends.

    A worker that raises, is killed or hangs gives a reply with the failure, and only such replies
    from then on.

    Args:
        command: Starts the process, which reads a `Job` and `Command`s as lines of JSON from stdin
            and writes a `Reply` to each command as a line of JSON to stdout.
        job: Its task.
        tick: Called about once per second while this process waits for an answer.
    """

    def __init__(
        self, command: Sequence[str], job: Job, tick: Callable[[], None] = lambda: None
    ) -> None:
        self._job: Final = job
        self._tick: Final = tick
        self._stderr: Final = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        self._unread = b""
        self._failed: Reply | None = None
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = self._start(command)
        except OSError as error:
            self._fail(_crashed(f"cannot be started: {error.strerror}", b""))

    def _start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        threads = str(self._job.case.threads)
        launched = now()
        process = subprocess.Popen(  # noqa: S603 - the command is this project's own
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            bufsize=0,
            env={**os.environ, **dict.fromkeys(_THREAD_VARIABLES, threads), **self._caches()},
        )
        self._send(process, encode_line(replace(self._job, launched_ns=launched)))
        return process

    def _caches(self) -> Mapping[str, str]:
        """Return the variables that keep what drivers compile in the job's own folder."""
        folder = self._job.kernel_cache
        return {} if folder is None else dict.fromkeys(KERNEL_CACHES, folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and self._process is not None:
            self._process.kill()  # Ctrl-C: leave no process behind, and do not wait for its own end
        self._end()
        self._stderr.close()

    def ask(self, command: Command) -> Reply:
        """Give a command and sleep until it is carried out, has failed, or takes too long."""
        if self._failed is not None or self._process is None:
            return self._failed or Reply()
        self._send(self._process, encode_line(command))
        try:
            answer = self._read_line(self._process, command)
            reply = decode_json(Reply, answer)
        except RecordError as error:
            return self._fail(self._ended(f"gave no valid answer: {error}"))
        except FmnistEdgeError as error:
            return self._fail(error)
        if reply.failure is not None:
            self._failed = reply
        return reply

    @staticmethod
    def _send(process: subprocess.Popen[bytes], line: bytes) -> None:
        if process.stdin is None:
            raise ValueError("the worker has no stdin")
        view = memoryview(line)
        try:
            while view:
                view = view[os.write(process.stdin.fileno(), view) :]
        except BrokenPipeError:
            pass  # it has ended; reading its reply shows how

    def _read_line(self, process: subprocess.Popen[bytes], command: Command) -> bytes:
        if process.stdout is None:
            raise ValueError("the worker has no stdout")
        source = process.stdout.fileno()
        end = now() + int((self._job.settings.limit_seconds + command.seconds) * NS_PER_SECOND)
        while b"\n" not in self._unread:
            if now() > end:  # it is silent, or its reply never ends
                process.kill()
                raise _hung(self._job)
            ready, _, _ = select.select([source], [], [], TICK_SECONDS)
            if not ready:
                self._tick()
                continue
            part = os.read(source, _CHUNK)
            if not part:
                raise self._ended(None)
            self._unread += part
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _ended(self, what: str | None) -> WorkerCrashedError:
        """Return why there is no (valid) reply, once the process has ended."""
        code = self._end()
        self._stderr.seek(0)
        return _crashed(what if what and code == 0 else ending(code), self._stderr.read())

    def _fail(self, error: FmnistEdgeError) -> Reply:
        self._failed = Reply(failure=failure_of(error))
        return self._failed

    def _end(self) -> int:
        """End the process and return its exit code."""
        process = self._process
        if process is None:
            return 0
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            return process.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()
        except BaseException:
            process.kill()  # Ctrl-C: leave no process behind
            process.wait()
            raise


def ending(code: int) -> str:
    """Return how a process ended, as part of a sentence.

    Args:
        code: Its exit code; that of a process that a signal ended is negative.
    """
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


def _crashed(what: str, stderr: bytes) -> WorkerCrashedError:
    hint = next((text for name, text in _CAUSES.items() if what.endswith(name)), "")
    said = " ".join(stderr.decode(errors="replace").split())[-_TAIL:]
    return WorkerCrashedError(f"The measuring process {what}.", hint=hint or _printed(said))


def _printed(text: str) -> str:
    if not text:
        return (
            "It printed nothing. Run it once more; if that fails too, this is worth a bug report."
        )
    return f"The last text that it printed: {text}"


def _hung(job: Job) -> WorkerTimeoutError:
    return WorkerTimeoutError(
        f"The measuring process did not answer within {job.settings.limit_seconds:g} s.",
        hint="Allow it more with --limit SECONDS, or check what else the machine is doing.",
    )
