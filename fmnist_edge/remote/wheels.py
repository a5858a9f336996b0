"""Which wheels of a folder a host could install."""

from collections.abc import Sequence
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from fmnist_edge.errors import UsageError
from fmnist_edge.remote.host import Look

_OWN = "fmnist-edge"


def fitting(folder: Path, look: Look) -> Sequence[Path]:
    """Return the wheels that are for the host's processor and Python, as far as their names tell.

    Raises:
        UsageError: There is none.
    """
    found = [path for path in sorted(folder.glob("*.whl")) if _fits(path.name, look)]
    if not found:
        raise UsageError(
            f"{folder} holds no wheel for Python {look.python} on {look.machine}.",
            hint=f"Gather them with: fmnist-edge wheelhouse -o {folder}",
        )
    return found


def _fits(name: str, look: Look) -> bool:
    try:
        project, _, _, tags = parse_wheel_filename(name)
    except InvalidWheelFilename:
        return False
    number = "".join(look.python.split(".")[:2])
    return project != _OWN and any(
        (tag.platform == "any" or tag.platform.endswith(f"_{look.machine}"))
        and (tag.interpreter in {f"cp{number}", f"py{number}", "py3"} or tag.abi == "abi3")
        for tag in tags
    )
