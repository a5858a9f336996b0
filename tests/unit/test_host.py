"""Machines as Linux describes them, from recorded trees."""

import platform
from pathlib import Path

import pytest

from fmnist_edge.host.facts import facts
from fmnist_edge.host.memory import resident_and_peak

_RASPBERRY_PI_5 = {
    "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    "proc/cpuinfo": (
        "processor\t: 0\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm\n"
        "CPU implementer\t: 0x41\nCPU part\t: 0xd0b\n\n"
        "processor\t: 1\nBogoMIPS\t: 108.00\n\n"
        "Revision\t: d04170\nSerial\t\t: 0000000000000000\n"
        "Model\t\t: Raspberry Pi 5 Model B Rev 1.0\n"
    ),
    "proc/meminfo": "MemTotal:        8256064 kB\nMemFree:         7034224 kB\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
    "etc/os-release": (
        'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n'
    ),
}
_AMD_VM = {
    "sys/class/dmi/id/product_name": "Standard PC (Q35 + ICH9, 2009)\n",
    "proc/cpuinfo": (
        "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\n"
        "model name\t: AMD EPYC 9354 32-Core Processor\nflags\t\t: fpu vme avx512f\n"
    ),
    "proc/meminfo": "MemTotal:       16393240 kB\n",
    "etc/os-release": "NAME=Fedora\nPRETTY_NAME=Fedora\n",
}
_STATUS = "Name:\tpython3\nVmPeak:\t  260000 kB\nVmHWM:\t   52400 kB\nVmRSS:\t   51200 kB\n"


def _plant(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_raspberry_pi_is_recognised(tmp_path: Path) -> None:
    known = facts(_plant(tmp_path, _RASPBERRY_PI_5))
    assert known["model"] == "Raspberry Pi 5 Model B Rev 1.0"
    assert known["cpu"] == "Cortex-A76"
    assert known["memory"] == "7.9 GiB"
    assert known["governor"] == "ondemand"
    assert known["system"] == "Debian GNU/Linux 12 (bookworm)"


def test_a_virtual_machine_is_recognised(tmp_path: Path) -> None:
    known = facts(_plant(tmp_path, _AMD_VM))
    assert known["model"] == "Standard PC (Q35 + ICH9, 2009)"
    assert known["cpu"] == "AMD EPYC 9354 32-Core Processor"
    assert known["memory"] == "15.6 GiB"
    assert known["governor"] == "unknown"
    assert known["system"] == "Fedora"


def test_what_the_system_does_not_tell_is_unknown(tmp_path: Path) -> None:
    known = facts(tmp_path)
    assert [known[name] for name in ("model", "memory", "governor")] == ["unknown"] * 3
    assert known["cpu"] == (platform.processor() or "unknown")
    assert known["system"] == platform.system()


@pytest.mark.parametrize("text", ["", "MemTotal\n", "MemTotal:  lots kB\n", "MemFree: 1 kB\n"])
def test_an_odd_file_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    tree = {"proc/meminfo": text, "proc/device-tree/model": "\0", "proc/cpuinfo": text}
    known = facts(_plant(tmp_path, tree))
    assert (known["model"], known["memory"]) == ("unknown", "unknown")


def test_every_fact_is_there_on_this_machine() -> None:
    known = facts()
    assert list(known) == [
        "model",
        "cpu",
        "cores",
        "architecture",
        "memory",
        "system",
        "kernel",
        "governor",
        "load at start",
    ]
    assert all(known.values())


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
