"""What /proc/cpuinfo tells of a CPU: its name, and the instructions that matter for inference."""

from typing import Final

from fmnist_edge.host.small_files import fields

__all__ = ["cores_of", "features_of", "has_hypervisor"]

# Instructions that runtimes choose their kernels by, as the kernel names them: x86 from vectors to
# matrices; Arm's NEON (asimd), half floats, dot product, 8-bit and bfloat16 matrices, long vectors.
_FEATURES: Final = (
    *("sse4_2", "f16c", "avx", "avx2", "fma", "avx_vnni", "avx_vnni_int8", "avx512f", "avx512bw"),
    *("avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16", "avx10", "amx_tile", "amx_int8"),
    *("amx_bf16", "neon", "asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sve2", "sme"),
)
# Arm's cores name themselves by number (Arm's MIDR part numbers).
_ARM: Final = "0x41"
_ARM_PARTS: Final = {
    "0xb76": "ARM1176",
    "0xc07": "Cortex-A7",
    "0xc0f": "Cortex-A15",
    "0xd03": "Cortex-A53",
    "0xd04": "Cortex-A35",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd09": "Cortex-A73",
    "0xd0a": "Cortex-A75",
    "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1",
    "0xd40": "Neoverse-V1",
    "0xd41": "Cortex-A78",
    "0xd42": "Cortex-A78AE",
    "0xd46": "Cortex-A510",
    "0xd47": "Cortex-A710",
    "0xd49": "Neoverse-N2",
    "0xd4f": "Neoverse-V2",
}


def cores_of(cpuinfo: str) -> str:
    """The CPU's name; a board with cores of two kinds has both. Empty where it is not told.

    Args:
        cpuinfo: Content of /proc/cpuinfo.
    """
    cpus = [fields(part) for part in cpuinfo.split("\n\n")]
    names = [_arm_core(cpu) or cpu.get("model name", "") for cpu in cpus]
    return " + ".join(dict.fromkeys(filter(None, names)))


def _arm_core(cpu: dict[str, str]) -> str:
    ours = cpu.get("CPU implementer", _ARM) == _ARM
    return _ARM_PARTS.get(cpu.get("CPU part", ""), "") if ours else ""


def features_of(cpuinfo: str) -> str:
    """The instructions that matter for inference and that every core has; empty where not told.

    Args:
        cpuinfo: Content of /proc/cpuinfo.
    """
    told = _flags(cpuinfo)
    if not told:
        return ""
    shared = set.intersection(*told)
    return " ".join(name for name in _FEATURES if name in shared) or "none that matters"


def has_hypervisor(cpuinfo: str) -> bool:
    """Whether an x86 CPU says that it is a guest's."""
    return any("hypervisor" in flags for flags in _flags(cpuinfo))


def _flags(cpuinfo: str) -> list[set[str]]:
    cpus = [fields(part) for part in cpuinfo.split("\n\n")]
    told = [cpu.get("flags") or cpu.get("Features") or "" for cpu in cpus]
    return [set(words.split()) for words in told if words]
