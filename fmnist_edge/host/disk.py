"""The disk space of an installed package and of all packages that it requires."""

import os
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name


def installed_bytes(distribution: str) -> int | None:
    """Return the size of an installed distribution with all that it requires; import nothing.

    A requirement that is not installed counts as 0 bytes, and so does one that belongs to an extra
    or whose environment marker excludes this machine.

    Args:
        distribution: Name in the package index, such as "onnxruntime" or "ai-edge-litert".

    Returns:
        Size of the files in bytes; None where the distribution is not installed, or where one of
        the distributions has no list of its files or an unreadable list of requirements.
    """
    found: dict[str, metadata.Distribution] = {}
    waiting = [distribution]
    while waiting:
        name = canonicalize_name(waiting.pop())
        installed = None if name in found else _find(name)
        if installed is not None:
            found[name] = installed
            try:
                waiting += _required(installed)
            except InvalidRequirement:
                return None
    sizes = [_size(each) for each in found.values()]
    known = [size for size in sizes if size is not None]
    return sum(known) if known and len(known) == len(sizes) else None


def _find(name: str) -> metadata.Distribution | None:
    try:
        return metadata.distribution(name)
    except (metadata.PackageNotFoundError, ValueError):  # ValueError: the name is empty
        return None


def _required(distribution: metadata.Distribution) -> Iterator[str]:
    for line in distribution.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement.name


def _size(distribution: metadata.Distribution) -> int | None:
    if distribution.files is None:
        return None
    folder = str(distribution.locate_file(""))
    return sum(_length(f"{folder}/{file}") for file in distribution.files)


def _length(path: str) -> int:
    # There are thousands of files: making a `Path` of each would take longer than reading the disk.
    try:
        return os.stat(path).st_size  # noqa: PTH116 - see above
    except OSError:
        return 0  # The file was removed after the installation.
