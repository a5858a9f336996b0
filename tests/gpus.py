"""GPUs as the kernel's drivers and NVML tell of them: trees of files, and constructed answers.

No GPU was at hand: names, paths and layout are those of the documentation of the kernel and of
NVML, and of recordings in public threads where that is said; all other figures are made up.
"""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pynvml

from fmnist_edge.host.nvidia import Nvml
from fmnist_edge.host.small_files import UnreadableError

_AMD: Final = "sys/class/drm/renderD129/device"
AMD_GPU: Final = {
    f"{_AMD}/uevent": "DRIVER=amdgpu\nPCI_CLASS=30000\nPCI_SLOT_NAME=0000:03:00.0\n",
    f"{_AMD}/drm/card1/dev": "226:1\n",
    f"{_AMD}/power/runtime_status": "active\n",
    f"{_AMD}/gpu_busy_percent": "37\n",
    f"{_AMD}/hwmon/hwmon4/name": "amdgpu\n",
    f"{_AMD}/hwmon/hwmon4/temp1_input": "44000\n",
    f"{_AMD}/hwmon/hwmon4/temp1_label": "edge\n",
    f"{_AMD}/hwmon/hwmon4/temp2_input": "51000\n",
    f"{_AMD}/hwmon/hwmon4/temp2_label": "junction\n",
    f"{_AMD}/hwmon/hwmon4/freq1_input": "2345000000\n",
    f"{_AMD}/hwmon/hwmon4/freq1_label": "sclk\n",
    f"{_AMD}/hwmon/hwmon4/power1_average": "33000000\n",
}

_INTEL: Final = "sys/class/drm/renderD128/device"
_REASONS: Final = ("pl1", "pl2", "pl4", "thermal", "prochot", "ratl", "vr_thermalert", "vr_tdc")
I915_GPU: Final = {
    f"{_INTEL}/uevent": "DRIVER=i915\nPCI_SLOT_NAME=0000:00:02.0\n",
    f"{_INTEL}/drm/card0/gt_act_freq_mhz": "1300\n",
    f"{_INTEL}/drm/card0/gt_cur_freq_mhz": "1350\n",
    f"{_INTEL}/drm/card0/gt/gt0/throttle_reason_status": "0\n",
    **{f"{_INTEL}/drm/card0/gt/gt0/throttle_reason_{name}": "0\n" for name in _REASONS},
}
XE_GPU: Final = {
    f"{_INTEL}/uevent": "DRIVER=xe\nPCI_SLOT_NAME=0000:00:02.0\n",
    f"{_INTEL}/drm/card0/dev": "226:0\n",
    **{
        f"{_INTEL}/tile0/gt{gt}/freq0/{name}": content
        for gt in range(2)
        for name, content in {
            "act_freq": "1850\n",
            "throttle/status": "0\n",
            **{f"throttle/reason_{name}": "0\n" for name in _REASONS},
        }.items()
    },
}
V3D_GPU: Final = {
    "sys/class/drm/renderD128/device/uevent": "DRIVER=v3d\nOF_NAME=v3d\n",
    "sys/class/drm/renderD128/device/drm/card0/dev": "226:0\n",
    # The display, without a render node.
    "sys/class/drm/card1/device/uevent": "DRIVER=vc4-drm\n",
}

# Recorded in a public thread about the driver (dri-devel, July 2024).
V3D_CLIENT: Final = """\
pos:\t0
flags:\t02400002
mnt_id:\t25
ino:\t521
drm-driver:\tv3d
drm-client-id:\t81
drm-engine-bin:\t4916187 ns
v3d-jobs-bin:\t98 jobs
drm-engine-render:\t154563573 ns
v3d-jobs-render:\t98 jobs
drm-engine-tfu:\t10574 ns
v3d-jobs-tfu:\t1 jobs
drm-engine-csd:\t0 ns
v3d-jobs-csd:\t0 jobs
drm-total-memory:\t15168 KiB
drm-active-memory:\t0
"""
# Of the kernel's documentation.
I915_CLIENT: Final = """\
pos: 0
flags: 02100002
drm-driver: i915
drm-client-id: 39
drm-pdev: 0000:00:02.0
drm-total-system0: 6044 KiB
drm-engine-render: 346249 ns
drm-engine-copy: 0 ns
drm-engine-video: 0 ns
drm-engine-capacity-video: 2
drm-engine-video-enhance: 0 ns
"""
XE_CLIENT: Final = """\
pos:\t0
flags:\t0100002
drm-driver:\txe
drm-client-id:\t3
drm-pdev:\t0000:03:00.0
drm-total-vram0:\t23992 KiB
drm-cycles-rcs:\t28257900
drm-total-cycles-rcs:\t7655183225
drm-cycles-ccs:\t0
drm-total-cycles-ccs:\t7655183225
drm-engine-capacity-ccs:\t4
"""
# Constructed after the drivers' sources: AMD's has times, NVIDIA's has none.
AMD_CLIENT: Final = """\
drm-driver:\tamdgpu
drm-client-id:\t7
drm-pdev:\t0000:03:00.0
drm-memory-vram:\t44564 KiB
drm-engine-gfx:\t56369242 ns
drm-engine-compute:\t3434919 ns
"""
NVIDIA_CLIENT: Final = "drm-driver:\tnvidia-drm\ndrm-client-id:\t5\ndrm-pdev:\t0000:01:00.0\n"

NVIDIA_DRIVER: Final = {"proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64\n"}


class ConstructedNvml:
    """Constructed answers of NVML on a machine with GPUs, with the names and errors of the package.

    Args:
        gpus: The answers of each GPU by function; a function without one is not supported.
    """

    NVMLError = pynvml.NVMLError
    NVML_TEMPERATURE_GPU = pynvml.NVML_TEMPERATURE_GPU
    NVML_CLOCK_SM = pynvml.NVML_CLOCK_SM

    def __init__(self, *gpus: dict[str, Any]) -> None:
        self.gpus = gpus

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802 - the package's name
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802 - the package's name
        if index >= len(self.gpus):
            raise pynvml.NVMLError(pynvml.NVML_ERROR_INVALID_ARGUMENT)
        return index

    def __getattr__(self, function: str) -> Any:  # noqa: ANN401 - any function of the package
        getattr(pynvml, function)  # a name that the package does not have is an error

        def answer(handle: int, *_: object) -> object:
            if function not in self.gpus[handle]:
                raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
            return self.gpus[handle][function]

        return answer


def nvidia_gpu(bus: int = 1, **answers: object) -> dict[str, Any]:
    """The answers of a GPU at work, some of them changed."""
    return {
        "nvmlDeviceGetPciInfo": SimpleNamespace(domain=0, bus=bus, device=0),
        "nvmlDeviceGetName": "NVIDIA GeForce RTX 3060",
        "nvmlDeviceGetTemperature": 61,
        "nvmlDeviceGetClockInfo": 1837,
        "nvmlDeviceGetCurrentClocksEventReasons": 0,
        "nvmlDeviceGetPowerUsage": 71_250,
        "nvmlDeviceGetTotalEnergyConsumption": 1_000_000,
        **answers,
    }


def constructed_nvml(*gpus: Mapping[str, Any]) -> Nvml:
    """NVML on a machine with these GPUs."""
    return Nvml(ConstructedNvml(*map(dict, gpus)))


def no_nvml() -> Nvml:
    """Fail as on a machine without NVIDIA's driver."""
    raise UnreadableError("NVML Shared Library Not Found")


def never_asked() -> Nvml:
    """Fail the test that starts NVML."""
    raise AssertionError("NVML was started")


def link_hwmon(root: Path, chip: str, device: str) -> None:
    """Let `/sys/class/hwmon` show a chip of a device, with links as in a real tree."""
    folder = root / device / "hwmon" / chip
    (folder / "device").symlink_to(root / device)
    link = root / "sys/class/hwmon" / chip
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(folder)
