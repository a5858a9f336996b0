"""The devices that models run on, and what a runtime tells of one."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from fmnist_edge.records import Record

CPU: Final = "cpu"
_LINUX: Final = "linux"
_MACOS: Final = "darwin"
_WINDOWS: Final = "win32"


@dataclass(frozen=True)
class Device:
    """A kind of device, as users name it.

    Args:
        title: What it is, as part of a sentence.
        systems: Values of `sys.platform` of the systems that have it; empty for all.
    """

    title: str
    systems: tuple[str, ...] = ()

    @property
    def exists_here(self) -> bool:
        """Whether this operating system can have it."""
        return not self.systems or sys.platform in self.systems


DEVICES: Final = MappingProxyType(
    {
        CPU: Device("the CPU"),
        "cuda": Device("NVIDIA GPUs, through CUDA", (_LINUX, _WINDOWS)),
        "tensorrt": Device("NVIDIA GPUs, through TensorRT", (_LINUX, _WINDOWS)),
        "webgpu": Device("GPUs, through WebGPU (Vulkan, or Direct3D 12)"),
        "vulkan": Device("GPUs, through Vulkan"),
        "metal": Device("Apple GPUs, through Metal", (_MACOS,)),
        "openvino-gpu": Device("Intel GPUs, through OpenVINO", (_LINUX, _WINDOWS)),
        "openvino-npu": Device("Intel NPUs, through OpenVINO", (_LINUX, _WINDOWS)),
        "coreml": Device("Apple's Neural Engine and GPUs, through Core ML", (_MACOS,)),
        "directml": Device("GPUs, through DirectML", (_WINDOWS,)),
        "qnn": Device("Qualcomm NPUs, through QNN", (_LINUX, _WINDOWS)),
    }
)


@dataclass(frozen=True)
class Provision:
    """How a runtime comes to a device.

    Args:
        packages: What pip installs for it; empty where the runtime's own package is enough.
        apart: Whether `packages` cannot be installed beside the runtime's usual package, so that
            they need an environment of their own.
        system: What the operating system must have besides, as part of a sentence; may be empty.
    """

    packages: tuple[str, ...] = ()
    apart: bool = False
    system: str = ""


CPU_ONLY: Final[Mapping[str, Provision]] = MappingProxyType({CPU: Provision()})

# Environment variables that name the folder of compiled shaders and kernels: Mesa's
# (docs.mesa3d.org/envvars.html), NVIDIA's for CUDA and for Vulkan, and Intel's for OpenCL.
KERNEL_CACHES: Final = (
    "MESA_SHADER_CACHE_DIR",
    "CUDA_CACHE_PATH",
    "__GL_SHADER_DISK_CACHE_PATH",
    "NEO_CACHE_DIR",
)


class Unit(Record):
    """A physical device.

    Args:
        name: As its driver calls it.
        driver: Name and version of the driver; empty where the runtime does not tell.
        api: The interface and its version, such as "Vulkan 1.4.305"; may be empty.
        memory_bytes: None where the runtime does not tell.
    """

    name: str
    driver: str = ""
    api: str = ""
    memory_bytes: int | None = None


class Account(Record):
    """What a runtime itself tells of where it runs a model.

    Args:
        source: What was read, such as "is_fully_accelerated" or "profile".
        unit: The device; None where the runtime does not tell.
        operators: Operators of the model, as the runtime counts them after its optimizations.
        on_device: Those that the device runs.
        elsewhere: The others, each as "name (kind) on where".
        precision: The type that the device computes in, such as "float32"; empty where the runtime
            does not tell.
    """

    source: str
    unit: Unit | None
    operators: int
    on_device: int
    elsewhere: tuple[str, ...] = ()
    precision: str = ""
