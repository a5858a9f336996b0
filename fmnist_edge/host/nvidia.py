"""What NVIDIA's driver tells of its GPUs, through its program `nvidia-smi`.

Source of the bits: NVML API reference, clocks event reasons.
"""

import re
from collections.abc import Sequence
from functools import partial
from typing import Final

from fmnist_edge.host.findings import Findings, Probe
from fmnist_edge.host.programs import Run, ask
from fmnist_edge.host.small_files import UnreadableError

__all__ = ["SLOWDOWNS", "gpu_names", "gpus", "parse_gpus", "parse_watts", "power_draw"]

SLOWDOWNS: Final = {
    0x8: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake",
}
"""Reasons for a lower clock that spoil a measurement; others (idle, chosen clocks) do not."""

# Drivers before 535 know the reasons by their old name only.
_REASONS: Final = ("clocks_event_reasons.active", "clocks_throttle_reasons.active")
_MASK: Final = re.compile(r"0x[0-9a-f]{1,16}", re.IGNORECASE)
_NUMBER: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(?: (?:MHz|W|C))?")
_SHOWN: Final = 100
_COLUMNS: Final = 3


def _query(*names: str) -> tuple[str, ...]:
    return ("nvidia-smi", f"--query-gpu={','.join(names)}", "--format=csv,noheader")


def gpus(run: Run) -> Probe | None:
    """Temperature, clock and slowdowns of each GPU; None where there is no `nvidia-smi`.

    Args:
        run: Runs the program.
    """
    why = ""
    for name in _REASONS:
        command = _query(name, "temperature.gpu", "clocks.sm")
        try:
            parse_gpus(ask(run, command))
        except UnreadableError as error:
            why = why or str(error)
        else:
            return partial(_look, run, command)
    return None if why == "no nvidia-smi" else partial(_silent, why)


def _silent(why: str, found: Findings) -> None:
    found.unreadable["NVIDIA GPU"] = why


def _look(run: Run, command: Sequence[str], found: Findings) -> None:
    told = found.ask("NVIDIA GPU", lambda: parse_gpus(ask(run, command)))
    for number, (reasons, celsius, megahertz) in enumerate(told or []):
        gpu = f"GPU {number}"
        if celsius is None:
            found.unreadable[f"temperature of {gpu}"] = "not told by nvidia-smi"
        else:
            found.temperatures[gpu] = celsius
        if megahertz is None:
            found.unreadable[f"clock of {gpu}"] = "not told by nvidia-smi"
        else:
            found.megahertz[gpu] = megahertz
        if reasons is None:
            found.unreadable[f"throttling of {gpu}"] = "not told by nvidia-smi"
        else:
            for bit, name in SLOWDOWNS.items():
                found.throttled[f"{gpu} {name}"] = bool(reasons & bit)


def parse_gpus(told: str) -> list[tuple[int | None, float | None, float | None]]:
    """Reasons for a lower clock, degrees Celsius and MHz of each GPU; None where not told.

    Args:
        told: A line per GPU: "0x0000000000000001, 31, 345 MHz".

    Raises:
        UnreadableError: something else was told.
    """
    lines = [[part.strip() for part in line.split(",")] for line in told.splitlines() if line]
    if not lines or any(len(line) != _COLUMNS for line in lines):
        raise UnreadableError(_not_understood(told))
    seen = [(_mask(line[0]), _number(line[1]), _number(line[2])) for line in lines]
    if all(part is None for gpu in seen for part in gpu):
        raise UnreadableError(_not_understood(told))
    return seen


def _not_understood(told: str) -> str:
    return f"not understood: {' '.join(told.split())[:_SHOWN]!r}"


def _mask(part: str) -> int | None:
    return int(part, 16) if _MASK.fullmatch(part) else None


def _number(part: str) -> float | None:
    match = _NUMBER.fullmatch(part)
    return float(match[1]) if match else None


def power_draw(run: Run) -> float:
    """Watts of all GPUs together.

    Raises:
        UnreadableError: one of them does not tell, or there is none.
    """
    return parse_watts(ask(run, _query("power.draw")))


def parse_watts(told: str) -> float:
    """The sum of the lines "63.12 W".

    Raises:
        UnreadableError: one of the lines is something else, or there is none.
    """
    watts = [_number(line.strip()) for line in told.splitlines() if line.strip()]
    known = [each for each in watts if each is not None]
    if not known or len(known) < len(watts):
        raise UnreadableError(_not_understood(told))
    return sum(known)


def gpu_names(run: Run) -> str:
    """What the GPUs are called, one after the other.

    Raises:
        UnreadableError: there is none, or the driver does not answer.
    """
    names = [line.strip() for line in ask(run, _query("name")).splitlines() if line.strip()]
    if not names:
        raise UnreadableError("nvidia-smi lists no GPU")
    return ", ".join(names)
