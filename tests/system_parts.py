"""Parts of the system that some tests need, and how they are had: one table for all of them.

A part is looked for on the machine first, then in `.cache/parts`, where an earlier run may have put
it. If it is in neither, root installs its Debian packages, and so does whoever says `CI=true`;
anybody else downloads them without root and unpacks them below `.cache/parts`. A part that must not
take the place of what the system has is unpacked for everybody. Nothing else is installed: where
that does not work either, the tests of the part are not run, a line tells what to type, and with
`CI=true` the run fails.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Final

KEPT: Final = Path(__file__).parents[1] / ".cache/parts"
# Given to a process, these keep the Vulkan loader from every driver of the machine.
WITHOUT_VULKAN: Final = {"VK_DRIVER_FILES": os.devnull, "VK_ICD_FILENAMES": os.devnull}
# A file in the folder of a part that was unpacked, arranged and found to work.
_WORKS: Final = "works"
# Where systems keep the programs of administrators, which are on nobody else's PATH.
_ADMINISTRATORS: Final = ("/usr/local/sbin", "/usr/sbin", "/sbin")
# What is mounted there nobody else sees, and it ends with the command.
IN_A_NAMESPACE: Final = ("unshare", "--user", "--map-root-user", "--mount")
# What Debian keeps below /usr, with links from where it used to be.
_MERGED: Final = ("bin", "lib", "sbin")
_KEYS_OF_DEBIAN: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"


def _nothing(_folder: Path, _present: Mapping[str, str]) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Root:
    """A folder for another processor as Debian fills the root of a system.

    Args:
        architecture: The processor, as Debian calls it.
        machine: The processor, as Linux calls it; where this machine has it, it needs no such root.
        packages: What is in it, with all that these packages need.
    """

    architecture: str
    machine: str
    packages: Sequence[str]


@dataclass(frozen=True)
class Part:
    """A part of the system.

    Args:
        what: What it is, as a sentence names it.
        programs: Any one of them on the PATH means that the machine has the part.
        packages: What Debian calls it, as dependencies: a version may stand behind a name.
        arrange: Makes the packages usable that were unpacked into a folder, with programs in its
            `bin`, and raises where they do not work; None where they are of no use outside of
            `/usr`.
        apart: Whether it is unpacked even where it could be installed.
        backports: The codenames of Debian's releases whose backports have it.
        disk: Whether it is no package but a disk of a size that a test chooses, which the machine
            allows or not.
        variables: What a process needs in its environment to use what was unpacked into a folder,
            where it had another environment before.
        root: What is unpacked into the folder `root` beside the packages.
    """

    what: str
    programs: Sequence[str]
    packages: Sequence[str]
    arrange: Callable[[Path], None] | None = None
    apart: bool = False
    backports: Sequence[str] = ()
    disk: bool = False
    variables: Callable[[Path, Mapping[str, str]], Mapping[str, str]] = _nothing
    root: Root | None = None

    @property
    def names(self) -> Sequence[str]:
        """The names of the packages."""
        return [package.split()[0] for package in self.packages]

    @property
    def command(self) -> str:
        """What a person types to have it."""
        if self.disk:
            return "make test, as root or where unshare --user --map-root-user --mount works"
        if self.apart:
            return f"make test, where apt-get offers {', '.join(self.packages)}"
        return f"sudo apt-get install {' '.join(self.names)}"


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
        codename: The one of the system's release.
        besides: Folders that are searched for programs after the PATH.
        mounting: What a command stands behind that mounts a disk; None where nobody may.
        processor: Its processor, as Linux calls it.
    """

    environment: Mapping[str, str]
    root: bool
    kept: Path = KEPT
    codename: str = ""
    besides: Sequence[str] = ()
    mounting: Sequence[str] | None = ()
    processor: str = ""

    @property
    def ci(self) -> bool:
        return self.environment.get("CI") == "true"

    def has_program(self, names: Iterable[str]) -> bool:
        """Whether one of the programs is on the machine."""
        return any(self.program(name) for name in names)

    def program(self, name: str) -> Path | None:
        """Where a program is; None where it is not on the machine."""
        path = os.pathsep.join([self.environment.get("PATH", ""), *self.besides])
        found = shutil.which(name, path=path)
        return Path(found) if found else None

    def has(self, name: str) -> bool:
        """Whether the part is on the machine, or was unpacked."""
        if PARTS[name].disk:
            return self.mounting is not None
        return (
            self.is_itself(name)
            or self.has_program(PARTS[name].programs)
            or (self.kept / name / _WORKS).is_file()
        )

    def is_itself(self, name: str) -> bool:
        """Whether the machine has the very processor that the part stands for."""
        root = PARTS[name].root
        return root is not None and root.machine == self.processor

    def way(self, name: str) -> Way:
        """How the part is to be had."""
        if self.has(name):
            return Way.PRESENT
        if PARTS[name].disk or not self.has_program(["apt-get"]):
            return Way.NONE
        if not PARTS[name].apart and (self.root or (self.ci and self.has_program(["sudo"]))):
            return Way.INSTALL
        return Way.FETCH if PARTS[name].arrange else Way.NONE


def this_machine() -> Machine:
    """The machine of this process."""
    try:
        codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        codename = ""  # it is not Linux, or one that does not say
    root = os.geteuid() == 0
    return Machine(
        os.environ,
        root=root,
        codename=codename,
        besides=_ADMINISTRATORS,
        mounting=_mounting(),
        processor=platform.machine(),
    )


@cache
def _mounting() -> Sequence[str] | None:
    """What a command stands behind that mounts a disk: nothing, sudo, or a namespace of its own."""
    ways: list[Sequence[str]] = [(), IN_A_NAMESPACE]
    if os.environ.get("CI") == "true":
        ways.insert(1, ("sudo", "-n"))
    with tempfile.TemporaryDirectory() as folder:
        for way in ways:
            try:
                _run([*way, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder])
            except (OSError, subprocess.CalledProcessError):
                continue
            if way != IN_A_NAMESPACE:
                _run([*way, "umount", folder])
            return way
    return None


def missing(machine: Machine) -> Sequence[str]:
    """The names of the parts whose tests cannot be run."""
    return [name for name in PARTS if not machine.has(name)]


def add_to_path(environment: MutableMapping[str, str], kept: Path = KEPT) -> None:
    """Let the parts that were unpacked be found, after what the machine has itself."""
    folders = [str(kept / name / "bin") for name, part in PARTS.items() if part.programs]
    before = environment.get("PATH", "").split(os.pathsep)
    environment["PATH"] = os.pathsep.join(
        [*before, *(each for each in folders if each not in before)]
    )


def environment(
    name: str, present: Mapping[str, str] = os.environ, kept: Path = KEPT
) -> Mapping[str, str]:
    """What a process that is to use an unpacked part needs in its environment besides.

    It is for processes that a test starts; the process of the tests goes without.
    """
    return PARTS[name].variables(kept / name, present)


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
    _say(f"Installing {part.what}: {' '.join(part.names)} ...")
    sudo = [] if machine.root else ["sudo"]
    _run([*sudo, "apt-get", "update"])
    _run([*sudo, "apt-get", "install", "-y", *part.names])


def _fetch(machine: Machine, name: str) -> None:
    """Download and unpack the packages that the machine lacks; all of it, or nothing."""
    part, folder = PARTS[name], machine.kept / name
    assert part.arrange is not None
    machine.kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=machine.kept) as temporary:
        unpacked = Path(temporary) / "unpacked"
        deliveries = _deliveries(machine, part, Path(temporary), unpacked)
        size = sum(_megabytes(each.apt, each.packages) for each in deliveries)
        _say(f"Downloading {part.what} ({size:.0f} MB) into {folder} ...")
        for each in deliveries:
            each.unpack(Path(temporary))
        shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
        unpacked.rename(folder)
    try:
        part.arrange(folder)
    except BaseException:
        shutil.rmtree(folder)
        raise
    (folder / _WORKS).touch()


@dataclass(frozen=True)
class _Delivery:
    """Packages on their way into a folder.

    Args:
        apt: The beginning of a command of apt-get that knows the packages.
        packages: Their names.
        place: The folder.
    """

    apt: Sequence[object]
    packages: Sequence[str]
    place: Path

    def unpack(self, temporary: Path) -> None:
        """Download the packages, and unpack them into the folder."""
        downloads = Path(tempfile.mkdtemp(dir=temporary))
        _run([*self.apt, "download", *self.packages], cwd=downloads)
        self.place.mkdir(parents=True, exist_ok=True)
        for package in sorted(downloads.glob("*.deb")):
            # Unlike `dpkg-deb -x`, this puts no folder in the place of a link to one.
            command = 'dpkg-deb --fsys-tarfile "$0" | tar -x -C "$1" --keep-directory-symlink'
            _run(["sh", "-c", command, package, self.place])


def _deliveries(
    machine: Machine, part: Part, temporary: Path, unpacked: Path
) -> Sequence[_Delivery]:
    """The packages that the machine lacks, and those of the part's root."""
    apt = _own_apt(temporary / "own")
    if machine.codename in part.backports:
        apt = _with_backports(apt, temporary, machine.codename)
    own = _Delivery(apt, _lacking(apt, part), unpacked)
    if part.root is None:
        return [own]
    foreign = _foreign_apt(temporary / "foreign", part.root.architecture)
    place = unpacked / "root"
    for name in _MERGED:
        (place / "usr" / name).mkdir(parents=True)
        (place / name).symlink_to(f"usr/{name}")
    return [own, _Delivery(foreign, _to_install(foreign, part.root.packages), place)]


def _own_apt(folder: Path, *options: object) -> Sequence[object]:
    """An apt-get with package lists of its own, which are of today and need no root."""
    (folder / "lists/partial").mkdir(parents=True)
    apt = [
        *("apt-get", "-o", f"Dir::State::Lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache"),
        # Root would download as a user who may not enter the folder.
        *("-o", "APT::Sandbox::User=root"),
        *options,
    ]
    _run([*apt, "update"])
    return apt


def _foreign_apt(folder: Path, architecture: str) -> Sequence[object]:
    """One for a system with another processor, on which nothing is installed yet."""
    folder.mkdir()
    (folder / "status").touch()
    return _own_apt(
        folder,
        *("-o", f"APT::Architecture={architecture}", "-o", f"APT::Architectures={architecture}"),
        *("-o", f"Dir::State::status={folder}/status"),
    )


def _with_backports(apt: Sequence[object], folder: Path, codename: str) -> Sequence[object]:
    """The same, with Debian's backports besides: from where the machine has Debian itself."""
    suite = f"{codename}-backports"
    wanted = ["Component: main", "Identifier: Packages", "--format", "$(CODENAME) $(REPO_URI)"]
    told = _run([*apt, "indextargets", "Label: Debian", *wanted]) + _run(
        [*apt, "indextargets", "Label: Debian Backports", *wanted]
    )
    addresses = dict(line.split(maxsplit=1) for line in told.splitlines())
    if suite not in addresses and codename in addresses:
        machines, own = Path("/etc/apt/sources.list"), folder / "sources.list"
        before = machines.read_text() if machines.is_file() else ""
        line = f"deb [signed-by={_KEYS_OF_DEBIAN}] {addresses[codename]} {suite} main"
        own.write_text(f"{before}\n{line}\n")
        apt = [*apt, "-o", f"Dir::Etc::SourceList={own}"]
        _run([*apt, "update"])
    return [*apt, "-t", suite]


def _lacking(apt: Sequence[object], part: Part) -> Sequence[str]:
    """The packages that apt-get would install to have the part.

    Of a part that stands apart its own are among them in any case: what it needs besides may be
    the system's.
    """
    found = _to_install(apt, part.packages)
    native = [name for name in found if ":" not in name]  # nothing here runs on another processor
    return sorted({*native, *(part.names if part.apart else ())})


def _to_install(apt: Sequence[object], packages: Sequence[str]) -> Sequence[str]:
    """The packages that apt-get would install to have these."""
    told = _run([*apt, "-s", "satisfy", "--no-install-recommends", ", ".join(packages)])
    return [line.split()[1] for line in told.splitlines() if line.startswith("Inst ")]


def _megabytes(apt: Sequence[object], packages: Sequence[str]) -> float:
    """The size of the packages when they are downloaded."""
    told = _run([*apt, "download", "--print-uris", *packages])
    return sum(int(line.split()[2]) for line in told.splitlines()) / 1e6


def _run(
    command: Sequence[object], cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> str:
    words = [str(part) for part in command]
    return subprocess.run(
        words, cwd=cwd, env=env, check=True, capture_output=True, text=True
    ).stdout


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


def _vulkan_driver(folder: Path) -> Path:
    """The file that tells the Vulkan loader of Mesa's driver that computes on the CPU."""
    (driver,) = folder.glob("usr/share/vulkan/icd.d/lvp_icd*.json")
    return driver


def _arrange_vulkan(folder: Path) -> None:
    """A driver that names its library by where it lies beside it, and that computes."""
    driver = _vulkan_driver(folder)
    told = json.loads(driver.read_text())
    (library,) = folder.glob("usr/lib/*/libvulkan_lvp.so")
    told["ICD"]["library_path"] = os.path.relpath(library, driver.parent)
    driver.write_text(json.dumps(told))
    variables = {**os.environ, **_vulkan_variables(folder, os.environ)}
    _run([folder / "usr/bin/vulkaninfo", "--summary"], env=variables)


def _vulkan_variables(folder: Path, present: Mapping[str, str]) -> Mapping[str, str]:
    """What lets the Vulkan loader be found, and lets it find this driver and no other."""
    libraries = [*folder.glob("usr/lib/*-linux-gnu*/"), *folder.glob("lib/*-linux-gnu*/")]
    before = [present["LD_LIBRARY_PATH"]] if present.get("LD_LIBRARY_PATH") else []
    driver = str(_vulkan_driver(folder))
    return {
        "LD_LIBRARY_PATH": os.pathsep.join([*map(str, libraries), *before]),
        "VK_DRIVER_FILES": driver,
        "VK_ICD_FILENAMES": driver,  # what older loaders read
        # Mesa would keep what it compiles below the user's home folder, whatever HOME says.
        "MESA_SHADER_CACHE_DIR": str(folder / "shaders"),
    }


def _arrange_ssh_server(folder: Path) -> None:
    """A `sshd` that finds its own parts in the folder, and reads a key that was made for it."""
    libraries = [*folder.glob("usr/lib/*-linux-gnu*/"), *folder.glob("lib/*-linux-gnu*/")]
    # From OpenSSH 9.8 on, the server has programs for its connections.
    own = {"sshd-session": "SshdSessionPath", "sshd-auth": "SshdAuthPath"}
    found = {option: folder / "usr/lib/openssh" / name for name, option in own.items()}
    options = " ".join(f'-o {option}="{path}"' for option, path in found.items() if path.exists())
    programs = folder / "bin"
    programs.mkdir()
    for name in ("usr/sbin/sshd", "usr/bin/ssh", "usr/bin/ssh-keygen"):
        if (folder / name).exists():
            wrapper = programs / Path(name).name
            wrapper.write_text(
                "#!/bin/sh\n"
                f'export LD_LIBRARY_PATH="{os.pathsep.join(map(str, libraries))}"\n'
                f'exec "{folder / name}" {options if wrapper.name == "sshd" else ""} "$@"\n'
            )
            wrapper.chmod(0o755)
    variables = {**os.environ, "PATH": f"{os.environ['PATH']}{os.pathsep}{programs}"}
    with tempfile.TemporaryDirectory() as temporary:
        key = Path(temporary) / "key"
        _run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], env=variables)
        _run([programs / "sshd", "-t", "-f", os.devnull, "-h", key])


def _arrange_arm64(folder: Path) -> None:
    """The emulator of this processor without its siblings, and a Python that it can run."""
    (folder / "bin").mkdir()
    emulator, root = folder / "bin/qemu-aarch64", folder / "root"
    (folder / "usr/bin/qemu-aarch64").rename(emulator)
    shutil.rmtree(folder / "usr")
    program = "import ctypes, platform, zlib; assert platform.machine() == 'aarch64'"
    variables = {**os.environ, "PYTHONHOME": str(root / "usr")}
    _run([emulator, "-L", root, root / "usr/bin/python3", "-c", program], env=variables)


PARTS: Final[Mapping[str, Part]] = {
    "c-compiler": Part(
        "a C compiler", ("cc", "gcc", "clang"), ("gcc", "libc6-dev"), _arrange_compiler
    ),
    # Mesa before 25 lacks what LiteRT asks of a GPU. The system's own stays as it is.
    "software-vulkan": Part(
        "Vulkan on the CPU",
        programs=(),
        packages=("mesa-vulkan-drivers (>= 25)", "libvulkan1", "vulkan-tools"),
        arrange=_arrange_vulkan,
        apart=True,
        backports=("bookworm",),
        variables=_vulkan_variables,
    ),
    # The package brings the client as well.
    "openssh-server": Part("an SSH server", ("sshd",), ("openssh-server",), _arrange_ssh_server),
    "small-disk": Part("a small disk", programs=(), packages=(), disk=True),
    # QEMU 7.2 shows the processor of this machine to what it runs, and runtimes crash on that.
    "arm64": Part(
        "64-bit Arm in software",
        programs=(),
        packages=("qemu-user (>= 1:10)",),
        arrange=_arrange_arm64,
        apart=True,
        backports=("bookworm",),
        root=Root("arm64", "aarch64", ("python3-minimal", "libpython3-stdlib", "libstdc++6")),
    ),
}
_DO: Final[Mapping[Way, Callable[[Machine, str], None]]] = {
    Way.PRESENT: lambda _machine, _name: None,
    Way.INSTALL: _install,
    Way.FETCH: _fetch,
    Way.NONE: lambda _machine, _name: None,
}
