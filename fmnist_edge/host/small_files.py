"""Reading and parsing the small files of /proc and /sys."""

import re
from pathlib import Path
from typing import Final

# 20 digits hold every 64-bit counter of the kernel; a longer number is none.
_INT: Final = re.compile(r"[+-]?[0-9]{1,20}")
_FLOAT: Final = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?")
_SHOWN: Final = 60


class UnreadableError(OSError):
    """A value could not be read; the message gives the reason in a few words."""


def os_reason(error: OSError) -> str:
    """Return the reason of an error without the path, such as "permission denied"."""
    return (error.strerror or str(error) or type(error).__name__).lower()


def read_text(path: Path) -> str:
    """Return the content of a file without blanks and zero bytes at its ends.

    Raises:
        UnreadableError: The file does not exist, cannot be read, or is empty.
    """
    try:
        content = path.read_bytes().decode("utf-8", errors="replace").strip("\0\n\t ")
    except OSError as error:
        raise UnreadableError(os_reason(error)) from error
    if not content:
        raise UnreadableError("empty")
    return content


def read_or_empty(path: Path) -> str:
    """Return the content of a file as `read_text` does; empty where it cannot be read."""
    try:
        return read_text(path)
    except UnreadableError:
        return ""


def read_int(path: Path) -> int:
    """Return the whole number that a file holds.

    Raises:
        UnreadableError: The file cannot be read, or holds something else.
    """
    return parse_int(read_text(path))


def parse_int(content: str) -> int:
    """Return the whole number that `content` is.

    Raises:
        UnreadableError: It is not a whole number of at most 20 digits.
    """
    if not _INT.fullmatch(content):
        raise UnreadableError(f"not a number: {content[:_SHOWN]!r}")
    return int(content)


def parse_float(content: str) -> float:
    """Return the number that `content` is, with or without a decimal point.

    Raises:
        UnreadableError: It is not a finite decimal number without exponent.
    """
    if not _FLOAT.fullmatch(content):
        raise UnreadableError(f"not a number: {content[:_SHOWN]!r}")
    return float(content)


def parse_fields(content: str, separator: str = ":") -> dict[str, str]:
    """Return the lines "name: value" of `content`; the last line of each name counts."""
    pairs = (line.split(separator, 1) for line in content.splitlines() if separator in line)
    return {key.strip(): value.strip() for key, value in pairs}


def glob_sorted(folder: Path, pattern: str) -> list[Path]:
    """Return what matches `pattern` in `folder`, "cpu10" after "cpu9"; none without the folder."""
    return sorted(folder.glob(pattern), key=lambda path: natural_key(str(path)))


def natural_key(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts the numbers inside names by their value."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
