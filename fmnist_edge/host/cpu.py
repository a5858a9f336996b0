"""The name of the CPU and the instruction sets that its cores have."""

import json
from pathlib import Path
from typing import Any, Final

from fmnist_edge.host.programs import Run, ask
from fmnist_edge.host.small_files import UnreadableError, parse_fields, read_or_empty

# Instruction sets that runtimes choose their kernels by, under the kernel's names. x86: vectors to
# matrices. Arm: NEON (asimd), float16, dot product, 8-bit and bfloat16 matrices, scalable vectors.
_FEATURES: Final = (
    *("sse4_2", "f16c", "avx", "avx2", "fma", "avx_vnni", "avx_vnni_int8", "avx512f", "avx512bw"),
    *("avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16", "avx10", "amx_tile", "amx_int8"),
    *("amx_bf16", "neon", "asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sve2", "sme"),
)


def cpu_model(root: Path, run: Run) -> str:
    """Return the model name of the CPU, such as "Cortex-A76".

    `lscpu` (util-linux) knows the numbers by which Arm's cores identify themselves. Where it is
    not installed, the model name in /proc/cpuinfo is used, which most Arm kernels leave out.

    Args:
        root: Folder in which `proc` and `sys` are mounted.
        run: Runs `lscpu`.

    Returns:
        The names of all kinds of cores, joined by " + "; empty where the system does not tell.
    """
    try:
        names = _names_of_lscpu(ask(run, ("lscpu", "--json", f"--sysroot={root}")))
    except UnreadableError:
        names = []
    if not names:
        names = [cpu.get("model name", "") for cpu in _cpus(read_or_empty(root / "proc/cpuinfo"))]
    return " + ".join(dict.fromkeys(filter(None, names)))


def _names_of_lscpu(output: str) -> list[str]:
    """Return the model name of each kind of core.

    Newer versions of `lscpu` nest the fields, older ones list them; the hook is called either way.
    """
    names: list[str] = []

    def collect(item: dict[str, Any]) -> None:
        # "-" stands for a name that lscpu does not know.
        if item.get("field") == "Model name:" and item.get("data") != "-":
            names.append(str(item.get("data", "")))

    try:
        json.loads(output, object_hook=collect)
    except ValueError as error:
        raise UnreadableError("lscpu did not write JSON") from error
    return names


def features_of(cpuinfo: str) -> str:
    """Return the instruction sets that runtimes use and that every core has.

    Args:
        cpuinfo: Content of /proc/cpuinfo.

    Returns:
        Names separated by blanks; "none that matters" if there is none of them; empty if the file
        lists no instruction sets.
    """
    flags = _flags(cpuinfo)
    if not flags:
        return ""
    shared = set.intersection(*flags)
    return " ".join(name for name in _FEATURES if name in shared) or "none that matters"


def has_hypervisor(cpuinfo: str) -> bool:
    """Return whether an x86 CPU reports that it belongs to a virtual machine."""
    return any("hypervisor" in flags for flags in _flags(cpuinfo))


def _flags(cpuinfo: str) -> list[set[str]]:
    flags = [cpu.get("flags") or cpu.get("Features") or "" for cpu in _cpus(cpuinfo)]
    return [set(names.split()) for names in flags if names]


def _cpus(cpuinfo: str) -> list[dict[str, str]]:
    return [parse_fields(part) for part in cpuinfo.split("\n\n")]
