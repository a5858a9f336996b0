"""Energy counters of x86 CPUs ("running average power limit"), as Linux shows them.

Source: Linux kernel documentation, power capping framework. Since Linux 5.10 the counters are
readable for root alone (CVE-2020-8694).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fmnist_edge.host.small_files import UnreadableError, entries, whole, word

__all__ = ["Rapl"]

_MICRO: Final = 1e-6
_FOLDER: Final = "sys/class/powercap"


@dataclass
class _Counter:
    """One package's counter: microjoules, starting again from 0 above `span`."""

    path: Path
    span: int
    last: int
    total: int = 0

    def advance(self) -> int:
        now = whole(self.path)
        self.total += now - self.last if now >= self.last else now + self.span - self.last
        self.last = now
        return self.total


class Rapl:
    """The CPU packages together.

    Not "psys": that one covers more, but what it covers is up to the maker of the machine, and many
    machines that have it show nonsense there.

    Args:
        root: Where `sys` is mounted.

    Raises:
        UnreadableError: there are no counters, or they are not for this user to read.
    """

    def __init__(self, root: Path) -> None:
        zones = entries(root / _FOLDER, "intel-rapl:*")
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

    def sample(self, seconds: float) -> None:  # noqa: ARG002 - the counter is its own clock
        """Follow the counters, which start again after minutes under load.

        Args:
            seconds: Not needed.

        Raises:
            UnreadableError: a counter cannot be read any more.
        """
        self.joules()

    def joules(self) -> float:
        """Energy of all packages since this meter was made.

        Raises:
            UnreadableError: a counter cannot be read any more.
        """
        return sum([counter.advance() for counter in self._counters]) * _MICRO


def _name(zone: Path) -> str:
    return word(zone / "name") or zone.name


def _counter(zone: Path) -> _Counter:
    return _Counter(
        path=zone / "energy_uj",
        span=_figure(zone / "max_energy_range_uj"),
        last=_figure(zone / "energy_uj"),
    )


def _figure(path: Path) -> int:
    try:
        return whole(path)
    except UnreadableError as error:
        advice = "; run as root, or let this user read it" if "permission" in str(error) else ""
        shown = f"/{_FOLDER}/{path.parent.name}/{path.name}"
        raise UnreadableError(f"{shown}: {error}{advice}") from error
