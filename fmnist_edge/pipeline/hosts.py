"""A benchmark on another machine: it is begun there, followed, and its result is brought home."""

import secrets
import socket
from collections.abc import Callable
from getpass import getuser
from pathlib import Path
from typing import Final

import platformdirs

from fmnist_edge.artifact import utc_now
from fmnist_edge.clock import NS_PER_SECOND, now
from fmnist_edge.errors import (
    HostBusyError,
    HostUnreachableError,
    HostUnusableError,
    StorageError,
)
from fmnist_edge.files import storage_errors
from fmnist_edge.pipeline.host_preparation import (
    Job,
    Say,
    about,
    environment,
    readiness,
)
from fmnist_edge.remote import state as states
from fmnist_edge.remote.connection import ConnectionLostError
from fmnist_edge.remote.host import Host, Made, RunState, Stored, stored, unreachable
from fmnist_edge.remote.state import HostRun, command

_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 30.0


def results_folder() -> Path:
    """Return the folder of results for which the user named no file."""
    return platformdirs.user_data_path("fmnist-edge", appauthor=False) / "results"


def begin(host: Host, job: Job, result: Callable[[str], Path], say: Say) -> HostRun:
    """Let a host measure; the benchmark there goes on whatever becomes of the connection.

    Args:
        host: The host.
        job: What to measure.
        result: Returns where the result of a run goes, which is named by its argument.
        say: Told of every step.

    Raises:
        HostUnreachableError: It cannot be reached, or the connection was lost before the start.
        HostUnusableError: It has no Python that can be used, or cannot make an environment.
        HostBusyError: Somebody is measuring there.
        EnvironmentNotMadeError: A package cannot be installed there.
        StorageError: A disk is full, here or there, or may not be written to.
        UsageError: No wheel fits.
    """
    try:
        return _begin(host, job, result, say)
    except ConnectionLostError as error:
        raise unreachable(host.to, error) from error


def _begin(host: Host, job: Job, result: Callable[[str], Path], say: Say) -> HostRun:
    look = host.look()
    if look.busy:
        raise _busy(host, look.busy)
    for text in about(look):
        say(text)
    if not look.can_make_environments:
        raise HostUnusableError(
            f"{host.to.name} cannot make an environment: its Python {look.python} has no venv.",
            hint=f"Install it on {host.to.name}, on Debian with: sudo apt install python3-venv; or "
            "install uv there",
        )
    with storage_errors(job.bundle):
        bundle = stored(job.bundle)
    made = environment(host, job, look, bundle, say)
    for text in readiness(host, made.python):
        say(text)
    name = secrets.token_hex(6)
    run = HostRun(
        run=name,
        to=host.to,
        remote_python=job.python,
        created=utc_now(),
        bundle_sha256=bundle.sha256,
        options=job.options,
        result=str(result(name).absolute()),
    )
    states.keep(run)
    try:
        begun = _start(host, run, bundle, made)
        if begun.busy:
            raise _busy(host, begun.busy)
    except (HostBusyError, HostUnusableError, StorageError):
        host.remove(run.run)
        states.forget(run)
        raise
    say("measuring there")
    return run


def _busy(host: Host, who: str) -> HostBusyError:
    return HostBusyError(
        f"{host.to.name} is measuring for {who}; two benchmarks at once would disturb each other.",
        hint="Run the command again when that one has ended.",
    )


def _start(host: Host, run: HostRun, bundle: Stored, made: Made) -> RunState:
    """Start a run, and ask again should the connection end meanwhile: there is one run at most."""
    job = {
        "python": made.python,
        "options": [*run.options, f"--host-name={host.to.name}"],
        "who": f"{getuser()}@{socket.gethostname()}",
    }
    try:
        return host.start(run.run, bundle, job)
    except ConnectionLostError:
        try:
            return host.start(run.run, bundle, job)
        except ConnectionLostError as error:
            raise HostUnreachableError(
                f"The connection to {host.to.name} was lost while the benchmark was started "
                f"({error}).",
                hint=f"See whether it runs there: {command(host.to, '--attach')}",
            ) from error


def follow(host: Host, run: HostRun, say: Say, *, patience_seconds: float) -> RunState:
    """Tell what a run says until it is over, through lost connections.

    Args:
        host: The host.
        run: Which run.
        say: Told each line.
        patience_seconds: How long to try to connect again before giving up.

    Raises:
        HostUnreachableError: The host could not be reached again; the run may go on there.
    """
    offset, lost_since = 0, 0

    def note(text: str) -> None:
        nonlocal offset, lost_since
        lost_since = 0
        raw = text.encode(errors="surrogateescape")
        offset += len(raw)
        for line in raw.decode(errors="replace").splitlines():
            say(line)

    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return host.follow(run.run, offset, note)
        except (ConnectionLostError, HostUnreachableError) as error:
            if isinstance(error, HostUnreachableError) and not host.was_connected:
                raise
            if not host.rest(0):
                raise unreachable(host.to, error, command(host.to, "--attach")) from error
            if not lost_since:
                lost_since, pause = now(), _FIRST_PAUSE_SECONDS
                say("the connection was lost; the benchmark goes on there, trying to connect again")
            waited = (now() - lost_since) / NS_PER_SECOND
            if waited + pause > patience_seconds or not host.rest(pause):
                raise HostUnreachableError(
                    f"{host.to.name} could not be reached again; the benchmark goes on there "
                    f"unless the machine is off. The last attempt: {error}",
                    hint=f"Follow it with: {command(host.to, '--attach')}",
                ) from error
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def stop(host: Host, run: HostRun) -> RunState:
    """End a run and remove what it has left there; its result is lost.

    Raises:
        HostUnreachableError: The connection was lost.
    """
    try:
        before = host.state(run.run)
        if before.state != "unknown":
            host.stop(run.run)
            host.remove(run.run)
    except ConnectionLostError as error:
        raise unreachable(host.to, error) from error
    states.forget(run)
    return before


def state(host: Host, run: HostRun) -> RunState:
    """Return how far a run is.

    Raises:
        HostUnreachableError: The connection was lost.
    """
    try:
        return host.state(run.run)
    except ConnectionLostError as error:
        raise unreachable(host.to, error) from error
