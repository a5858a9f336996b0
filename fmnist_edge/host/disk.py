"""What an installed package takes on the disk, with all that it requires."""

import os
import re
from collections.abc import Iterator
from importlib import metadata
from typing import Final

__all__ = ["installed_bytes"]

_NAME: Final = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def installed_bytes(distribution: str) -> int | None:
    """Bytes of the files of a distribution and of every one it requires; nothing is imported.

    A requirement counts if it is installed and belongs to no extra. One whose marker excludes this
    machine counts, too, where something else has installed it.

    Args:
        distribution: The name that it is installed by: "onnxruntime", "ai-edge-litert".

    Returns:
        None where it is not installed, or where one of them has no list of its files: a sum without
        it would be too small.
    """
    family: dict[str, metadata.Distribution] = {}
    waiting = [distribution]
    while waiting:
        name = _plain(waiting.pop())
        found = None if name in family else _find(name)
        if found is not None:
            family[name] = found
            waiting += _required(found)
    if _plain(distribution) not in family:
        return None
    sizes = [_size(each) for each in family.values()]
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None


def _plain(name: str) -> str:
    """The name as packaging tools compare it: "ai_edge.LiteRT" is "ai-edge-litert"."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _find(name: str) -> metadata.Distribution | None:
    try:
        return metadata.distribution(name)
    except (metadata.PackageNotFoundError, ValueError):  # ValueError: an empty name
        return None


def _required(distribution: metadata.Distribution) -> Iterator[str]:
    for requirement in distribution.requires or ():
        name = _NAME.match(requirement)
        _, _, marker = requirement.partition(";")
        if name and not re.search(r"\bextra\b", marker):
            yield name[1]


def _size(distribution: metadata.Distribution) -> int | None:
    if distribution.files is None:
        return None
    folder = str(distribution.locate_file(""))
    return sum(_length(f"{folder}/{file}") for file in distribution.files)


def _length(path: str) -> int:
    # Thousands of files: a `Path` of each would take longer than the disk does.
    try:
        return os.stat(path).st_size  # noqa: PTH116 - see above
    except OSError:
        return 0  # listed, but removed since
