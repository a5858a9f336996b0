"""How numbers are written in the sentences about a row."""

from typing import Final

__all__ = ["counted", "duration", "percent"]

# The largest unit first; nanoseconds per unit.
_UNITS: Final = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns"))

_FINE_BELOW: Final = 0.1
_FINE_ABOVE: Final = 0.99


def duration(nanoseconds: float) -> str:
    """Three digits and a unit: "48.9 µs"."""
    size, unit = next((pair for pair in _UNITS if nanoseconds >= pair[0]), _UNITS[-1])
    value = nanoseconds / size
    digits = max(0, 3 - len(str(int(value))))
    return f"{value:,.{digits}f} {unit}"


def percent(share: float) -> str:
    """A share, finer near its ends: "72 %", "3.2 %", "99.8 %"."""
    coarse = _FINE_BELOW <= share <= _FINE_ABOVE
    return f"{100 * share:.{0 if coarse else 1}f} %"


def counted(number: int, one: str) -> str:
    """A number and what it counts: "1 call", "2,000 calls"; "process" has "processes"."""
    ending = "es" if one.endswith("s") else "s"
    return f"{number:,} {one}{'' if number == 1 else ending}"
