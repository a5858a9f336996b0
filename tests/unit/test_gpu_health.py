"""Sensors and energy of GPUs, from trees and constructed answers, and from this machine."""

import sys
from collections.abc import Collection, Mapping
from pathlib import Path

import pynvml
import pytest

from fmnist_edge.host.health import Health
from fmnist_edge.host.nvidia import LIMITS, NvidiaMeter, open_nvml
from fmnist_edge.host.small_files import UnreadableError
from fmnist_edge.optional import install_command
from fmnist_edge.records import decode_json, encode_json, replace
from fmnist_edge.result import Accelerator, Reading
from tests.gpus import (
    AMD_GPU,
    I915_GPU,
    NVIDIA_DRIVER,
    V3D_GPU,
    XE_GPU,
    constructed_nvml,
    link_hwmon,
    never_asked,
    no_nvml,
    nvidia_gpu,
)
from tests.trees import AMD_DESKTOP, RASPBERRY_PI_5, no_program, plant

_GT = "sys/class/drm/renderD128/device/drm/card0/gt"
_XE_GT = "sys/class/drm/renderD128/device/tile0"
_AMD = "sys/class/drm/renderD129/device"


def _look(
    root: Path, *trees: Mapping[str, str], devices: Collection[str] = ("cpu", "vulkan")
) -> Mapping[str, Accelerator]:
    tree = {name: content for each in trees for name, content in each.items()}
    return Health(plant(root, tree), no_program, devices, never_asked).look(0.0).accelerators


def _nvidia(root: Path, *gpus: Mapping[str, object]) -> Mapping[str, Accelerator]:
    nvml = constructed_nvml(*gpus)
    return Health(root, no_program, {"cuda"}, lambda: nvml).look(0.0).accelerators


# NVIDIA


def test_an_nvidia_gpu_at_work_is_read(tmp_path: Path) -> None:
    assert _nvidia(tmp_path, nvidia_gpu()) == {
        "nvidia 0": Accelerator(
            address="0000:01:00.0",
            temperatures_celsius={"GPU": 61.0},
            clock_mhz=1837,
            idle=False,
            throttled=dict.fromkeys(LIMITS.values(), False),
            watts=71.25,
        )
    }


def test_each_bit_that_is_a_limit_is_told_by_its_name(tmp_path: Path) -> None:
    names = {
        pynvml.nvmlClocksEventReasonSwPowerCap: "software power cap",
        pynvml.nvmlClocksEventReasonHwSlowdown: "hardware slowdown",
        pynvml.nvmlClocksEventReasonSwThermalSlowdown: "software thermal slowdown",
        pynvml.nvmlClocksEventReasonHwThermalSlowdown: "hardware thermal slowdown",
        pynvml.nvmlClocksEventReasonHwPowerBrakeSlowdown: "hardware power brake",
    }
    assert names == LIMITS
    for bit, name in names.items():
        gpu = nvidia_gpu(nvmlDeviceGetCurrentClocksEventReasons=bit)
        throttled = _nvidia(tmp_path, gpu)["nvidia 0"].throttled
        assert [limit for limit, active in throttled.items() if active] == [name]


def test_an_idle_gpu_and_clocks_that_somebody_set_are_no_limit(tmp_path: Path) -> None:
    none = pynvml.nvmlClocksEventReasonAll & ~sum(LIMITS)
    assert none & pynvml.nvmlClocksEventReasonGpuIdle
    assert none & pynvml.nvmlClocksEventReasonApplicationsClocksSetting
    gpu = nvidia_gpu(nvmlDeviceGetCurrentClocksEventReasons=none)
    read = _nvidia(tmp_path, gpu)["nvidia 0"]
    assert not any(read.throttled.values())
    assert read.idle is True


def test_what_an_old_gpu_does_not_tell_is_unreadable_and_the_rest_is_read(tmp_path: Path) -> None:
    old = nvidia_gpu(bus=0x42)
    for function in ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetPowerUsage"):
        del old[function]
    found = _nvidia(tmp_path, nvidia_gpu(), old)
    assert list(found) == ["nvidia 0", "nvidia 1"]
    assert found["nvidia 1"] == Accelerator(
        address="0000:42:00.0",
        temperatures_celsius={"GPU": 61.0},
        clock_mhz=1837,
        unreadable={"throttling": "Not Supported", "power": "Not Supported"},
    )


def test_nvml_is_not_started_where_no_case_can_be_on_such_a_gpu(tmp_path: Path) -> None:
    plant(tmp_path, NVIDIA_DRIVER)
    for devices in ((), ("cpu",), ("cpu", "openvino-npu")):
        health = Health(tmp_path, no_program, devices, never_asked)
        assert health.look(0.0).accelerators == {}


def test_a_machine_without_nvidias_driver_says_nothing_of_it_unless_a_case_needs_it(
    tmp_path: Path,
) -> None:
    for devices, names in (({"vulkan"}, []), ({"cuda"}, ["nvidia"]), ({"tensorrt"}, ["nvidia"])):
        found = Health(tmp_path, no_program, devices, no_nvml).look(0.0).accelerators
        assert list(found) == names
    with_driver = plant(tmp_path, NVIDIA_DRIVER)
    found = Health(with_driver, no_program, {"vulkan"}, no_nvml).look(0.0).accelerators
    assert found == {"nvidia": Accelerator(unreadable={"sensors": "NVML Shared Library Not Found"})}


def test_without_the_package_the_reason_names_its_installation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(UnreadableError) as caught:
        open_nvml()
    assert "The package 'pynvml' is " in str(caught.value)
    assert str(caught.value).endswith(f"Install it with: {install_command('nvidia')}")


def _why_not() -> str:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return str(error)
    return ""


def test_this_machine_has_nvml_or_the_reason_that_the_real_package_tells() -> None:
    found, why = Health(devices={"cuda"}).look(0.0).accelerators, _why_not()
    if why:
        assert found == {"nvidia": Accelerator(unreadable={"sensors": why})}
    else:
        assert list(found) == list(open_nvml().gpus())


def test_the_board_counts_its_energy_from_the_making_of_the_meter() -> None:
    gpu = nvidia_gpu(nvmlDeviceGetTotalEnergyConsumption=7_000_000)
    nvml = constructed_nvml(nvidia_gpu(), gpu)
    meter = NvidiaMeter(nvml, 1)
    assert meter.joules() == 0
    nvml.library.gpus[1]["nvmlDeviceGetTotalEnergyConsumption"] = 7_012_500
    meter.sample(1.0)
    assert meter.joules() == pytest.approx(12.5)
    assert meter.source == "NVML"
    assert meter.coverage.startswith("the whole board of nvidia 1 (NVIDIA GeForce RTX 3060), with")


def test_a_gpu_without_the_counter_is_no_meter() -> None:
    old = nvidia_gpu()
    del old["nvmlDeviceGetTotalEnergyConsumption"]
    with pytest.raises(UnreadableError, match="Not Supported"):
        NvidiaMeter(constructed_nvml(old))
    with pytest.raises(UnreadableError, match="Invalid Argument"):
        NvidiaMeter(constructed_nvml(), 0)


def test_a_counter_of_energy_that_is_lost_is_not_taken_for_no_energy() -> None:
    nvml = constructed_nvml(nvidia_gpu())
    meter = NvidiaMeter(nvml)
    del nvml.library.gpus[0]["nvmlDeviceGetTotalEnergyConsumption"]
    with pytest.raises(UnreadableError, match="Not Supported"):
        meter.sample(1.0)


# The drivers of the kernel


def test_an_amd_gpu_is_read(tmp_path: Path) -> None:
    assert _look(tmp_path, AMD_GPU) == {
        "amdgpu card1": Accelerator(
            address="0000:03:00.0",
            temperatures_celsius={"edge": 44.0, "junction": 51.0},
            clock_mhz=pytest.approx(2345.0),
            idle=False,
            watts=pytest.approx(33.0),
            unreadable={"throttling": "the driver has no file that tells of limits"},
        )
    }


@pytest.mark.parametrize(
    ("tree", "driver", "mhz"), [(I915_GPU, "i915", 1300), (XE_GPU, "xe", 1850)]
)
def test_an_intel_gpu_is_read(
    tmp_path: Path, tree: Mapping[str, str], driver: str, mhz: float
) -> None:
    [(name, read)] = _look(tmp_path, tree).items()
    assert name == f"{driver} card0"
    assert (read.address, read.clock_mhz, read.idle) == ("0000:00:02.0", mhz, False)
    assert len(read.throttled) == 8
    assert not any(read.throttled.values())
    assert read.unreadable == {}


@pytest.mark.parametrize(
    ("tree", "file"),
    [
        (I915_GPU, f"{_GT}/gt0/throttle_reason_thermal"),
        (XE_GPU, f"{_XE_GT}/gt0/freq0/throttle/reason_thermal"),
        (XE_GPU, f"{_XE_GT}/gt1/freq0/throttle/reason_thermal"),
    ],
)
def test_a_limit_of_an_intel_gpu_is_told_by_its_name(
    tmp_path: Path, tree: Mapping[str, str], file: str
) -> None:
    [read] = _look(tmp_path, tree, {file: "1\n"}).values()
    assert [name for name, active in read.throttled.items() if active] == ["thermal"]


def test_a_limit_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    [read] = _look(tmp_path, I915_GPU, {f"{_GT}/gt0/throttle_reason_pl1": "\n"}).values()
    assert "pl1" not in read.throttled
    assert read.unreadable == {"throttling pl1": "empty"}


def test_the_clock_of_a_gpu_that_has_nothing_to_do_is_marked(tmp_path: Path) -> None:
    asleep = {"sys/class/drm/renderD128/device/drm/card0/gt_act_freq_mhz": "0\n"}
    found = _look(tmp_path, I915_GPU, AMD_GPU, asleep, {f"{_AMD}/gpu_busy_percent": "0\n"})
    assert {name: read.idle for name, read in found.items()} == {
        "i915 card0": True,
        "amdgpu card1": True,
    }


def test_a_gpu_that_is_switched_off_is_left_so(tmp_path: Path) -> None:
    health = Health(plant(tmp_path, AMD_GPU), no_program, {"vulkan"}, never_asked)
    plant(tmp_path, {f"{_AMD}/power/runtime_status": "suspended\n"})
    assert health.look(0.0).accelerators == {}
    plant(tmp_path, {f"{_AMD}/power/runtime_status": "active\n"})
    assert list(health.look(1.0).accelerators) == ["amdgpu card1"]


def test_videocore_tells_no_values_and_its_display_is_no_gpu(tmp_path: Path) -> None:
    reading = Health(plant(tmp_path, {**RASPBERRY_PI_5, **V3D_GPU}), no_program, {"vulkan"}).look(0)
    assert reading.accelerators == {
        "v3d card0": Accelerator(
            unreadable={"throttling": "the driver has no file that tells of limits"}
        )
    }
    # The firmware's limits are those of the whole chip.
    assert "throttled" in reading.throttled


def test_a_gpu_that_no_case_can_be_on_is_not_read(tmp_path: Path) -> None:
    found = _look(tmp_path, AMD_GPU, I915_GPU, devices={"openvino-gpu"})
    assert list(found) == ["i915 card0"]


def test_a_gpu_of_nvidias_driver_is_left_to_nvml(tmp_path: Path) -> None:
    tree = {"sys/class/drm/renderD128/device/uevent": "DRIVER=nvidia\n"}
    assert _look(tmp_path, tree) == {}


@pytest.mark.parametrize("devices", [("cpu",), ("cpu", "openvino-npu"), ("cpu", "vulkan")])
def test_the_chip_of_a_gpu_is_none_of_the_machines(
    tmp_path: Path, devices: Collection[str]
) -> None:
    plant(tmp_path, {**AMD_DESKTOP, **AMD_GPU})
    link_hwmon(tmp_path, "hwmon4", _AMD)
    reading = Health(tmp_path, no_program, devices, never_asked).look(0.0)
    assert "k10temp Tctl" in reading.temperatures_celsius
    assert not any("edge" in name for name in reading.temperatures_celsius)
    assert list(reading.accelerators) == ["amdgpu card1"] * ("vulkan" in devices)


# Readings


def _reading(root: Path) -> Reading:
    nvml = constructed_nvml(nvidia_gpu(nvmlDeviceGetCurrentClocksEventReasons=0x40))
    plant(root, {**RASPBERRY_PI_5, **I915_GPU, **NVIDIA_DRIVER})
    return Health(root, no_program, {"vulkan", "cuda"}, lambda: nvml).look(0.0)


def test_a_reading_with_accelerators_goes_into_a_file_and_comes_back(tmp_path: Path) -> None:
    reading = _reading(tmp_path)
    assert list(reading.accelerators) == ["nvidia 0", "i915 card0"]
    assert decode_json(Reading, encode_json(reading).encode()) == reading


@pytest.mark.parametrize(
    ("device", "names"),
    [
        ("cpu", []),
        ("openvino-npu", []),
        ("cuda", ["nvidia 0"]),
        ("tensorrt", ["nvidia 0"]),
        ("openvino-gpu", ["i915 card0"]),
        ("vulkan", ["nvidia 0", "i915 card0"]),
        ("webgpu", ["nvidia 0", "i915 card0"]),
    ],
)
def test_a_case_may_have_used_the_accelerators_that_its_device_allows(
    tmp_path: Path, device: str, names: list[str]
) -> None:
    assert list(_reading(tmp_path).accelerators_of(device)) == names


def test_the_values_of_accelerators_join_those_of_the_machine_by_name(tmp_path: Path) -> None:
    reading = _reading(tmp_path)
    blind = replace(reading, accelerators={"nvidia": Accelerator(unreadable={"sensors": "none"})})
    joined = reading.joined_with(reading.accelerators)
    assert {name for name, active in joined.throttled.items() if active} == {
        "nvidia 0 hardware thermal slowdown"
    }
    assert joined.temperatures_celsius["nvidia 0 GPU"] == 61.0
    assert joined.clocks_mhz == {"cpu 0-3": 1500.0, "nvidia 0": 1837, "i915 card0": 1300}
    assert blind.joined_with(blind.accelerators).unreadable == {"nvidia sensors": "none"}
    assert reading.joined_with({}) == reading
