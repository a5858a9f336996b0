"""A folder of wheels from which a machine without network installs this very fmnist-edge.

pip downloads the packages for that machine and its Python. A file, `wheels.json`, tells what was
gathered for which machines; it is written last, so that what it names is there and whole.
"""

import fcntl
import re
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from typing import Final, Literal

from packaging.requirements import Requirement
from packaging.utils import NormalizedName

from fmnist_edge.environments.own_wheel import write_own_wheel
from fmnist_edge.environments.programs import run_program
from fmnist_edge.environments.wheel_needs import Needs, Wheel, needs, read_wheels
from fmnist_edge.environments.wheel_target import (
    Target,
    abi,
    marker_values,
    platform_tags,
    wheel_tags,
)
from fmnist_edge.errors import EnvironmentNotMadeError, MissingDependencyError, UsageError
from fmnist_edge.files import sha256_of, storage_errors, write_atomically
from fmnist_edge.optional import installed, own_metadata
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.records import Record, RecordError, decode_document, encode_json

INDEX: Final = "wheels.json"
SCHEMA_VERSION: Final = 1
_STAGE: Final = ".download-"
# Each round asks for at least one package that the former did not ask for.
_MOST_ROUNDS: Final = 10
_NO_WHEEL: Final = re.compile(r"No matching distribution found for (?P<package>\S+)")
_NO_NETWORK: Final = ("after connection broken by", "Could not fetch URL")
_OTHERS: Final = "(from versions: none)"
_32_BIT: Final = "armv7l"


class WheelFile(Record):
    """A wheel that was gathered.

    Args:
        file: Its name in the folder.
        name: The package.
        version: Its version.
        sha256: Of the file, as hexadecimal digits.
        size_bytes: Of the file.
    """

    file: str
    name: str
    version: str
    sha256: str
    size_bytes: int


class Gathering(Record):
    """What was gathered for one kind of machine.

    Args:
        platform: The processor, as Linux calls it: "aarch64".
        python: Major and minor version of its Python.
        extras: The extras of fmnist-edge that can be installed.
        wheels: The files that an installation takes.
    """

    platform: str
    python: str
    extras: tuple[str, ...]
    wheels: tuple[str, ...]

    @property
    def target(self) -> Target:
        """The machine and its Python."""
        return Target(self.platform, self.python)


class WheelIndex(Record):
    """The file that tells what a folder of wheels holds.

    Args:
        gatherings: What was gathered, one for each kind of machine.
        wheels: Each wheel of them once.
        kind: Marks the file as such.
        schema_version: Of this schema.
    """

    gatherings: tuple[Gathering, ...] = ()
    wheels: tuple[WheelFile, ...] = ()
    kind: Literal["fmnist-edge wheels"] = "fmnist-edge wheels"
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class Gathered:
    """What `gather` has done.

    Args:
        gathering: For which machine, and what is there for it.
        wheels: Its wheels.
        new: Names of the files that were not there before.
    """

    gathering: Gathering
    wheels: Sequence[WheelFile]
    new: Sequence[str]


def gather(
    folder: Path, target: Target, extras: Collection[str], progress: Progress = SILENT
) -> Gathered:
    """Put all wheels into a folder that a machine needs to install fmnist-edge without network.

    What was gathered before for the same kind of machine stays, with its extras, and is not
    downloaded again.

    Args:
        folder: Where to put them; it is made where it is missing.
        target: The machine and its Python.
        extras: Extras of fmnist-edge.
        progress: Told of every step.

    Raises:
        UsageError: There is no such extra, or another command is at work in the folder.
        MissingDependencyError: This Python has no pip.
        EnvironmentNotMadeError: A package has no wheel for that machine, or there is no network.
        StorageError: The folder cannot be written to.
    """
    _check_extras(extras)
    progress.start(f"Wheels for {target.words}", None)
    try:
        with _alone(folder), storage_errors(folder):
            index = read_index(folder)
            former = next((each for each in index.gatherings if each.target == target), None)
            every = tuple(sorted({*extras, *(former.extras if former else ())}))
            kept = former.wheels if former else ()
            with tempfile.TemporaryDirectory(dir=folder, prefix=_STAGE) as stage:
                job = _Job(folder, Path(stage), target, every, progress)
                found = job.collect(_unchanged(folder, index, kept))
                new = [each for each in found if _place(each.path, folder)]
                files = [_described(folder / each.path.name, each) for each in found]
                gathering = Gathering(
                    target.platform, target.python, every, tuple(each.file for each in files)
                )
                _write_index(folder, index, gathering, files)
            return Gathered(gathering, files, [each.path.name for each in new])
    finally:
        progress.finish()


def read_index(folder: Path) -> WheelIndex:
    """Return what `wheels.json` tells of a folder; nothing where it tells nothing.

    Args:
        folder: A folder of wheels.
    """
    try:
        return decode_document(WheelIndex, (folder / INDEX).read_bytes(), SCHEMA_VERSION)
    except (OSError, RecordError):
        return WheelIndex()  # what cannot be read names nothing that could be relied on


@dataclass(frozen=True)
class _Job:
    """One gathering.

    Args:
        folder: Where the wheels will lie.
        stage: An empty folder beside them.
        target: The machine.
        extras: The extras.
        progress: Told of every step.
    """

    folder: Path
    stage: Path
    target: Target
    extras: Sequence[str]
    progress: Progress

    def collect(self, kept: Iterable[Path]) -> Sequence[Wheel]:
        """Return the wheels that are needed: of those that are there, or downloaded."""
        self.progress.advance(0, note="making the wheel of this fmnist-edge")
        own = write_own_wheel(self.stage)
        found = self._needs([*(path for path in kept if path.name != own.name), own])
        if not found.missing:
            return found.wheels
        self._check_pip()
        wanted = set(self._needs([own]).missing)
        for _ in range(_MOST_ROUNDS):
            self._download(sorted(wanted))
            found = self._needs(sorted(self.stage.glob("*.whl")))
            lacking = set(found.missing) - wanted
            if not lacking:
                break
            wanted |= lacking
        if found.missing:
            raise EnvironmentNotMadeError(
                f"pip has not gathered {', '.join(found.missing)} for {self.target.words}.",
                hint="Run the command with the same version of Python as that machine has.",
            )
        return found.wheels

    def _needs(self, paths: Iterable[Path]) -> Needs:
        wanted = Requirement(f"fmnist-edge[{','.join(self.extras)}]")
        wheels: Mapping[NormalizedName, Wheel] = read_wheels(paths, wheel_tags(self.target))
        return needs(wanted, wheels, marker_values(self.target))

    def _check_pip(self) -> None:
        if not installed("pip"):
            raise MissingDependencyError(
                f"pip, which downloads the wheels, is not installed for {sys.executable}.",
                hint=f"Install it with: {sys.executable} -m ensurepip, or: uv pip install pip",
            )

    def _download(self, wanted: Sequence[str]) -> None:
        """Let pip download packages, or take them from the folder where they are there already."""
        options = [
            *("--only-binary=:all:", "--disable-pip-version-check", "--progress-bar", "off"),
            *("--retries", "2", "--implementation", "cp"),
            *("--python-version", self.target.python, "--abi", abi(self.target)),
            *(word for tag in platform_tags(self.target) for word in ("--platform", tag)),
            *("--find-links", str(self.folder), "--dest", str(self.stage)),
        ]
        run_program(
            [sys.executable, "-m", "pip", "download", *options, *wanted],
            progress=self.progress,
            explain=self._explain,
            hint=self._hint(),
        )

    def _explain(self, lines: Sequence[str]) -> str:
        """Return what pip's complaint means, or nothing where it is none of the usual ones."""
        text = "\n".join(lines)
        found = _NO_WHEEL.search(text)
        if found is None:
            return ""
        if any(sign in text for sign in _NO_NETWORK) and _OTHERS in text:
            return "The package index cannot be reached, so that nothing can be downloaded."
        return f"There is no wheel of {found['package']} for {self.target.words}."

    def _hint(self) -> str:
        if self.target.platform == _32_BIT:
            return "Most packages are released for 64-bit systems only: install one on the device."
        return (
            "Check the network and the version of Python on that machine, or name other extras "
            "with --extra."
        )


def _check_extras(extras: Collection[str]) -> None:
    known = HeaderParser().parsestr(own_metadata()).get_all("Provides-Extra", [])
    unknown = sorted(set(extras) - set(known))
    if unknown:
        raise UsageError(
            f"fmnist-edge has no extra called {unknown[0]!r}.",
            hint=f"The extras are: {', '.join(sorted(known))}.",
        )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let no other command gather wheels in the folder, and clear away what killed ones left."""
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"Another fmnist-edge gathers wheels in {folder} just now.",
                hint="Wait for its end, then run the command again.",
            ) from error
        for leftover in folder.glob(f"{_STAGE}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield


def _unchanged(folder: Path, index: WheelIndex, names: Collection[str]) -> Sequence[Path]:
    """Return the wheels of a gathering that are what the index says."""
    return [
        folder / each.file
        for each in index.wheels
        if each.file in names
        and (folder / each.file).is_file()
        and sha256_of((folder / each.file).read_bytes()) == each.sha256
    ]


def _place(path: Path, folder: Path) -> bool:
    """Move a wheel into the folder in one step, and return whether it was not there before."""
    place = folder / path.name
    if path == place or (place.is_file() and place.read_bytes() == path.read_bytes()):
        return False
    path.replace(place)
    return True


def _described(path: Path, wheel: Wheel) -> WheelFile:
    content = path.read_bytes()
    return WheelFile(path.name, wheel.name, str(wheel.version), sha256_of(content), len(content))


def _write_index(
    folder: Path, former: WheelIndex, gathering: Gathering, files: Sequence[WheelFile]
) -> None:
    """Replace a gathering in the index, and remove the wheels that no gathering needs any more."""
    others = [each for each in former.gatherings if each.target != gathering.target]
    gatherings = sorted([*others, gathering], key=lambda each: (each.platform, each.python))
    used = {name for each in gatherings for name in each.wheels}
    known = {each.file: each for each in (*former.wheels, *files)}
    wheels = tuple(known[name] for name in sorted(used & known.keys()))
    text = encode_json(WheelIndex(tuple(gatherings), wheels))
    write_atomically(folder / INDEX, text.encode())
    for name in known.keys() - used:
        (folder / name).unlink(missing_ok=True)
