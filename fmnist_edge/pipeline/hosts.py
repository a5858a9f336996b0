"""A benchmark on another machine: it is begun there, followed, and its result is brought home."""

import json
import re
import secrets
import shlex
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar

import platformdirs

from fmnist_edge import runtimes
from fmnist_edge.artifact import format_of, utc_now
from fmnist_edge.clock import NS_PER_SECOND, now
from fmnist_edge.environments import source_digest
from fmnist_edge.environments.own_wheel import write_own_wheel
from fmnist_edge.errors import (
    EnvironmentNotMadeError,
    FmnistEdgeError,
    HostBusyError,
    HostUnreachableError,
    HostUnusableError,
    StorageError,
)
from fmnist_edge.files import sha256_of, storage_errors, write_atomically
from fmnist_edge.records import RecordError, decode_json
from fmnist_edge.remote import state as states
from fmnist_edge.remote.connection import ConnectionLostError
from fmnist_edge.remote.destination import Destination
from fmnist_edge.remote.host import Host, Look, Made, RunState, Stored, stored, unreachable
from fmnist_edge.remote.state import HostRun
from fmnist_edge.remote.wheels import fitting
from fmnist_edge.report.diagnosis import verdict
from fmnist_edge.result import Diagnosis, Run, read_run
from fmnist_edge.session import DefaultUse

Say = Callable[[str], None]
T = TypeVar("T")

_GIGA: Final = 1e9
# With less than this, not even a log can be written.
_NOTHING_BYTES: Final = 1_000_000
_MEGA: Final = 1e6
# Certificates fail, and dates in results mislead, where a clock is further off.
_CLOCK_SECONDS: Final = 60.0
_KEY_LENGTH: Final = 16
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 30.0
# The exit codes of a benchmark that came to its end: all rows measured, or some of them failed.
_WHOLE: Final = frozenset({0, 90})


@dataclass(frozen=True)
class Job:
    """What is to be measured on a host.

    Args:
        bundle: The models and the images.
        options: Of `fmnist-edge bench` there.
        extras: Optional dependency groups that the environment there needs.
        wheels: A folder of wheels to install from there, without network; None for the index.
        python: Path of the Python there; empty to look for one.
    """

    bundle: Path
    options: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    wheels: Path | None = None
    python: str = ""


@dataclass(frozen=True)
class Home:
    """A result that was brought home.

    Args:
        file: Where it lies.
        run: What it says.
    """

    file: Path
    run: Run


def extras_for(files: Sequence[Path], named: Sequence[str]) -> tuple[str, ...]:
    """Return the optional dependency groups that measuring these files takes.

    Args:
        files: Model files.
        named: Runtimes that the user named; for none, the first runtime of each format that is used
            without being named. So TensorFlow is installed only where it is asked for.
    """
    formats = {format_of(path) for path in files}
    if named:
        wanted = {name for name in named if runtimes.get(name).FORMATS & formats}
    else:
        wanted = {
            name
            for target in formats
            for name in runtimes.reading(target)[:1]
            if runtimes.get(name).DEFAULT_USE is DefaultUse.ALWAYS
        }
    return tuple(sorted({runtimes.get(name).EXTRA for name in wanted} - {""}))


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
    for text in _about(look):
        say(text)
    if not look.can_make_environments:
        raise HostUnusableError(
            f"{host.to.name} cannot make an environment: its Python {look.python} has no venv.",
            hint=f"Install it on {host.to.name}, on Debian with: sudo apt install python3-venv; or "
            "install uv there",
        )
    with storage_errors(job.bundle):
        bundle = stored(job.bundle)
    environment = _environment(host, job, look, bundle, say)
    for text in _readiness(host, environment.python):
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
        begun = _start(host, run, bundle, environment)
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


def _about(look: Look) -> Iterator[str]:
    """Yield what a host is, and that its clock is wrong."""
    free = look.free_bytes
    room = f"{free / _GIGA:.1f} GB" if free >= _GIGA else f"{free / _MEGA:.0f} MB"
    yield f"{look.system}, {look.machine}, {look.bits} bit, Python {look.python}, {room} free"
    seconds = (look.now - datetime.now(UTC)).total_seconds()
    if abs(seconds) > _CLOCK_SECONDS:
        yield (
            f"its clock is {abs(seconds):,.0f} s {'ahead' if seconds > 0 else 'behind'}: the date "
            "in the result is the one there, and downloads may fail; the times that are measured "
            "do not depend on it"
        )


def _environment(host: Host, job: Job, look: Look, bundle: Stored, say: Say) -> Made:
    """Copy what is not there yet, and have the environment that measures."""
    with TemporaryDirectory(prefix="fmnist-edge-wheel-") as folder:
        own = stored(write_own_wheel(Path(folder)))
        wheels = [stored(each) for each in fitting(job.wheels, look)] if job.wheels else []
        _copy(host, [bundle, own, *wheels], look, say)
    told = [own.sha256, look.python, job.python, *job.extras, *(each.sha256 for each in wheels)]
    try:
        made = host.environment(
            sha256_of(json.dumps(told).encode())[:_KEY_LENGTH],
            own_wheel=own,
            extras=job.extras,
            wheels=wheels,
            note=_sparingly(say),
        )
    except EnvironmentNotMadeError as error:
        if job.wheels is None:
            raise
        raise EnvironmentNotMadeError(error.message, hint=_gathering(job, look)) from error
    if made.description.source != source_digest():
        raise HostUnusableError(f"The environment on {host.to.name} has another fmnist-edge.")
    say("the environment is made" if made.made else "the environment is there already")
    return made


def _gathering(job: Job, look: Look) -> str:
    """Return the command that gathers the wheels which a host needs."""
    python = ".".join(look.python.split(".")[:2])
    extras = f" --extra {','.join(job.extras)}" if job.extras else ""
    return (
        f"Gather what is missing with: fmnist-edge wheelhouse --platform {look.machine} "
        f"--python {python}{extras} -o {job.wheels}"
    )


def _copy(host: Host, files: Sequence[Stored], look: Look, say: Say) -> None:
    missing = host.missing(files)
    size = sum(each.size for each in missing)
    if size > look.free_bytes:
        raise StorageError(
            f"On {host.to.name}: {size / _MEGA:.1f} MB are to be copied, and "
            f"{look.free_bytes / _MEGA:.1f} MB are free.",
            hint=f"Free some space on {host.to.name}.",
        )
    if missing:
        say(f"copying {size / _MEGA:.1f} MB")
    for each in missing:
        host.put(each)


def _sparingly(say: Say) -> Say:
    """Return what tells the first line of an installation, and none of the hundreds after it."""
    told = False

    def tell(_: str) -> None:
        nonlocal told
        if not told:
            told = True
            say("making an environment, which takes a minute or more the first time")

    return tell


def _readiness(host: Host, python: str) -> Iterator[str]:
    """Yield in a sentence whether the host is ready to measure, as `doctor` there finds.

    It stops nothing: a host that is not ready still measures, and its result says what is in doubt.
    """
    code, answer = host.execute(python, ["doctor", "--quick", "--quiet", "--json", "-"])
    try:
        yield verdict(decode_json(Diagnosis, answer))
    except RecordError:
        yield f"doctor could not tell whether it is ready (it ended with {code})"


def _start(host: Host, run: HostRun, bundle: Stored, environment: Made) -> RunState:
    """Start a run, and ask again should the connection end meanwhile: there is one run at most."""
    job = {
        "python": environment.python,
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


def command(to: Destination, *options: str) -> str:
    """Return the command that has to do with the runs of a host."""
    return " ".join(("fmnist-edge bench --host", to.address, *options))


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
