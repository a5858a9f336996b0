"""What a check finds, and the groups of figures that reasons name."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, get_args

from fmnist_edge.result import Figure, NotChecked, Reason, Row, Value

Finding = Reason | NotChecked
Check = Callable[[Row, Mapping[str, Value]], Iterator[Finding]]
"""Takes a measured row and the facts about its host."""

TAILS: Final[tuple[Figure, ...]] = ("p90", "p95", "p99", "p99.9")
PACED: Final[tuple[Figure, ...]] = ("paced-p50", "paced-p90")
WARM: Final[tuple[Figure, ...]] = ("ratio", "p50", *TAILS, *PACED, "throughput")
TIMES: Final[tuple[Figure, ...]] = (*WARM, "cold")
ALL: Final[tuple[Figure, ...]] = get_args(Figure)
# Rows take turns, so that what slows the machine down slows all of them and keeps their ratio.
NUMBERS: Final[tuple[Figure, ...]] = tuple(each for each in TIMES if each != "ratio")
