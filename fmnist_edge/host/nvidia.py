"""Sensors, energy and processes of NVIDIA's GPUs, as NVML tells them.

NVML is the library of NVIDIA's driver; the package nvidia-ml-py calls it. `nvidia-smi` prints the
same values, and starting it takes longer than many a measurement.

Source: NVML API reference, device queries and clocks event reasons.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from pathlib import Path
from typing import Any, Final

from fmnist_edge.errors import MissingDependencyError
from fmnist_edge.host.findings import Findings, Probe
from fmnist_edge.host.small_files import UnreadableError
from fmnist_edge.optional import require
from fmnist_edge.result import NVIDIA, Accelerator

LIMITS: Final[Mapping[int, str]] = {
    0x04: "software power cap",
    0x08: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake",
}
"""Reasons for a clock that mean a limit.

The others are none: an idle GPU (0x01), clocks that somebody has set (0x02, 0x100), and the clock
of another GPU that this one follows (0x10)."""

_IDLE: Final = 0x01
# The driver's folder; there is none in some containers.
_DRIVER: Final = "proc/driver/nvidia"
_MILLI: Final = 1e-3


class Nvml:
    """NVML after its start.

    Args:
        library: The module `pynvml`, initialized, or what answers like it.
    """

    def __init__(self, library: Any) -> None:  # noqa: ANN401 - untyped
        self.library: Final = library

    def ask(self, function: str, *arguments: object) -> Any:  # noqa: ANN401 - untyped
        """Return what a function of NVML returns.

        Raises:
            UnreadableError: The driver or the GPU does not tell; the message says why.
        """
        try:
            return getattr(self.library, function)(*arguments)
        except self.library.NVMLError as error:
            raise UnreadableError(str(error)) from error

    def gpus(self) -> Mapping[str, Any]:
        """Return the handle of each GPU by its name in readings, such as "nvidia 0"."""
        count = self.ask("nvmlDeviceGetCount")
        handle = partial(self.ask, "nvmlDeviceGetHandleByIndex")
        return {f"{NVIDIA} {index}": handle(index) for index in range(count)}


def open_nvml() -> Nvml:
    """Load NVML and start it; both take some 100 ms, and it stays loaded.

    Raises:
        UnreadableError: The package or the driver is missing, or the driver does not start.
    """
    try:
        library = require("pynvml", extra="nvidia")
    except MissingDependencyError as error:
        raise UnreadableError(f"{error} {error.hint}") from error
    nvml = Nvml(library)
    nvml.ask("nvmlInit")
    return nvml


def has_nvidia_driver(root: Path) -> bool:
    """Return whether NVIDIA's driver is loaded, as far as this system shows it."""
    return (root / _DRIVER).is_dir()


def nvidia_gpus(
    root: Path, drivers: AbstractSet[str], open_: Callable[[], Nvml] = open_nvml
) -> Probe | None:
    """Return a probe of NVIDIA's GPUs; None where no case can be on one.

    A GPU that nobody uses is left asleep: asking NVML wakes it.

    Args:
        root: Folder in which `proc` is mounted.
        drivers: What the devices of the cases allow (`drivers_of`).
        open_: Starts NVML.
    """
    if NVIDIA not in drivers and not ("" in drivers and has_nvidia_driver(root)):
        return None
    try:
        nvml = open_()
        gpus = {
            name: (handle, _address(nvml.ask("nvmlDeviceGetPciInfo", handle)))
            for name, handle in nvml.gpus().items()
        }
    except UnreadableError as error:
        return partial(_no_sensors, str(error))
    return partial(_read_all, nvml, gpus)


def _no_sensors(why: str, found: Findings) -> None:
    found.accelerators[NVIDIA] = Accelerator(unreadable={"sensors": why})


def _address(pci: Any) -> str:  # noqa: ANN401 - untyped
    """Return the address as Linux writes it; NVML's own text has a domain of eight digits."""
    return f"{pci.domain:04x}:{pci.bus:02x}:{pci.device:02x}.0"


def _read_all(nvml: Nvml, gpus: Mapping[str, tuple[Any, str]], found: Findings) -> None:
    for name, (handle, address) in gpus.items():
        found.accelerators[name] = _read(nvml, handle, address)


def _read(nvml: Nvml, handle: Any, address: str) -> Accelerator:  # noqa: ANN401 - untyped
    found, library = Findings(), nvml.library

    def asked(what: str, function: str, *arguments: object) -> Any:  # noqa: ANN401 - untyped
        return found.ask(what, partial(nvml.ask, function, handle, *arguments))

    # Its successor is unknown to drivers before 2025.
    celsius = asked("temperature", "nvmlDeviceGetTemperature", library.NVML_TEMPERATURE_GPU)
    reasons = asked("throttling", "nvmlDeviceGetCurrentClocksEventReasons")
    milliwatts = asked("power", "nvmlDeviceGetPowerUsage")
    return Accelerator(
        address=address,
        temperatures_celsius={} if celsius is None else {"GPU": float(celsius)},
        clock_mhz=asked("clock", "nvmlDeviceGetClockInfo", library.NVML_CLOCK_SM),
        idle=None if reasons is None else bool(reasons & _IDLE),
        throttled=(
            {} if reasons is None else {name: bool(reasons & bit) for bit, name in LIMITS.items()}
        ),
        watts=None if milliwatts is None else milliwatts * _MILLI,
        unreadable=found.unreadable,
    )


class NvidiaMeter:
    """The energy of one board, which the GPU counts by itself since the driver was loaded.

    Args:
        nvml: NVML after its start.
        index: The GPU, as NVML counts them.

    Raises:
        UnreadableError: There is no such GPU, or it is older than the counter (before Volta).
    """

    def __init__(self, nvml: Nvml, index: int = 0) -> None:
        self._nvml = nvml
        self._handle = nvml.ask("nvmlDeviceGetHandleByIndex", index)
        self._begin = self._millijoules()
        self.source: Final = "NVML"
        self.coverage: Final = (
            f"the whole board of {NVIDIA} {index} ({nvml.ask('nvmlDeviceGetName', self._handle)}), "
            "with its memory and whatever else runs on it; the CPU and the rest of the machine are "
            "not included"
        )

    def _millijoules(self) -> int:
        return int(self._nvml.ask("nvmlDeviceGetTotalEnergyConsumption", self._handle))

    def sample(self, seconds: float) -> None:  # noqa: ARG002 - a counter of energy needs no time
        """Read the counter, so that a GPU that is lost is noticed."""
        self.joules()

    def joules(self) -> float:
        """Return the energy of the board in joules since this meter was made."""
        return (self._millijoules() - self._begin) * _MILLI
