"""The energy meters of the machine, or the reasons why it has none.

No value of a data sheet takes the place of a meter: energy that is not measured is unknown.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from fmnist_edge.host.nvidia import NvidiaMeter, Nvml, open_nvml
from fmnist_edge.host.programs import Run, ask, run_program
from fmnist_edge.host.rapl import Rapl
from fmnist_edge.host.raspberry_pi import parse_rails
from fmnist_edge.host.small_files import UnreadableError
from fmnist_edge.result import EnergyMeter

# Each reading starts a program.
_PMIC_SECONDS: Final = 0.2


class Meter(Protocol):
    """Adds up energy from the moment it is made.

    Attributes:
        source: "RAPL" or "Raspberry Pi PMIC".
        coverage: What its values include and what not, in words for a report.
    """

    @property
    def source(self) -> str:
        """The name of the meter."""

    @property
    def coverage(self) -> str:
        """What its values include and what not."""

    def sample(self, seconds: float) -> None:
        """Read the source; to be called several times a second while energy is measured.

        Args:
            seconds: Time on a monotonic clock, the same clock at each call.

        Raises:
            UnreadableError: The source gave no value; the energy of this time is unknown.
        """

    def joules(self) -> float:
        """Return the energy in joules since the meter was made.

        Raises:
            UnreadableError: The source gave no value.
        """


class WattMeter:
    """Integrates the power of a source over time by the trapezoidal rule.

    Args:
        source: Name of the meter.
        coverage: What its values include and what not.
        watts: Reads the power in watts; may raise `UnreadableError`.
        every_seconds: Time for which a reading is used again, because each one costs CPU time.
    """

    def __init__(
        self, source: str, coverage: str, watts: Callable[[], float], every_seconds: float = 0.0
    ) -> None:
        self.source: Final = source
        self.coverage: Final = coverage
        self._watts = watts
        self._every_seconds = every_seconds
        self._joules = 0.0
        self._asked = 0.0
        self._last: tuple[float, float] | None = None

    def sample(self, seconds: float) -> None:
        """Read the power; energy counts from the first sample to the last one.

        After an `UnreadableError`, energy counts again from the next sample on; the energy of the
        time in between is lost.

        Args:
            seconds: Time on a monotonic clock, the same clock at each call.
        """
        before, self._last = self._last, None
        if before is None or seconds - self._asked >= self._every_seconds:
            watts, self._asked = self._watts(), seconds
        else:
            watts = before[1]
        if before is not None:
            self._joules += (watts + before[1]) / 2 * (seconds - before[0])
        self._last = (seconds, watts)

    def joules(self) -> float:
        """Return the energy in joules between the first sample and the last one."""
        return self._joules


def _rapl(root: Path, _run: Run) -> Meter:
    return Rapl(root)


def _pmic(_root: Path, run: Run) -> Meter:
    question = partial(ask, run, ("vcgencmd", "pmic_read_adc"))
    rails = frozenset(parse_rails(question()))

    def watts() -> float:
        power = parse_rails(question())
        missing = rails - power.keys()
        if missing:
            raise UnreadableError(f"no figure for {', '.join(sorted(missing))}")
        return sum(power[rail] for rail in rails)

    return WattMeter(
        "Raspberry Pi PMIC",
        f"what {len(rails)} rails of the power chip deliver; the input is not measured, so USB "
        "devices, the fan and the losses of the converters are not included",
        watts,
        every_seconds=_PMIC_SECONDS,
    )


SOURCES: Final[Mapping[str, Callable[[Path, Run], Meter]]] = MappingProxyType(
    {"RAPL": _rapl, "Raspberry Pi PMIC": _pmic}
)
"""Makes each kind of meter from `root` and `run`; raises `UnreadableError` where there is none."""


def find_gpu_meter(nvml: Callable[[], Nvml] = open_nvml) -> tuple[Meter | None, EnergyMeter]:
    """Return the meter of the first NVIDIA GPU, and its description for the result.

    Args:
        nvml: Starts NVML.

    Returns:
        The meter, or None where there is none; `unavailable` then gives the reason.
    """
    try:
        meter = NvidiaMeter(nvml())
    except UnreadableError as error:
        return None, EnergyMeter(source="", coverage="", unavailable=f"NVML: {error}")
    return meter, EnergyMeter(meter.source, meter.coverage, unavailable="")


def find_meter(root: Path = Path("/"), run: Run = run_program) -> tuple[Meter | None, EnergyMeter]:
    """Return the first meter that works, and its description for the result.

    Args:
        root: Folder in which `sys` is mounted.
        run: Runs `vcgencmd`.

    Returns:
        The meter, or None where none works; `unavailable` then gives the reason of each.
    """
    reasons = []
    for name, make in SOURCES.items():
        try:
            meter = make(root, run)
        except UnreadableError as error:
            reasons.append(f"{name}: {error}")
        else:
            return meter, EnergyMeter(meter.source, meter.coverage, unavailable="")
    return None, EnergyMeter(source="", coverage="", unavailable="; ".join(reasons))
