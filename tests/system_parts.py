"""Parts of the system that some tests need, and how they are had: one table for all of them.

A part is looked for on the machine first, then in `.cache/parts`, where an earlier run may have put
it. If it is in neither, root installs its Debian packages, and so does whoever says `CI=true`;
anybody else downloads them without root and unpacks them below `.cache/parts`. Nothing else is
installed: where that does not work either, the tests of the part are not run, a line tells what to
type, and with `CI=true` the run fails.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

KEPT: Final = Path(__file__).parents[1] / ".cache/parts"


@dataclass(frozen=True)
class Part:
    """A part of the system.

    Args:
        what: What it is, as a sentence names it.
        programs: Any one of them on the PATH means that the machine has the part.
        packages: What Debian calls it.
        arrange: Makes the packages usable that were unpacked into a folder, with programs in its
            `bin`; None where they are of no use outside of `/usr`.
    """

    what: str
    programs: Sequence[str]
    packages: Sequence[str]
    arrange: Callable[[Path], None] | None = None

    @property
    def command(self) -> str:
        """What a person types to have it."""
        return f"sudo apt-get install {' '.join(self.packages)}"


class Way(Enum):
    """How a part is had."""

    PRESENT = "it is there"
    INSTALL = "apt-get installs it"
    FETCH = "its packages are unpacked below .cache/parts"
    NONE = "it is not had"


@dataclass(frozen=True)
class Machine:
    """What decides how parts are had.

    Args:
        environment: Its PATH is searched, and its CI believed.
        root: Whether this is root.
        kept: The folder with the parts that were unpacked, one folder each.
    """

    environment: Mapping[str, str]
    root: bool
    kept: Path = KEPT

    @property
    def ci(self) -> bool:
        return self.environment.get("CI") == "true"

    def has_program(self, names: Iterable[str]) -> bool:
        """Whether one of the programs is on the PATH."""
        path = self.environment.get("PATH", "")
        return any(shutil.which(name, path=path) for name in names)

    def has(self, name: str) -> bool:
        """Whether the part is on the machine, or was unpacked."""
        return self.has_program(PARTS[name].programs) or (self.kept / name / "bin").is_dir()

    def way(self, name: str) -> Way:
        """How the part is to be had."""
        if self.has(name):
            return Way.PRESENT
        if not self.has_program(["apt-get"]):
            return Way.NONE
        if self.root or (self.ci and self.has_program(["sudo"])):
            return Way.INSTALL
        return Way.FETCH if PARTS[name].arrange else Way.NONE


def this_machine() -> Machine:
    """The machine of this process."""
    return Machine(os.environ, root=os.geteuid() == 0)


def missing(machine: Machine) -> Sequence[str]:
    """The names of the parts whose tests cannot be run."""
    return [name for name in PARTS if not machine.has(name)]


def add_to_path(environment: MutableMapping[str, str], kept: Path = KEPT) -> None:
    """Let the parts that were unpacked be found, after what the machine has itself."""
    folders = [str(kept / name / "bin") for name in PARTS]
    before = environment.get("PATH", "").split(os.pathsep)
    environment["PATH"] = os.pathsep.join(
        [*before, *(each for each in folders if each not in before)]
    )


def provide(machine: Machine) -> None:
    """Have every part, or say in a line each which one is not had and what to type."""
    for name, part in PARTS.items():
        way = machine.way(name)
        try:
            _DO[way](machine, name)
        except subprocess.CalledProcessError as error:
            last = (error.stderr or "").strip().rpartition("\n")[2]
            _say(f"{part.what} could not be had: {' '.join(error.cmd[:2])} failed. {last}")


def absence(name: str) -> str:
    """A sentence about a part that is missing, with what to type."""
    part = PARTS[name]
    return f"Not run: the tests that need {part.what}. To run them: {part.command}"


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")


def _install(machine: Machine, name: str) -> None:
    part = PARTS[name]
    _say(f"Installing {part.what}: {' '.join(part.packages)} ...")
    sudo = [] if machine.root else ["sudo"]
    _run([*sudo, "apt-get", "update"])
    _run([*sudo, "apt-get", "install", "-y", *part.packages])


def _fetch(machine: Machine, name: str) -> None:
    """Download and unpack the packages that the machine lacks; all of it, or nothing."""
    part = PARTS[name]
    assert part.arrange is not None
    _say(f"Downloading {part.what} into {machine.kept / name} ...")
    machine.kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=machine.kept) as temporary:
        downloads, unpacked = Path(temporary) / "downloads", Path(temporary) / "unpacked"
        apt = _own_apt(Path(temporary))
        lacking = _lacking(apt, part.packages)
        downloads.mkdir()
        _run([*apt, "download", *lacking], cwd=downloads)
        for package in downloads.glob("*.deb"):
            _run(["dpkg-deb", "-x", package, unpacked])
        unpacked.rename(machine.kept / name)
    try:
        part.arrange(machine.kept / name)
    except BaseException:
        shutil.rmtree(machine.kept / name)
        raise


def _own_apt(folder: Path) -> Sequence[object]:
    """An apt-get with package lists of its own, which are of today and need no root."""
    (folder / "lists/partial").mkdir(parents=True)
    apt = ["apt-get", "-o", f"Dir::State::Lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache"]
    _run([*apt, "update"])
    return apt


def _lacking(apt: Sequence[object], packages: Sequence[str]) -> Sequence[str]:
    """The packages that apt-get would install to have these."""
    told = _run([*apt, "-s", "install", "--no-install-recommends", *packages])
    return [line.split()[1] for line in told.splitlines() if line.startswith("Inst ")]


def _run(command: Sequence[object], cwd: Path | None = None) -> str:
    words = [str(part) for part in command]
    return subprocess.run(words, cwd=cwd, check=True, capture_output=True, text=True).stdout


def _arrange_compiler(folder: Path) -> None:
    """A `cc` that finds its own parts in the folder, and the C library's among them."""
    (libraries,) = folder.glob("usr/lib/*-linux-gnu*/")
    for script in libraries.glob("*.so"):
        # GNU ld reads these texts; they name files by their place in the system.
        if not script.is_symlink() and script.read_bytes().startswith(b"/* GNU ld script"):
            text = script.read_text()
            script.write_text(text.replace(f" /{libraries.relative_to(folder)}/", f" {libraries}/"))
    headers = f"-isystem {folder}/usr/include -isystem {folder}/usr/include/{libraries.name}"
    program = folder / "bin/cc"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        f'export LD_LIBRARY_PATH="{libraries}" PATH="{folder}/usr/bin:$PATH"\n'
        f'exec gcc -B"{libraries}" {headers} -L"{libraries}" "$@"\n'
    )
    program.chmod(0o755)
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "answer.c"
        source.write_text('#include <stdio.h>\nint answer(void) { return puts("42"); }\n')
        _run([program, "-shared", "-fPIC", "-o", source.with_suffix(".so"), source])


PARTS: Final[Mapping[str, Part]] = {
    "c-compiler": Part(
        "a C compiler", ("cc", "gcc", "clang"), ("gcc", "libc6-dev"), _arrange_compiler
    ),
}
_DO: Final[Mapping[Way, Callable[[Machine, str], None]]] = {
    Way.PRESENT: lambda _machine, _name: None,
    Way.INSTALL: _install,
    Way.FETCH: _fetch,
    Way.NONE: lambda _machine, _name: None,
}
