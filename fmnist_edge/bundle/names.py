"""Which names may stand in a bundle: those that every file system keeps apart, in one folder."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

_DRIVE: Final = re.compile(r"[A-Za-z]:")
_LONGEST_PART_BYTES: Final = 255
LONGEST_NAME_BYTES: Final = 1_024
_SHOWN: Final = 80
# Control characters, and what stands for bytes that are no text.
_UNSEEN: Final = frozenset({"Cc", "Cs"})


def quoted(name: str) -> str:
    """Return a name as it can be shown in a sentence, whatever is in it."""
    return ascii(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}...")


def problem_of_name(name: str) -> str:
    """Return what is wrong with the path of a member; empty where nothing is."""
    parts = name.split("/")
    longest = max(len(part.encode(errors="replace")) for part in parts)
    problems = {
        "is absolute": name.startswith("/"),
        "begins with the letter of a drive": bool(_DRIVE.match(name)),
        "has a backslash": "\\" in name,
        "leads out of the bundle": ".." in parts,
        "is not that of a file": "" in parts or "." in parts,
        "has a control character": any(unicodedata.category(each) in _UNSEEN for each in name),
        "is too long": longest > _LONGEST_PART_BYTES
        or len(name.encode(errors="replace")) > LONGEST_NAME_BYTES,
    }
    found = next((problem for problem, applies in problems.items() if applies), "")
    return f"the path {quoted(name)} {found}" if found else ""


def problem_of_names(names: Sequence[str]) -> str:
    """Return what is wrong with the paths of all members together; empty where nothing is."""
    problem = next(filter(None, map(problem_of_name, names)), "")
    if problem:
        return problem
    seen: dict[str, str] = {}
    for name in names:
        key = _folded(name)
        if seen.get(key) == name:
            return f"the path {quoted(name)} is there twice"
        if key in seen:
            both = f"{quoted(seen[key])} and {quoted(name)}"
            return f"the paths {both} differ by upper and lower case only"
        seen[key] = name
    for name in names:
        for folder in PurePosixPath(_folded(name)).parents:
            if str(folder) in seen:
                return f"{quoted(seen[str(folder)])} is a file, and the folder of {quoted(name)}"
    return ""


def _folded(name: str) -> str:
    """Return what is the same for names that a file system may take for the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
