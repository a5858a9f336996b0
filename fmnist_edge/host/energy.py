"""Where the joules of a measurement come from, and why there are none.

There is no fallback to a figure from a data sheet: what no meter of the machine tells is unknown.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from fmnist_edge.host.nvidia import power_draw
from fmnist_edge.host.programs import Run, ask, run_program
from fmnist_edge.host.rapl import Rapl
from fmnist_edge.host.raspberry_pi import parse_rails
from fmnist_edge.host.small_files import UnreadableError
from fmnist_edge.result import EnergyMeter

__all__ = ["SOURCES", "Meter", "WattMeter", "find_meter"]

# Each question starts a program. The GPU's driver tells the average of a second anyway.
_PMIC_SECONDS: Final = 0.2
_NVML_SECONDS: Final = 1.0


class Meter(Protocol):
    """Adds up energy from the moment it is made.

    Attributes:
        source: "RAPL", "Raspberry Pi PMIC" or "NVML".
        coverage: What its figures include and what not.
    """

    @property
    def source(self) -> str:
        """Its name."""

    @property
    def coverage(self) -> str:
        """In words for a report."""

    def sample(self, seconds: float) -> None:
        """Look at the source; to be called several times a second while energy is measured.

        Args:
            seconds: On any clock that only goes forward; the same one each time.

        Raises:
            UnreadableError: the source gave no figure; what was going on has no known energy.
        """

    def joules(self) -> float:
        """Energy since the meter was made; the difference of two is the energy in between.

        Raises:
            UnreadableError: the source gave no figure.
        """


class WattMeter:
    """Adds up the energy of a source that tells watts: the area under the lines between samples.

    Args:
        source: Its name.
        coverage: What its figures include and what not.
        watts: Asks for the power at this moment; may raise `UnreadableError`.
        every: Seconds for which an answer holds, where asking is work of its own.
    """

    def __init__(
        self, source: str, coverage: str, watts: Callable[[], float], every: float = 0.0
    ) -> None:
        self.source: Final = source
        self.coverage: Final = coverage
        self._watts = watts
        self._every = every
        self._joules = 0.0
        self._asked = 0.0
        self._last: tuple[float, float] | None = None

    def sample(self, seconds: float) -> None:
        """Ask for the power; energy counts from the first sample to the last one.

        Args:
            seconds: On any clock that only goes forward; the same one each time.

        Raises:
            UnreadableError: the source gave no figure. Energy counts again from the next sample
                on; the time in between is lost.
        """
        before, self._last = self._last, None
        if before is None or seconds - self._asked >= self._every:
            watts, self._asked = self._watts(), seconds
        else:
            watts = before[1]
        if before is not None:
            self._joules += (watts + before[1]) / 2 * (seconds - before[0])
        self._last = (seconds, watts)

    def joules(self) -> float:
        """Energy between the first sample and the last one."""
        return self._joules


def _rapl(root: Path, _run: Run) -> Meter:
    return Rapl(root)


def _pmic(_root: Path, run: Run) -> Meter:
    question = partial(ask, run, ("vcgencmd", "pmic_read_adc"))
    rails = frozenset(parse_rails(question()))

    def watts() -> float:
        told = parse_rails(question())
        missing = rails - told.keys()
        if missing:
            raise UnreadableError(f"no figure for {', '.join(sorted(missing))}")
        return sum(told[rail] for rail in rails)

    return WattMeter(
        "Raspberry Pi PMIC",
        f"what {len(rails)} rails of the power chip deliver; the input is not measured, so USB "
        "devices, the fan and the losses of the converters are not included",
        watts,
        every=_PMIC_SECONDS,
    )


def _nvml(_root: Path, run: Run) -> Meter:
    power_draw(run)  # a GPU that does not tell its power says so now
    return WattMeter(
        "NVML",
        "all NVIDIA GPUs of the machine with their memory, as averaged by the driver; the CPU and "
        "the rest of the machine are not included",
        partial(power_draw, run),
        every=_NVML_SECONDS,
    )


SOURCES: Final[Mapping[str, Callable[[Path, Run], Meter]]] = MappingProxyType(
    {"RAPL": _rapl, "Raspberry Pi PMIC": _pmic, "NVML": _nvml}
)
"""The kinds of meters, made from `root` and `run`; `UnreadableError` where there is none."""


def find_meter(
    root: Path = Path("/"), run: Run = run_program, *, sources: Sequence[str] = tuple(SOURCES)
) -> tuple[Meter | None, EnergyMeter]:
    """The first meter that answers, and what a result says of it.

    Args:
        root: Where `sys` is mounted.
        run: Runs `vcgencmd` and `nvidia-smi`.
        sources: Names in `SOURCES`, best first. RAPL knows nothing of a GPU, NVML of nothing else.

    Returns:
        The meter, or None where none answers: `unavailable` then has the reason of each.
    """
    reasons = []
    for name in sources:
        try:
            meter = SOURCES[name](root, run)
        except UnreadableError as error:
            reasons.append(f"{name}: {error}")
        else:
            return meter, EnergyMeter(meter.source, meter.coverage, unavailable="")
    return None, EnergyMeter(source="", coverage="", unavailable="; ".join(reasons))
