"""What the kernel, or NVIDIA's driver, has counted for a process on GPUs.

A process has an open file for each GPU that it uses, and the kernel tells of each in
`/proc/PID/fdinfo` for how long the engines of the GPU worked for it. NVIDIA's driver counts no time
there; NVML tells the memory that the process holds.

Source: Linux kernel, DRM client usage stats.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fmnist_edge.clock import now
from fmnist_edge.host.nvidia import Nvml, has_nvidia_driver, open_nvml
from fmnist_edge.host.small_files import parse_fields, read_or_empty
from fmnist_edge.result import KernelWitness

# Names of the engines are the driver's; `drm-engine-capacity-NAME` holds no time.
_TIME: Final = re.compile(r"drm-engine-(?!capacity-)(\S+)")
_CYCLES: Final = re.compile(r"drm-cycles-(\S+)")
_NS: Final = re.compile(r"([0-9]{1,20}) ns")
_NUMBER: Final = re.compile(r"[0-9]{1,20}")
# The kernel's own number of the first namespace (PROC_PID_INIT_INO), whose process ids NVML tells.
_FIRST_NAMESPACE: Final = "pid:[4026531836]"
_FUNCTIONS: Final = (
    "nvmlDeviceGetComputeRunningProcesses",
    "nvmlDeviceGetGraphicsRunningProcesses",
)

Engine = tuple[str, str, str, str]
"""Driver, device, client and name of an engine. Copies of a file descriptor are one client."""


@dataclass(frozen=True)
class _Cycles:
    """What an engine of Intel's xe counts: cycles at work for a client, and all cycles so far."""

    busy: int
    total: int
    at_ns: int


class GpuUse:
    """Counts what GPUs did for one process, from the first call on or from before it.

    A call reads one small file for each file that the process has open. Where they tell of no time
    and NVIDIA's driver is there, the first call loads NVML, which takes some 100 ms.

    Args:
        process: Its id, or "self".
        root: Folder in which `proc` is mounted.
        nvml: Starts NVML.
    """

    def __init__(
        self,
        process: str = "self",
        root: Path = Path("/"),
        nvml: Callable[[], Nvml] = open_nvml,
    ) -> None:
        self._folder = root / "proc" / process
        self._root = root
        self._open_nvml = nvml
        self._nvml: Nvml | None = None
        self._time_ns: dict[Engine, int] = {}
        self._cycles: dict[Engine, _Cycles] = {}

    def __call__(self) -> KernelWitness | None:
        """Return what has been counted so far; None where nobody counts for this process.

        Two calls tell by their difference what the engines did between them. The time of an engine
        that has closed stays in the sum.
        """
        for engine, told in self._clients():
            self._count(engine, told)
        time_ns = sum(self._time_ns.values())
        # A process that computes on NVIDIA's GPU may have another one open that does nothing.
        other = self._of_nvidia() if time_ns == 0 else None
        if self._time_ns and other is None:
            return KernelWitness("drm", time_ns, None)
        return other

    def _clients(self) -> Iterator[tuple[Engine, int | _Cycles]]:
        for path in self._folder.glob("fdinfo/*"):
            fields = parse_fields(read_or_empty(path))
            driver = fields.get("drm-driver")
            if driver is None:
                continue
            client = (driver, fields.get("drm-pdev", ""), fields.get("drm-client-id", path.name))
            for key, value in fields.items():
                if (name := _TIME.fullmatch(key)) and (time := _NS.fullmatch(value)):
                    yield (*client, name[1]), int(time[1])
                elif (name := _CYCLES.fullmatch(key)) and _NUMBER.fullmatch(value):
                    total = fields.get(f"drm-total-cycles-{name[1]}", "")
                    if _NUMBER.fullmatch(total):
                        yield (*client, name[1]), _Cycles(int(value), int(total), now())

    def _count(self, engine: Engine, told: int | _Cycles) -> None:
        """Add what an engine tells; a value below an earlier one is a delay of the driver."""
        so_far = self._time_ns.get(engine, 0)
        if isinstance(told, int):
            self._time_ns[engine] = max(so_far, told)
            return
        last = self._cycles.get(engine)
        self._time_ns[engine] = so_far
        if last is None:
            self._cycles[engine] = told
        elif told.busy > last.busy and told.total > last.total:
            share = (told.busy - last.busy) / (told.total - last.total)
            self._time_ns[engine] = so_far + round(share * (told.at_ns - last.at_ns))
            self._cycles[engine] = told

    def _of_nvidia(self) -> KernelWitness | None:
        """Return the memory that the process holds; None where NVML does not tell it."""
        namespace = self._folder / "ns/pid"
        # Another namespace has other process ids, and the same one may be that of a stranger.
        with suppress(OSError):
            if has_nvidia_driver(self._root) and str(namespace.readlink()) == _FIRST_NAMESPACE:
                self._nvml = self._nvml or self._open_nvml()
                held = list(_held_bytes(self._nvml, int(self._folder.resolve().name)))
                return KernelWitness("nvml", None, sum(held)) if held else None
        return None


def _held_bytes(nvml: Nvml, process: int) -> Iterator[int]:
    """Yield the memory of the process on each GPU that tells it."""
    for gpu in nvml.gpus().values():
        # A process that computes and draws is in both lists, with the same memory.
        for function in _FUNCTIONS:
            own = [each for each in nvml.ask(function, gpu) if each.pid == process]
            if own and own[0].usedGpuMemory is not None:
                yield own[0].usedGpuMemory
                break
