"""The end of a benchmark on another machine: its result, or why there is none."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fmnist_edge.errors import FmnistEdgeError, HostUnusableError, StorageError
from fmnist_edge.files import sha256_of, write_atomically
from fmnist_edge.remote import state as states
from fmnist_edge.remote.connection import ConnectionLostError
from fmnist_edge.remote.host import Host, RunState, unreachable
from fmnist_edge.remote.state import HostRun, command
from fmnist_edge.result import Run, read_run

# With less than this, not even a log can be written.
_NOTHING_BYTES: Final = 1_000_000
# The exit codes of a benchmark that came to its end: all rows measured, or some of them failed.
_WHOLE: Final = frozenset({0, 90})


@dataclass(frozen=True)
class Home:
    """A result that was brought home.

    Args:
        file: Where it lies.
        run: What it says.
    """

    file: Path
    run: Run


def collect(host: Host, run: HostRun, ended: RunState) -> Home:
    """Bring the result of a run home, and remove there what belongs to that run alone.

    Args:
        host: The host.
        run: Which run.
        ended: How it ended.

    Raises:
        FmnistEdgeError: It has no result; the error is that of the benchmark there.
        HostUnreachableError: The connection was lost; nothing was removed.
        StorageError: The result cannot be written here; nothing was removed.
    """
    try:
        payload = b"" if ended.state == "unknown" else host.fetch(run.run)
        if not payload:
            error = _failure(host, run, ended)
            host.remove(run.run)
            states.forget(run)
            raise error
        if ended.sha256 and sha256_of(payload) != ended.sha256:
            raise HostUnusableError(
                f"The result on {host.to.name} is not the one that the benchmark wrote there.",
                hint=f"Measure again; remove that one with: {command(host.to, '--stop')}",
            )
        file = Path(run.result)
        write_atomically(file, payload)
        found = read_run(file)
        host.remove(run.run)
    except ConnectionLostError as error:
        raise unreachable(host.to, error, command(host.to, "--collect")) from error
    states.forget(run)
    if found.rounds < found.settings.processes and ended.code not in _WHOLE:
        raise HostUnusableError(
            f"The benchmark on {host.to.name} was ended before its time; {file} holds "
            f"{found.rounds} of {found.settings.processes} rounds.",
            hint="Measure again, or look at what there is with: fmnist-edge report "
            f"{shlex.quote(str(file))}",
        )
    return Home(file, found)


def _failure(host: Host, run: HostRun, ended: RunState) -> FmnistEdgeError:
    """Return why a run has no result."""
    name = host.to.name
    if ended.state == "unknown":
        return HostUnusableError(
            f"{name} has no such benchmark: it was never started, or its files were removed.",
            hint="Measure again.",
        )
    lines: list[str] = []
    host.follow(run.run, 0, lambda text: lines.extend(text.splitlines()))
    if ended.state == "died":
        free = host.look().free_bytes
        if free < _NOTHING_BYTES:
            return StorageError(
                f"The benchmark on {name} is gone without a result: the disk there is full.",
                hint=f"Free some space on {name}, and measure again.",
            )
        return HostUnusableError(
            f"The benchmark on {name} is gone without a result: the machine was restarted, or the "
            "process was killed.",
            hint="Measure again.",
        )
    kind = _kinds().get(ended.code or 0, HostUnusableError)
    said = [at for at, line in enumerate(lines) if line.startswith("Error: ")]
    if not said:
        last = lines[-1] if lines else "it said nothing"
        return kind(f"On {name}: the benchmark ended with {ended.code}: {last}")
    message = re.sub(r"^Error: ", "", lines[said[-1]])
    return kind(f"On {name}: {message}", hint=" ".join(lines[said[-1] + 1 :]))


def _kinds() -> Mapping[int, type[FmnistEdgeError]]:
    """Return the kinds of error by exit code."""
    return {kind.exit_code: kind for kind in FmnistEdgeError.__subclasses__()}
