"""Words and numbers from the small files of /proc and /sys, and why one could not be had."""

import re
from pathlib import Path
from typing import Final

__all__ = [
    "UnreadableError",
    "as_decimal",
    "as_whole",
    "entries",
    "fields",
    "in_order",
    "reason",
    "text",
    "whole",
    "word",
]

# As many digits as any counter of the kernel has; more would be no counter.
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,20}")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?")
_SHOWN: Final = 60


class UnreadableError(OSError):
    """Something could not be read; the message says why in a few words."""


def reason(error: OSError) -> str:
    """What went wrong, without the path: "permission denied"."""
    return (error.strerror or str(error) or type(error).__name__).lower()


def text(path: Path) -> str:
    """What stands in `path`, without the blanks and zero bytes around it.

    Raises:
        UnreadableError: there is no such file, or it may not be read, or nothing stands in it.
    """
    try:
        content = path.read_bytes().decode("utf-8", errors="replace").strip("\0\n\t ")
    except OSError as error:
        raise UnreadableError(reason(error)) from error
    if not content:
        raise UnreadableError("empty")
    return content


def word(path: Path) -> str:
    """What stands in `path`; empty where that cannot be read."""
    try:
        return text(path)
    except UnreadableError:
        return ""


def whole(path: Path) -> int:
    """The whole number that stands in `path`.

    Raises:
        UnreadableError: the file cannot be read, or something else stands in it.
    """
    return as_whole(text(path))


def as_whole(told: str) -> int:
    """The whole number that `told` is.

    Raises:
        UnreadableError: it is none.
    """
    if not _WHOLE.fullmatch(told):
        raise UnreadableError(f"not a number: {told[:_SHOWN]!r}")
    return int(told)


def as_decimal(told: str) -> float:
    """The number that `told` is, with or without a decimal point.

    Raises:
        UnreadableError: it is none.
    """
    if not _DECIMAL.fullmatch(told):
        raise UnreadableError(f"not a number: {told[:_SHOWN]!r}")
    return float(told)


def fields(content: str, separator: str = ":") -> dict[str, str]:
    """The lines "name: value" of `content`; the last one of a name is the one that counts."""
    pairs = (line.split(separator, 1) for line in content.splitlines() if separator in line)
    return {key.strip(): value.strip() for key, value in pairs}


def entries(folder: Path, pattern: str) -> list[Path]:
    """What matches `pattern` in `folder`, "cpu10" after "cpu9"; empty where there is no folder."""
    return sorted(folder.glob(pattern), key=lambda path: in_order(str(path)))


def in_order(name: str) -> list[tuple[int, str]]:
    """A key that sorts names with numbers in them as people count."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
