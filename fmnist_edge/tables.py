"""Looking names up in the project's tables of presets, protocols and runtimes."""

from collections.abc import Mapping
from typing import TypeVar

from fmnist_edge.errors import UsageError

T = TypeVar("T")


def look_up(table: Mapping[str, T], name: str, kind: str) -> T:
    """What `table` holds under `name`.

    Args:
        table: By name.
        name: What the user typed.
        kind: What the table is of, in one word.

    Raises:
        UsageError: there is no such entry; the known ones are named.
    """
    if name not in table:
        raise UsageError(
            f"There is no {kind} called {name!r}.", hint=f"Known are: {', '.join(table)}."
        )
    return table[name]
