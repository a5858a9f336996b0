"""What machine this is, from recorded trees and from this one."""

import json
import os
import platform
from pathlib import Path

import pytest

from fmnist_edge.host.cpu import cpu_model, features_of
from fmnist_edge.host.emulation import emulation
from fmnist_edge.host.facts import facts
from fmnist_edge.host.memory import resident_and_peak
from fmnist_edge.host.programs import run_program
from fmnist_edge.result import NO_SIGN
from tests.trees import (
    AMD_DESKTOP,
    AMD_VM,
    INTEL_LAPTOP,
    RASPBERRY_PI_4,
    RASPBERRY_PI_5,
    no_program,
    plant,
    programs,
)

_STATUS = "Name:\tpython3\nVmPeak:\t  260000 kB\nVmHWM:\t   52400 kB\nVmRSS:\t   51200 kB\n"
# One core of an Arm CPU in the order of the kernel: number, features, variant, part, revision.
_ARM_CORE = (
    "processor\t: {}\nBogoMIPS\t: 48.00\nFeatures\t: {}\nCPU implementer\t: 0x41\n"
    "CPU architecture: 8\nCPU variant\t: 0x{}\nCPU part\t: 0x{}\nCPU revision\t: {}\n"
)
_UNTOLD = (
    *(
        "model",
        "cpu features",
        "memory_bytes",
        "swap_bytes",
        "gpu",
        "governor",
        "energy preference",
    ),
    *("max_frequency_mhz", "boost", "clock source", "power supply"),
)


def test_a_raspberry_pi_is_recognised(tmp_path: Path) -> None:
    known = facts(plant(tmp_path, RASPBERRY_PI_5))
    assert known["model"] == "Raspberry Pi 5 Model B Rev 1.0"
    assert known["cpu"] == "Cortex-A76"
    assert known["cpu features"] == "asimd asimdhp asimddp"
    assert known["memory_bytes"] == 8_256_064 * 1024
    assert known["swap_bytes"] == 524_272 * 1024
    assert known["governor"] == "ondemand"
    assert known["max_frequency_mhz"] == 2400.0
    assert known["clock source"] == "arch_sys_counter"
    assert known["virtual"] == "no sign of it"
    assert known["system"] == "Debian GNU/Linux 12 (bookworm)"


def test_a_virtual_machine_is_recognised(tmp_path: Path) -> None:
    known = facts(plant(tmp_path, AMD_VM))
    assert known["model"] == "Standard PC (Q35 + ICH9, 2009)"
    assert known["cpu"] == "AMD EPYC 9354 32-Core Processor"
    assert known["cpu features"] == "avx512f"
    assert known["memory_bytes"] == 16_393_240 * 1024
    assert known["governor"] == "unknown"
    assert known["virtual"] == "virtual machine"
    assert known["system"] == "Fedora"


def test_a_desktop_tells_of_its_governor_and_boost(tmp_path: Path) -> None:
    known = facts(plant(tmp_path, AMD_DESKTOP))
    assert known["governor"] == "powersave"
    assert known["energy preference"] == "balance_performance"
    assert known["boost"] == "on"
    assert known["swap_bytes"] == 0
    assert known["power supply"] == "unknown"
    assert known["cpu"] == "AMD Ryzen 7 7700X 8-Core Processor"
    assert known["cpu features"].endswith("avx512f avx512bw avx512vl avx512_vnni avx512_bf16")


def test_a_laptop_on_battery_without_turbo_says_so(tmp_path: Path) -> None:
    known = facts(plant(tmp_path, INTEL_LAPTOP))
    assert known["boost"] == "off"
    assert known["power supply"] == "battery"


@pytest.mark.parametrize("mark", [".dockerenv", "run/.containerenv", "run/systemd/container"])
def test_a_container_is_recognised(tmp_path: Path, mark: str) -> None:
    assert facts(plant(tmp_path, {mark: ""}), no_program)["virtual"] == "container"
    assert facts(plant(tmp_path, AMD_VM), no_program)["virtual"] == "container in a virtual machine"


@pytest.mark.parametrize(
    ("maker", "product"),
    [("QEMU", "KVM Virtual Machine"), ("Microsoft Corporation", "Virtual Machine")],
)
def test_an_arm_machine_whose_maker_is_a_program_is_virtual(
    tmp_path: Path, maker: str, product: str
) -> None:
    tree = {"sys/class/dmi/id/sys_vendor": maker, "sys/class/dmi/id/product_name": product}
    assert facts(plant(tmp_path, tree), no_program)["virtual"] == "virtual machine"


def test_a_raspberry_pi_4_is_named_by_the_number_of_its_cores(tmp_path: Path) -> None:
    assert cpu_model(plant(tmp_path, RASPBERRY_PI_4), run_program) == "Cortex-A72"


def test_a_32_bit_system_names_the_core_and_not_its_family(tmp_path: Path) -> None:
    cpuinfo = "processor\t: 0\nmodel name\t: ARMv7 Processor rev 3 (v7l)\n" + RASPBERRY_PI_4[
        "proc/cpuinfo"
    ].removeprefix("processor\t: 0\n")
    tree = {**RASPBERRY_PI_4, "proc/cpuinfo": cpuinfo}
    assert cpu_model(plant(tmp_path, tree), run_program) == "Cortex-A72"


def test_cores_of_two_kinds_are_both_named(tmp_path: Path) -> None:
    little, big = ("asimd asimddp", "1", "d05", "0"), ("asimd asimddp sve", "4", "d0b", "1")
    cores = [_ARM_CORE.format(number, *core) for number, core in enumerate((little, big, big))]
    folder = "sys/devices/system/cpu"
    numbers = {f"{folder}/{name}": "0-2\n" for name in ("possible", "present", "online")}
    tree = {"proc/cpuinfo": "\n".join(cores), **numbers}
    assert cpu_model(plant(tmp_path, tree), run_program) == "Cortex-A55 + Cortex-A76"


def test_a_nested_list_of_lscpu_is_read(tmp_path: Path) -> None:
    names = ("Cortex-A55", "-", "Cortex-A76")
    cores = [{"field": "Model name:", "data": name} for name in names]
    vendor = {"field": "Vendor ID:", "data": "ARM", "children": cores}
    answer = json.dumps({"lscpu": [vendor]})
    run = programs({("lscpu", "--json", f"--sysroot={tmp_path}"): answer})
    assert cpu_model(tmp_path, run) == "Cortex-A55 + Cortex-A76"


@pytest.mark.parametrize("answer", [FileNotFoundError(), ChildProcessError("no"), "", "{}", "[{"])
def test_without_an_answer_of_lscpu_the_kernel_names_the_cpu(
    tmp_path: Path, answer: str | OSError
) -> None:
    run = programs({("lscpu", "--json", f"--sysroot={tmp_path}"): answer})
    assert cpu_model(plant(tmp_path, INTEL_LAPTOP), run) == (
        "11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz"
    )
    assert not cpu_model(plant(tmp_path, RASPBERRY_PI_5), run)


def test_a_feature_counts_if_every_core_has_it() -> None:
    little, big = "Features\t: asimd asimddp\n", "Features\t: asimd asimddp sve\n"
    assert features_of(f"{little}\n{big}") == "asimd asimddp"


def test_a_cpu_without_any_of_the_features_is_no_unknown_cpu() -> None:
    assert features_of("flags\t\t: fpu vme\n") == "none that matters"
    assert not features_of("processor\t: 0\n")


def test_a_gpu_is_named_by_the_drivers_file(tmp_path: Path) -> None:
    folder = "proc/driver/nvidia/gpus"
    tree = {
        f"{folder}/0000:01:00.0/information": "Model: \t\t NVIDIA H100 PCIe\nIRQ:   \t\t 16\n",
        f"{folder}/0000:02:00.0/information": "Model: \t\t NVIDIA A2\nIRQ:   \t\t 17\n",
    }
    assert facts(plant(tmp_path, tree), no_program)["gpu"] == "NVIDIA H100 PCIe, NVIDIA A2"


def test_what_the_system_does_not_tell_is_unknown(tmp_path: Path) -> None:
    known = facts(tmp_path, no_program)
    assert {name for name, value in known.items() if value == "unknown"} >= set(_UNTOLD)
    assert known["cpu"] == (platform.processor() or "unknown")
    assert known["system"] == platform.system()


@pytest.mark.parametrize(
    "text", ["", "MemTotal\n", "MemTotal:  lots kB\n", "MemFree: 1 kB\n", "MemTotal: ² kB\n"]
)
def test_an_odd_file_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    tree = {"proc/meminfo": text, "proc/device-tree/model": "\0", "proc/cpuinfo": text}
    known = facts(plant(tmp_path, tree), no_program)
    assert (known["model"], known["memory_bytes"]) == ("unknown", "unknown")


def test_every_fact_is_there_on_this_machine() -> None:
    known = facts()
    assert list(known) == [
        "model",
        "cpu",
        "cores",
        "cpu features",
        "architecture",
        "memory_bytes",
        "swap_bytes",
        "gpu",
        "system",
        "kernel",
        "virtual",
        "emulated",
        "governor",
        "energy preference",
        "max_frequency_mhz",
        "boost",
        "clock source",
        "power supply",
        "load_at_start",
    ]
    assert "" not in known.values()
    assert known["cores"] == os.cpu_count()
    assert known["memory_bytes"] == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert float(known["load_at_start"]) >= 0


def test_nobody_is_named() -> None:
    assert platform.node() not in facts().values()


def test_memory_is_read_in_bytes(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text(_STATUS)
    assert resident_and_peak(status) == (52_428_800, 53_657_600)


def test_a_process_may_have_any_name(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_bytes(b"Name:\t\xff\xc3\n" + _STATUS.encode())
    assert resident_and_peak(status) == (52_428_800, 53_657_600)


@pytest.mark.parametrize("text", ["", "VmRSS:\n", "VmRSS: much kB\nVmHWM"])
def test_memory_that_is_not_told_is_none(tmp_path: Path, text: str) -> None:
    status = tmp_path / "status"
    assert resident_and_peak(status) == (None, None)
    status.write_text(text)
    assert resident_and_peak(status) == (None, None)


def _program(machine: int) -> bytes:
    """The beginning of an ELF file of 64 bits, little-endian."""
    return b"\x7fELF\x02\x01\x01" + bytes(11) + machine.to_bytes(2, "little")


@pytest.mark.parametrize(
    ("built_for", "told", "found"),
    [
        (62, "x86_64", NO_SIGN),
        (183, "aarch64", NO_SIGN),
        (183, "armv8l", NO_SIGN),
        (3, "x86_64", NO_SIGN),
        (62, "aarch64", "qemu-aarch64"),
        (183, "x86_64", "qemu-aarch64"),
        (22, "s390x", NO_SIGN),
    ],
)
def test_a_process_whose_program_is_built_for_another_machine_is_emulated(
    tmp_path: Path, built_for: int, told: str, found: str
) -> None:
    program = tmp_path / "qemu-aarch64"
    program.write_bytes(_program(built_for))
    link = tmp_path / "proc/thread-self/exe"
    link.parent.mkdir(parents=True)
    link.symlink_to(program)
    assert emulation(tmp_path, told) == found


def test_a_processor_that_qemu_interprets_is_emulated(tmp_path: Path) -> None:
    plant(tmp_path, {"proc/cpuinfo": "model name\t: QEMU TCG CPU version 2.5+\n"})
    assert emulation(tmp_path, "x86_64") == "QEMU TCG CPU"
    assert emulation(tmp_path / "nowhere", "x86_64") == NO_SIGN


def test_the_python_of_the_tests_is_what_the_kernel_runs() -> None:
    assert emulation() == NO_SIGN
    assert emulation(machine="riscv64").startswith("python")
