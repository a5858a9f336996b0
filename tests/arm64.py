"""Devices with 64-bit Arm: this machine where it is one, else the processors of two in software.

The packages are those that `fmnist-edge wheelhouse` gathers for such a device. They are kept below
`.cache/parts`, apart for each set of pins, so that a second run downloads none.
"""

import compileall
import hashlib
import os
import platform
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

from fmnist_edge.environments.wheel_target import Target, marker_values
from fmnist_edge.environments.wheelhouse import read_index
from fmnist_edge.records import replace
from tests import system_parts
from tests.commands import CommandLine

MACHINE: Final = "aarch64"
NATIVE: Final = platform.machine() == MACHINE
# Those of Raspberry Pi 4 and 5. Where the machine is one itself, its own processor is the only one.
CPUS: Final = ("own",) if NATIVE else ("cortex-a72", "cortex-a76")
PINS: Final = Path(__file__).parents[1] / "constraints/device.txt"
EXTRAS: Final = "litert,onnx"
_PART: Final = system_parts.KEPT / "arm64"
_ROOT: Final = _PART / "root"
EMULATOR: Final = _PART / "bin/qemu-aarch64"
_PACKAGES: Final = system_parts.KEPT / "arm64-packages"


def gather(cli: CommandLine, users_environment: Mapping[str, str]) -> Path:
    """Have the wheels of a device, this very package among them; the folder that holds them.

    Args:
        cli: The command that gathers them.
        users_environment: What pip may need to reach the package index.
    """
    pins = _pins()
    folder = _PACKAGES / _digest(pins)
    folder.mkdir(parents=True, exist_ok=True)
    constraints = folder / "constraints.txt"
    constraints.write_text(pins)
    settings = {key: each for key, each in users_environment.items() if key.startswith("PIP_")}
    person = replace(cli, added={**settings, "PIP_CONSTRAINT": str(constraints)})
    wanted = ("--platform", MACHINE, "--python", _python(), "--extra", EXTRAS)
    done = person("wheelhouse", *wanted, "-o", folder / "wheels")
    assert done.returncode == 0, done.stderr
    return folder / "wheels"


def unpack(wheels: Path, folder: Path) -> Sequence[Path]:
    """Unpack the wheels; the folders from which Python then imports.

    What others made is kept beside the wheels, and compiled by the emulated Python as it is
    imported. This very package is unpacked into `folder`, as it is now.

    Args:
        wheels: What `gather` returned.
        folder: An empty folder.
    """
    gathered = read_index(wheels).wheels
    others = [each for each in gathered if each.name != "fmnist-edge"]
    site = wheels.parent / f"site-{_digest(''.join(sorted(each.sha256 for each in others)))}"
    if not site.is_dir():
        with tempfile.TemporaryDirectory(dir=wheels.parent) as temporary:
            _unzip([wheels / each.file for each in others], Path(temporary))
            Path(temporary).rename(site)
            Path(temporary).mkdir()  # for the end of the block
    _unzip([wheels / each.file for each in gathered if each not in others], folder)
    if _python() == f"{sys.version_info.major}.{sys.version_info.minor}":
        compileall.compile_dir(folder, quiet=1)  # a hundred times faster here than there
    return [folder, site]


def device(cli: CommandLine, cpu: str, packages: Sequence[Path], folder: Path) -> CommandLine:
    """The command on a device with that processor.

    The interpreter takes the name of a script: processes that it starts by `sys.executable` are
    emulated, too.

    Args:
        cli: The command on this machine.
        cpu: The processor, as QEMU calls it.
        packages: The folders from which Python imports.
        folder: An empty folder for the scripts.
    """
    interpreter, command = folder / "python3", folder / "fmnist-edge"
    path = os.pathsep.join(map(str, packages))
    _script(
        interpreter,
        f'export PYTHONHOME="{_ROOT}/usr" PYTHONPATH="{path}"\n'
        f'exec "{EMULATOR}" -cpu {cpu} -L "{_ROOT}" -0 "$0" "{_ROOT}/usr/bin/python3" "$@"\n',
    )
    _script(command, f'exec "{interpreter}" -m fmnist_edge "$@"\n')
    # Compiling takes longer than all the rest: what was compiled is kept beside the packages.
    return replace(cli, entry_point=command, added={"PYTHONDONTWRITEBYTECODE": ""})


def _script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)


def _python() -> str:
    """Major and minor version of the Python in the root."""
    return (_ROOT / "usr/bin/python3").readlink().name.removeprefix("python")


def _pins() -> str:
    """The versions that a device installs with that Python: pip would ask the one that runs it."""
    values = marker_values(Target(MACHINE, _python()))
    lines = PINS.read_text(encoding="utf-8").splitlines()
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    kept = [each for each in wanted if each.marker is None or each.marker.evaluate(values)]
    return "".join(f"{each.name}{each.specifier}\n" for each in kept)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _unzip(wheels: Sequence[Path], folder: Path) -> None:
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
