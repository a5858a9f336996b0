"""The values that one reading of the machine has found so far."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from fmnist_edge.host.small_files import UnreadableError
from fmnist_edge.result import Accelerator

T = TypeVar("T")


@dataclass
class Findings:
    """Values of one reading, which the probes add to one after the other.

    Args:
        temperatures: Degrees Celsius by sensor.
        megahertz: Clock in MHz by CPU or group of CPUs.
        throttled: Whether a limit is in force, by name of the limit.
        counters: Number of events since the system started, by name of the event.
        unreadable: Why a value could not be read, by name of the value.
        accelerators: What was read of each accelerator, by its name.
    """

    temperatures: dict[str, float] = field(default_factory=dict)
    megahertz: dict[str, float] = field(default_factory=dict)
    throttled: dict[str, bool] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    accelerators: dict[str, Accelerator] = field(default_factory=dict)

    def ask(self, what: str, question: Callable[[], T]) -> T | None:
        """Return the answer of `question`; record the reason under `what` where there is none."""
        try:
            return question()
        except UnreadableError as error:
            self.unreadable[what] = str(error)
            return None


Probe = Callable[[Findings], None]
"""Reads sensors that were looked for once, and adds their values at each call."""
