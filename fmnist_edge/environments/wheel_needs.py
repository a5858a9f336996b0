"""Which wheels of a folder an installation takes, and what it would lack.

pip evaluates the markers of requirements for the machine that it runs on, whatever machine it
downloads for. What it has gathered is therefore followed once more from the package down, for the
machine that the wheels are meant for.
"""

import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import Tag
from packaging.utils import (
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
    parse_wheel_filename,
)
from packaging.version import Version


@dataclass(frozen=True)
class Wheel:
    """A wheel in a folder.

    Args:
        path: The file.
        name: The package, in the form that is compared.
        version: Its version.
        requires: What it requires, with markers.
    """

    path: Path
    name: NormalizedName
    version: Version
    requires: tuple[Requirement, ...]


@dataclass(frozen=True)
class Needs:
    """What an installation takes.

    Args:
        wheels: Those that it takes, in the order of their names.
        missing: What no wheel fulfils, as pip takes it.
    """

    wheels: Sequence[Wheel]
    missing: Sequence[str]


def read_wheels(paths: Iterable[Path], tags: frozenset[Tag]) -> Mapping[NormalizedName, Wheel]:
    """Return the wheels among some files that a machine can use, by name.

    A file that is damaged counts as missing.

    Args:
        paths: The files, at most one of each package.
        tags: Those that a wheel may have there.
    """
    found = {}
    for path in paths:
        try:
            name, version, _, own_tags = parse_wheel_filename(path.name)
            if own_tags & tags:
                found[name] = Wheel(path, name, version, tuple(_requirements(path)))
        except (InvalidWheelFilename, zipfile.BadZipFile, StopIteration, OSError):
            continue
    return found


def _requirements(path: Path) -> Iterator[Requirement]:
    with zipfile.ZipFile(path) as archive:
        about = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        told = HeaderParser().parsestr(archive.read(about).decode("utf-8", errors="replace"))
    for line in told.get_all("Requires-Dist", ()):
        try:
            yield Requirement(line)
        except InvalidRequirement:
            continue  # of a package that pip itself takes as it is, or not at all


def needs(
    wanted: Requirement,
    wheels: Mapping[NormalizedName, Wheel],
    markers: Mapping[str, str],
) -> Needs:
    """Follow a requirement through the wheels.

    Args:
        wanted: What is to be installed.
        wheels: The wheels, by name.
        markers: What markers are evaluated with.
    """
    taken: dict[NormalizedName, Wheel] = {}
    missing: dict[str, None] = {}
    seen: set[str] = set()
    waiting = [wanted]
    while waiting:
        each = waiting.pop()
        text = f"{each.name}{_extras(each.extras)}{each.specifier}"
        if text in seen:
            continue
        seen.add(text)
        wheel = _fulfilling(each, wheels)
        if wheel is None:
            missing[text] = None
        else:
            taken[wheel.name] = wheel
            waiting += applying(wheel.requires, each.extras, markers)
    return Needs(sorted(taken.values(), key=lambda wheel: wheel.name), sorted(missing))


def applying(
    requires: Iterable[Requirement], extras: Iterable[str], markers: Mapping[str, str]
) -> Sequence[Requirement]:
    """Return the requirements of a package that apply on a machine and with these extras.

    Args:
        requires: All of them.
        extras: Extras of the package.
        markers: What markers are evaluated with.
    """
    return [
        each
        for each in requires
        if each.marker is None
        or any(each.marker.evaluate({**markers, "extra": extra}) for extra in ("", *extras))
    ]


def _fulfilling(wanted: Requirement, wheels: Mapping[NormalizedName, Wheel]) -> Wheel | None:
    wheel = wheels.get(canonicalize_name(wanted.name))
    fits = wheel is not None and wanted.specifier.contains(wheel.version, prereleases=True)
    return wheel if fits else None


def _extras(extras: Iterable[str]) -> str:
    return f"[{','.join(sorted(extras))}]" if extras else ""
