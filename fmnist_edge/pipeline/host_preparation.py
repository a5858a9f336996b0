"""A host before it measures: what it is, what it needs, and the environment that measures there."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from fmnist_edge import runtimes
from fmnist_edge.artifact import format_of
from fmnist_edge.environments import source_digest
from fmnist_edge.environments.own_wheel import write_own_wheel
from fmnist_edge.errors import EnvironmentNotMadeError, HostUnusableError, StorageError
from fmnist_edge.files import sha256_of
from fmnist_edge.records import RecordError, decode_json
from fmnist_edge.remote.host import Host, Look, Made, Stored, stored
from fmnist_edge.remote.wheels import fitting
from fmnist_edge.report.diagnosis import verdict
from fmnist_edge.result import Diagnosis
from fmnist_edge.session import DefaultUse

Say = Callable[[str], None]

_GIGA: Final = 1e9
_MEGA: Final = 1e6
# Certificates fail, and dates in results mislead, where a clock is further off.
_CLOCK_SECONDS: Final = 60.0
_KEY_LENGTH: Final = 16


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


def about(look: Look) -> Iterator[str]:
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


def environment(host: Host, job: Job, look: Look, bundle: Stored, say: Say) -> Made:
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


def readiness(host: Host, python: str) -> Iterator[str]:
    """Yield in a sentence whether the host is ready to measure, as `doctor` there finds.

    It stops nothing: a host that is not ready still measures, and its result says what is in doubt.
    """
    code, answer = host.execute(python, ["doctor", "--quick", "--quiet", "--json", "-"])
    try:
        yield verdict(decode_json(Diagnosis, answer))
    except RecordError:
        yield f"doctor could not tell whether it is ready (it ended with {code})"
