"""Looking up names in the tables of presets, protocols, runtimes and devices."""

from collections.abc import Mapping
from typing import TypeVar

from fmnist_edge.errors import UsageError

T = TypeVar("T")


def look_up(table: Mapping[str, T], name: str, kind: str) -> T:
    """Return the entry of `table` called `name`.

    Args:
        table: The entries by name.
        name: Name that the user gave.
        kind: Kind of the entries in one word, for the error message.

    Raises:
        UsageError: There is no such entry; the hint lists the names, the nearest one first.
    """
    if name not in table:
        import difflib  # noqa: PLC0415 - only an error waits for it

        nearest = "".join(
            f"Did you mean {each}? " for each in difflib.get_close_matches(name, table, n=1)
        )
        raise UsageError(
            f"There is no {kind} called {name!r}.", hint=f"{nearest}Known are: {', '.join(table)}."
        )
    return table[name]
