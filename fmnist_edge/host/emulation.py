"""Whether another program interprets this process, so that its times are those of that program."""

import platform
from pathlib import Path
from typing import Final

from fmnist_edge.host.small_files import read_or_empty
from fmnist_edge.result import NO_SIGN

# An emulator answers for /proc/self/exe with the program that it interprets. It does not know of
# this second name of the same file, so that the kernel answers: with the emulator itself.
_PROGRAM: Final = "proc/thread-self/exe"
_HEADER_BYTES: Final = 20
_MACHINE: Final = slice(18, 20)
_BYTE_ORDER_AT: Final = 5
_LITTLE_ENDIAN: Final = 1
# What an ELF file is built for (`e_machine` in elf.h), as the kernel's `uname` calls it.
_MACHINES: Final = {
    3: frozenset({"i386", "i486", "i586", "i686", "x86_64"}),
    40: frozenset({"armv6l", "armv7l", "armv8l", "aarch64"}),
    62: frozenset({"x86_64", "i686"}),
    183: frozenset({"aarch64", "armv8l"}),
    243: frozenset({"riscv64", "riscv32"}),
}
# What a virtual machine calls its processor where QEMU interprets every instruction of it.
_INTERPRETED: Final = ("QEMU TCG CPU", "QEMU Virtual CPU")


def emulation(root: Path = Path("/"), machine: str | None = None) -> str:
    """Return what interprets this process, or `NO_SIGN`.

    Args:
        root: Folder in which `proc` is mounted.
        machine: The machine that this Python is told to run on; what `uname` says by default.
    """
    told = platform.machine() if machine is None else machine
    program = root / _PROGRAM
    try:
        with program.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except OSError:
        header = b""
    if header.startswith(b"\x7fELF") and len(header) == _HEADER_BYTES:
        little = header[_BYTE_ORDER_AT] == _LITTLE_ENDIAN
        built_for = _MACHINES.get(int.from_bytes(header[_MACHINE], "little" if little else "big"))
        if built_for is not None and told not in built_for:
            return _name(program)
    cpuinfo = read_or_empty(root / "proc/cpuinfo")
    return next((name for name in _INTERPRETED if name in cpuinfo), NO_SIGN)


def _name(program: Path) -> str:
    try:
        return program.readlink().name
    except OSError:
        return "another program"
