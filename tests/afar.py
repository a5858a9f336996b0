"""Somebody who measures on other machines, from a folder with a bundle and wheels for the hosts."""

from dataclasses import dataclass
from pathlib import Path

from tests.commands import CommandLine, Finished
from tests.ssh_hosts import Host

MODEL = Path(__file__).parents[1] / "artifacts/reference/nano-int8.tflite"
OPTIONS = ("--protocol", "smoke", "--runtime", "litert")
LONG = ("--protocol", "smoke", "--processes", "40", "--runtime", "litert")


@dataclass(frozen=True)
class Afar(CommandLine):
    """Somebody with a bundle in a folder whose name has spaces, and wheels for the hosts.

    Args:
        wheels: The wheels.
    """

    wheels: Path = Path()

    @property
    def folder(self) -> Path:
        """Where they work."""
        return self.home / "a folder's name"

    def bench(self, *arguments: object) -> Finished:
        """Measure the bundle."""
        return self(*self.words(*arguments), cwd=self.folder)

    def words(self, *arguments: object) -> tuple[object, ...]:
        """The arguments that measure the bundle."""
        return ("bench", "garments 1.zip", "--wheels", self.wheels, *arguments)

    @property
    def under_way(self) -> list[str]:
        """The runs that are known to have been begun."""
        found = self.home.glob(".local/state/fmnist-edge/host-runs/*.json")
        return sorted(path.name for path in found)


def left_on(host: Host) -> list[str]:
    """What a run has left on a host: its folder, and processes."""
    runs = [path.name for path in host.home.glob(".cache/fmnist-edge/remote/runs/*")]
    return [*runs, *map(str, host.processes)]
