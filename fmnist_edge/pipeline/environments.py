"""The environments that a benchmark can use, this one among them."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fmnist_edge.describe import describe
from fmnist_edge.environments import (
    HERE,
    Description,
    Environment,
    ask,
    interpreter_of,
    names,
    read,
)
from fmnist_edge.errors import EnvironmentUnusableError
from fmnist_edge.records import Record


def find_environment(name: str) -> Environment:
    """Return an environment that can measure.

    Args:
        name: As the user calls it; `HERE` is the one that this program runs in.

    Raises:
        UsageError: The name cannot be one of an environment.
        EnvironmentNotFoundError: There is none of that name.
        EnvironmentUnusableError: It cannot measure; the message says why.
    """
    if name == HERE:
        return Environment(HERE, Path(sys.executable), describe())
    return ask(read(name))


def find_environments(wanted: Iterable[str]) -> Mapping[str, Environment]:
    """Return environments that can measure, by name, as `find_environment` does."""
    return {name: find_environment(name) for name in dict.fromkeys(wanted)}


class Listed(Record):
    """An environment in a list of them.

    Args:
        name: As the user calls it.
        path: Its interpreter.
        description: What it holds; None where it cannot be used.
        problem: Why it cannot be used; empty where it can.
        cure: What to do about that; empty where it can be used.
    """

    name: str
    path: str
    description: Description | None = None
    problem: str = ""
    cure: str = ""


def list_environments() -> Sequence[Listed]:
    """Return every environment, usable or not, this one first."""
    wanted = [HERE, *names()]
    with ThreadPoolExecutor() as pool:  # each waits for a process of its own
        return list(pool.map(_look_at, wanted))


def _look_at(name: str) -> Listed:
    try:
        found = find_environment(name)
    except EnvironmentUnusableError as error:
        return Listed(name, str(interpreter_of(name)), problem=error.message, cure=error.hint)
    return Listed(name, str(found.python), found.description)
