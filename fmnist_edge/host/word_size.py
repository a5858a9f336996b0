"""How wide the addresses of the kernel are, and those of the programs that run on it."""

import platform
import struct
from collections.abc import Mapping
from typing import Final

_BITS_PER_BYTE: Final = 8
# What `uname` calls the machine that the kernel is built for.
_KERNELS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("x86_64", "AMD64", "aarch64", "arm64", "armv8l", "riscv64", "ppc64le"), 64),
    **dict.fromkeys(("i386", "i486", "i586", "i686", "armv6l", "armv7l", "riscv32"), 32),
}


def kernel_bits(machine: str | None = None) -> int | None:
    """Return the width of the kernel's addresses; None for a machine that is not known.

    An Arm kernel of 64 bits may say "armv8l" to programs of 32 bits.

    Args:
        machine: What `uname` says; that of this machine by default.
    """
    return _KERNELS.get(platform.machine() if machine is None else machine)


def userland_bits() -> int:
    """Return the width of the addresses of this Python, which must be that of its packages."""
    return _BITS_PER_BYTE * struct.calcsize("P")
