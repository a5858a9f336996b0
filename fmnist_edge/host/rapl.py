"""Energy counters of x86 CPUs ("running average power limit"), as Linux provides them.

Source: Linux kernel documentation, power capping framework. Since Linux 5.10 the counters are
readable for root alone (CVE-2020-8694).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fmnist_edge.host.small_files import UnreadableError, glob_sorted, read_int, read_or_empty

_MICRO: Final = 1e-6
_FOLDER: Final = "sys/class/powercap"


@dataclass
class _Counter:
    """The counter of one package in microjoules, which restarts from 0 above `span`."""

    path: Path
    span: int
    last: int
    total: int = 0

    def advance(self) -> int:
        now = read_int(self.path)
        self.total += now - self.last if now >= self.last else now + self.span - self.last
        self.last = now
        return self.total


class Rapl:
    """The energy of all CPU packages together.

    The zone "psys" is not used: it covers more, but each vendor decides what, and many machines
    report wrong values there.

    Args:
        root: Folder in which `sys` is mounted.

    Raises:
        UnreadableError: There are no counters, or this user may not read them.
    """

    def __init__(self, root: Path) -> None:
        zones = glob_sorted(root / _FOLDER, "intel-rapl:*")
        if not zones:
            raise UnreadableError(f"no /{_FOLDER}/intel-rapl:*")
        packages = [zone for zone in zones if _name(zone).startswith("package-")]
        if not packages:
            raise UnreadableError(f"no CPU package among {', '.join(map(_name, zones))}")
        self._counters = tuple(map(_counter, packages))
        self.source: Final = "RAPL"
        self.coverage: Final = (
            f"{', '.join(map(_name, packages))} of the CPU, with its caches and built-in GPU; "
            "memory, disks, screen and power supply are not included"
        )

    def sample(self, seconds: float) -> None:  # noqa: ARG002 - a counter of energy needs no time
        """Read the counters, which restart from 0 after some minutes under load."""
        self.joules()

    def joules(self) -> float:
        """Return the energy of all packages in joules since this meter was made."""
        return sum([counter.advance() for counter in self._counters]) * _MICRO


def _name(zone: Path) -> str:
    return read_or_empty(zone / "name") or zone.name


def _counter(zone: Path) -> _Counter:
    return _Counter(
        path=zone / "energy_uj",
        span=_figure(zone / "max_energy_range_uj"),
        last=_figure(zone / "energy_uj"),
    )


def _figure(path: Path) -> int:
    try:
        return read_int(path)
    except UnreadableError as error:
        advice = "; run as root, or let this user read it" if "permission" in str(error) else ""
        shown = f"/{_FOLDER}/{path.parent.name}/{path.name}"
        raise UnreadableError(f"{shown}: {error}{advice}") from error
