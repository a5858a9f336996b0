"""Drawing a curve as one line of text."""

import math
from collections.abc import Sequence
from typing import Final

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_FLAT: Final = "▄"
_GAP: Final = " "


def sparkline(values: Sequence[float]) -> str:
    """Return one block character per value; the lowest value is ▁, the highest █.

    If all values are equal, each is ▄; a value that is not finite is a blank.
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return _GAP * len(values)
    low, high = min(finite), max(finite)
    return "".join(_block(value, low, high) for value in values)


def _block(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return _GAP
    if low == high:
        return _FLAT
    # Scaled first, so that no difference overflows or becomes zero.
    scale = max(abs(low), abs(high))
    share = (value / scale - low / scale) / (high / scale - low / scale)
    return _BLOCKS[min(round(share * (len(_BLOCKS) - 1)), len(_BLOCKS) - 1)]
