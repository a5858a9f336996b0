"""Machines as Linux describes them, and what their programs say: trees of small files.

No such machine was at hand: the paths, the names and the layout are those that the kernel's and the
makers' documentation and public recordings show; the figures are made up.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = [
    "AMD_DESKTOP",
    "AMD_VM",
    "INTEL_LAPTOP",
    "PMIC_OF_PI_4",
    "PMIC_OF_PI_5",
    "RAPL_LAPTOP",
    "RASPBERRY_PI_4",
    "RASPBERRY_PI_5",
    "Answers",
    "anyones_folder",
    "as_a_user",
    "no_program",
    "plant",
    "programs",
]

Answers = Mapping[tuple[str, ...], str | OSError]

_THROTTLE_PI_5: Final = "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled"
_CPU: Final = "sys/devices/system/cpu"

RASPBERRY_PI_5: Final = {
    f"{_CPU}/possible": "0-3\n",
    "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    "proc/cpuinfo": "\n".join(
        f"processor\t: {cpu}\nBogoMIPS\t: 108.00\n"
        "Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid"
        " asimdrdm lrcpc dcpop asimddp\n"
        "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x4\nCPU part\t: 0xd0b\n"
        for cpu in range(4)
    )
    + "\nRevision\t: d04170\nSerial\t\t: 0000000000000000\n"
    "Model\t\t: Raspberry Pi 5 Model B Rev 1.0\n",
    "proc/meminfo": (
        "MemTotal:        8256064 kB\nMemFree:         7034224 kB\nMemAvailable:    7340032 kB\n"
        "SwapTotal:        524272 kB\n"
    ),
    "proc/loadavg": "0.52 0.31 0.18 1/234 4321\n",
    f"{_CPU}/cpu0/cpufreq/scaling_governor": "ondemand\n",
    f"{_CPU}/cpu0/cpufreq/cpuinfo_max_freq": "2400000\n",
    f"{_CPU}/cpufreq/policy0/related_cpus": "0 1 2 3\n",
    f"{_CPU}/cpufreq/policy0/scaling_cur_freq": "1500000\n",
    "sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
    "sys/class/hwmon/hwmon0/temp1_input": "50500\n",
    "sys/class/hwmon/hwmon1/name": "rp1_adc\n",
    "sys/class/hwmon/hwmon1/in1_input": "1486\n",
    "sys/class/hwmon/hwmon1/temp1_input": "47231\n",
    "sys/class/hwmon/hwmon2/name": "pwmfan\n",
    "sys/class/hwmon/hwmon2/fan1_input": "2850\n",
    "sys/class/hwmon/hwmon3/name": "rpi_volt\n",
    "sys/class/hwmon/hwmon3/in0_lcrit_alarm": "0\n",
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone0/temp": "50500\n",
    _THROTTLE_PI_5: "0\n",
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "arch_sys_counter\n",
    "etc/os-release": (
        'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n'
    ),
}
RASPBERRY_PI_4: Final = {
    f"{_CPU}/possible": "0-3\n",
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "proc/cpuinfo": (
        "processor\t: 0\nFeatures\t: fp asimd evtstrm crc32 cpuid\n"
        "CPU implementer\t: 0x41\nCPU part\t: 0xd08\n"
    ),
    "proc/loadavg": "0.05 0.03 0.00 1/180 900\n",
    f"{_CPU}/cpufreq/policy0/related_cpus": "0 1 2 3\n",
    f"{_CPU}/cpufreq/policy0/scaling_cur_freq": "600000\n",
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone0/temp": "38459\n",
}
"""Without the driver that shows the throttle word as a file, as on other systems' kernels."""

AMD_DESKTOP: Final = {
    f"{_CPU}/possible": "0\n",
    "proc/cpuinfo": (
        "processor\t: 0\nmodel name\t: AMD Ryzen 7 7700X 8-Core Processor\n"
        "flags\t\t: fpu sse4_2 avx f16c aperfmperf avx2 fma avx512f avx512bw avx512vl"
        " avx512_bf16 avx512_vnni\n"
    ),
    "proc/loadavg": "1.75 1.20 0.80 3/900 12345\n",
    "proc/meminfo": "MemTotal:       32614244 kB\nMemAvailable:   28614244 kB\nSwapTotal: 0 kB\n",
    f"{_CPU}/cpufreq/boost": "1\n",
    f"{_CPU}/cpu0/cpufreq/scaling_governor": "powersave\n",
    f"{_CPU}/cpu0/cpufreq/energy_performance_preference": "balance_performance\n",
    f"{_CPU}/cpu0/cpufreq/cpuinfo_max_freq": "5573000\n",
    **{
        f"{_CPU}/cpufreq/policy{cpu}/{name}": value
        for cpu in range(24)
        for name, value in {
            "related_cpus": f"{cpu}\n",
            "scaling_cur_freq": f"{4_000_000 + cpu * 1000}\n",
        }.items()
    },
    "sys/class/hwmon/hwmon0/name": "nvme\n",
    "sys/class/hwmon/hwmon0/temp1_input": "41850\n",
    "sys/class/hwmon/hwmon0/temp1_label": "Composite\n",
    "sys/class/hwmon/hwmon1/name": "k10temp\n",
    "sys/class/hwmon/hwmon1/temp1_input": "55625\n",
    "sys/class/hwmon/hwmon1/temp1_label": "Tctl\n",
    "sys/class/hwmon/hwmon1/temp3_input": "48250\n",
    "sys/class/hwmon/hwmon1/temp3_label": "Tccd1\n",
    "sys/class/hwmon/hwmon2/name": "spd5118\n",
    "sys/class/hwmon/hwmon2/temp1_input": "44000\n",
    "sys/class/hwmon/hwmon10/name": "spd5118\n",
    "sys/class/hwmon/hwmon10/temp1_input": "61000\n",
}
INTEL_LAPTOP: Final = {
    f"{_CPU}/possible": "0-1\n",
    "sys/class/dmi/id/sys_vendor": "LENOVO\n",
    "sys/class/dmi/id/product_name": "20XW0000\n",
    "proc/cpuinfo": (
        "processor\t: 0\nmodel name\t: 11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz\n"
        "cpu MHz\t\t: 2800.000\nflags\t\t: fpu aperfmperf sse4_2 fma f16c avx avx2 avx512f"
        " avx512_vnni\n\n"
        "processor\t: 1\nmodel name\t: 11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz\n"
        "cpu MHz\t\t: 1203.517\nflags\t\t: fpu aperfmperf sse4_2 fma f16c avx avx2 avx512f"
        " avx512_vnni\n"
    ),
    "proc/loadavg": "0.10 0.20 0.30 1/500 2222\n",
    f"{_CPU}/intel_pstate/no_turbo": "1\n",
    f"{_CPU}/cpu0/thermal_throttle/core_throttle_count": "3\n",
    f"{_CPU}/cpu0/thermal_throttle/package_throttle_count": "7\n",
    f"{_CPU}/cpu1/thermal_throttle/core_throttle_count": "4\n",
    f"{_CPU}/cpu1/thermal_throttle/package_throttle_count": "7\n",
    "sys/class/hwmon/hwmon0/name": "acpitz\n",
    "sys/class/hwmon/hwmon0/temp1_input": "27800\n",
    "sys/class/hwmon/hwmon1/name": "coretemp\n",
    "sys/class/hwmon/hwmon1/temp1_input": "62000\n",
    "sys/class/hwmon/hwmon1/temp1_label": "Package id 0\n",
    "sys/class/hwmon/hwmon1/temp2_input": "61000\n",
    "sys/class/hwmon/hwmon1/temp2_label": "Core 0\n",
    "sys/class/thermal/thermal_zone0/type": "acpitz\n",
    "sys/class/thermal/thermal_zone0/temp": "27800\n",
    "sys/class/thermal/thermal_zone1/type": "x86_pkg_temp\n",
    "sys/class/thermal/thermal_zone1/temp": "62000\n",
    "sys/class/thermal/thermal_zone2/type": "TSKN\n",
    "sys/class/thermal/thermal_zone2/temp": "43050\n",
    "sys/class/thermal/thermal_zone3/type": "iwlwifi_1\n",
    "sys/class/thermal/thermal_zone3/temp": "45000\n",
    "sys/class/power_supply/AC/type": "Mains\n",
    "sys/class/power_supply/AC/online": "0\n",
    "sys/class/power_supply/BAT0/type": "Battery\n",
    "sys/class/power_supply/BAT0/status": "Discharging\n",
    "sys/class/power_supply/hidpp_battery_0/type": "Battery\n",
    "sys/class/power_supply/hidpp_battery_0/scope": "Device\n",
    "sys/class/power_supply/hidpp_battery_0/status": "Discharging\n",
    "sys/class/power_supply/hidpp_battery_0/online": "1\n",
}
AMD_VM: Final = {
    f"{_CPU}/possible": "0\n",
    "sys/class/dmi/id/product_name": "Standard PC (Q35 + ICH9, 2009)\n",
    "proc/cpuinfo": (
        "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\n"
        "model name\t: AMD EPYC 9354 32-Core Processor\ncpu MHz\t\t: 3245.120\n"
        "flags\t\t: fpu vme avx512f hypervisor\n"
    ),
    "proc/meminfo": "MemTotal:       16393240 kB\nMemAvailable:   15393240 kB\n",
    "proc/loadavg": "0.26 0.22 0.45 1/89 18751\n",
    "etc/os-release": "NAME=Fedora\nPRETTY_NAME=Fedora\n",
}
"""Without any sensor, counter or power supply."""

RAPL_LAPTOP: Final = {
    "sys/class/powercap/intel-rapl/enabled": "1\n",
    "sys/class/powercap/intel-rapl:0/name": "package-0\n",
    "sys/class/powercap/intel-rapl:0/energy_uj": "262143000000\n",
    "sys/class/powercap/intel-rapl:0/max_energy_range_uj": "262143328850\n",
    "sys/class/powercap/intel-rapl:0:0/name": "core\n",
    "sys/class/powercap/intel-rapl:0:0/energy_uj": "1000000\n",
    "sys/class/powercap/intel-rapl:0:0/max_energy_range_uj": "262143328850\n",
    "sys/class/powercap/intel-rapl:1/name": "psys\n",
    "sys/class/powercap/intel-rapl:1/energy_uj": "5000000\n",
    "sys/class/powercap/intel-rapl:1/max_energy_range_uj": "262143328850\n",
    "sys/class/powercap/intel-rapl-mmio:0/name": "package-0\n",
    "sys/class/powercap/intel-rapl-mmio:0/energy_uj": "262143000000\n",
    "sys/class/powercap/intel-rapl-mmio:0/max_energy_range_uj": "262143328850\n",
}

PMIC_OF_PI_5: Final = """\
 3V7_WL_SW_A current(0)=0.08002000A
   3V3_SYS_A current(1)=0.05000000A
   1V8_SYS_A current(2)=0.11000000A
  DDR_VDD2_A current(3)=0.01000000A
  DDR_VDDQ_A current(4)=0.00000000A
   1V1_SYS_A current(5)=0.18000000A
    0V8_SW_A current(6)=0.33000000A
  VDD_CORE_A current(7)=1.00000000A
   3V3_DAC_A current(17)=0.00146520A
   3V3_ADC_A current(18)=0.00140415A
   0V8_AON_A current(16)=0.00494505A
      HDMI_A current(22)=0.02000000A
 3V7_WL_SW_V volt(8)=3.70000000V
   3V3_SYS_V volt(9)=3.30000000V
   1V8_SYS_V volt(10)=1.80000000V
  DDR_VDD2_V volt(11)=1.10000000V
  DDR_VDDQ_V volt(12)=0.60000000V
   1V1_SYS_V volt(13)=1.10000000V
    0V8_SW_V volt(14)=0.80000000V
  VDD_CORE_V volt(15)=0.72000000V
   3V3_DAC_V volt(20)=3.30000000V
   3V3_ADC_V volt(21)=3.30000000V
   0V8_AON_V volt(19)=0.80000000V
      HDMI_V volt(23)=5.10000000V
     EXT5V_V volt(24)=5.10000000V
      BATT_V volt(25)=0.01880340V
"""
PMIC_OF_PI_4: Final = 'error=1 error_msg="Command not registered"\n'


def plant(root: Path, files: Mapping[str, str]) -> Path:
    """Write the files below `root`, and give it back."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


def no_program(command: Sequence[str]) -> str:
    """A machine without `lscpu` and `vcgencmd`."""
    raise FileNotFoundError(command[0])


def programs(answers: Answers) -> Callable[[Sequence[str]], str]:
    """A machine where the commands say this, or fail like this; others are not there."""

    def run(command: Sequence[str]) -> str:
        answer = answers.get(tuple(command))
        if answer is None:
            return no_program(command)
        if isinstance(answer, OSError):
            raise answer
        return answer

    return run


@contextmanager
def anyones_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path


@contextmanager
def as_a_user() -> Iterator[None]:
    """Not to be root, who may read everything; for others nothing changes."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65_534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
