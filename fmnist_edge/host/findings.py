"""What one look at the machine has found so far."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from fmnist_edge.host.small_files import UnreadableError

__all__ = ["Findings", "Probe"]

T = TypeVar("T")


@dataclass
class Findings:
    """Filled by the probes, one after the other; the names are those of `Reading`."""

    temperatures: dict[str, float] = field(default_factory=dict)
    megahertz: dict[str, float] = field(default_factory=dict)
    throttled: dict[str, bool] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)

    def ask(self, what: str, question: Callable[[], T]) -> T | None:
        """The answer; None where there is none, and then `unreadable` says why."""
        try:
            return question()
        except UnreadableError as error:
            self.unreadable[what] = str(error)
            return None


Probe = Callable[[Findings], None]
"""Knows where to look, found out once; adds what it sees at each call."""
