"""How numbers, and lists of names, are written wherever the program tells them."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from fmnist_edge.result import Value

MISSING: Final = "-"
KILO: Final = 1_000
MEGA: Final = 1_000_000
_GIB: Final = 1 << 30
_MIB: Final = 1 << 20
# Units of time, the largest first, in nanoseconds.
_TIMES: Final = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns"))
_SMALL_P: Final = 0.001
_DIGITS: Final = 3
# Shares between these are told in whole percent.
_COARSE: Final = (0.1, 0.99)


def significant(value: float, digits: int = _DIGITS) -> str:
    """Return so many significant digits, no exponent: 0.123, 12.3, 1230.

    What is not finite is `MISSING`.
    """
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return MISSING
    decimals = max(0, digits - 1 - int(f"{value:.{digits - 1}e}".partition("e")[2]))
    return f"{float(f'{value:.{digits}g}'):.{decimals}f}"


def small(value: float) -> str:
    """Return two digits, with an exponent where the value is below 0.001: 0.012, 1.5e-06."""
    return f"{value:.2g}" if math.isfinite(value) else MISSING


def within(value: float, half: float) -> str:
    """Return as many digits as half the width of an interval leaves, three at most.

    The last digit is about a tenth to a whole of that half: 262 ± 31 is 260, 262 ± 2 is 262.
    """
    if value <= 0 or half <= 0:
        return significant(value)
    known = math.floor(math.log10(value / half)) + 2
    return significant(value, min(_DIGITS, max(1, known)))


def duration(nanoseconds: float) -> str:
    """Return three digits and a unit: "48.9 µs"."""
    size, unit = next((pair for pair in _TIMES if nanoseconds >= pair[0]), _TIMES[-1])
    return f"{significant(nanoseconds / size)} {unit}"


def micro(nanoseconds: float | None) -> str:
    """Return a time in microseconds, without the unit."""
    return MISSING if nanoseconds is None else significant(nanoseconds / KILO)


def milli(nanoseconds: float | None) -> str:
    """Return a time in milliseconds, without the unit."""
    return MISSING if nanoseconds is None else significant(nanoseconds / MEGA)


def mega(number: float | None, decimals: int = 1) -> str:
    """Return a number of bytes in megabytes, without the unit."""
    return MISSING if number is None else f"{number / MEGA:.{decimals}f}"


def percent(share: float | None, decimals: int = 2) -> str:
    """Return a share 0..1 in percent, without the sign."""
    return MISSING if share is None else f"{100 * share:.{decimals}f}"


def percentage(share: float) -> str:
    """Return a share 0..1 with its sign, finer near the ends: "72 %", "3.2 %", "0.04 %"."""
    if 0 < share < 1 / 100:
        return f"{significant(100 * share, 2)} %"
    coarse = _COARSE[0] <= share <= _COARSE[1]
    return f"{100 * share:.{0 if coarse else 1}f} %"


def points(difference: float) -> str:
    """Return a difference of two shares in percentage points, with its sign: +0.12."""
    # Rounded first, so that no difference is "-0.00".
    return f"{round(100 * difference, 2) + 0.0:+.2f}"


def probability(p_value: float) -> str:
    """Return a p value as it stands beside a number: p=0.02, p<0.001."""
    return f"p<{_SMALL_P}" if p_value < _SMALL_P else f"p={p_value:.1g}"


def span(low: float, high: float) -> str:
    """Return the ends of an interval of a ratio: "1.09 to 1.15"."""
    return f"{low:.2f} to {high:.2f}"


def size(number: float) -> str:
    """Return a number of bytes with its binary unit: "7.9 GiB", "512 MiB"."""
    return f"{number / _GIB:.1f} GiB" if number >= _GIB else f"{number / _MIB:.0f} MiB"


def counted(number: int, one: str) -> str:
    """Return a number and what it counts: "1 row", "2,000 rows", "2 processes"."""
    ending = "es" if one.endswith("s") else "s"
    return f"{number:,} {one if number == 1 else one + ending}"


def listed(names: Sequence[str], at_most: int = 4) -> str:
    """Return names in a row: "a, b and c", or "a, b, c, d and 3 more"."""
    shown = list(names) if len(names) <= at_most + 1 else [*names[:at_most], ""]
    if len(shown) < len(names):
        shown[-1] = f"{len(names) - at_most} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))


def sentence(text: str) -> str:
    """Return the text with a full stop, unless it has one or is empty."""
    text = text.strip()
    return text if not text or text[-1] in ".!?" else f"{text}."


# By the last word of a value's name, which is its unit.
_UNITS: Final[Mapping[str, Callable[[float], str]]] = {
    "ns": duration,
    "seconds": lambda value: f"{_short(value)} s",
    "share": percentage,
    "ratio": lambda value: f"{value:.2f}",
    "celsius": lambda value: f"{_short(value)} °C",
    "mhz": lambda value: f"{value:.0f} MHz",
    "hz": lambda value: f"{value:g} Hz",
    "bytes": size,
}
_NEEDED: Final = "_needed"


def _short(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0")


def quantity(name: str, value: Value) -> str:
    """Return a value of a result, with the unit that its name ends in.

    Args:
        name: "limit_celsius"; `seconds_needed` has the unit of `seconds`.
        value: A text is returned as it is; a number without a unit is a count or a ratio.
    """
    if isinstance(value, str):
        return value
    written = _UNITS.get(_unit(name))
    if written is not None:
        return written(value)
    return f"{value:,}" if isinstance(value, int) else significant(value)


def _unit(name: str) -> str:
    return name.removesuffix(_NEEDED).rpartition("_")[2]


def label(name: str) -> str:
    """Return the name of a value in words, without its unit: "max frequency"."""
    bare = name.removesuffix(f"_{_unit(name)}") if _unit(name) in _UNITS else name
    return bare.replace("_", " ")
