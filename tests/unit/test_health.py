"""How machines are doing, from recorded trees and programs, and from this machine."""

import itertools
from collections.abc import Mapping
from pathlib import Path

import pytest

from fmnist_edge.host.health import Health
from fmnist_edge.host.programs import run_program
from fmnist_edge.host.raspberry_pi import LIVE, SINCE_BOOT
from fmnist_edge.records import decode_json, encode_json
from fmnist_edge.result import Reading
from tests.trees import (
    AMD_DESKTOP,
    AMD_VM,
    INTEL_LAPTOP,
    RASPBERRY_PI_4,
    RASPBERRY_PI_5,
    Answers,
    anyones_folder,
    as_a_user,
    no_program,
    plant,
    programs,
)

_WORD_FILE = next(name for name in RASPBERRY_PI_5 if name.endswith("get_throttled"))
_ALARM = "sys/class/hwmon/hwmon3/in0_lcrit_alarm"
_VCGENCMD = ("vcgencmd", "get_throttled")
_ANY_WORD = [
    sum(1 << bit for bit in bits)
    for size in range(len(LIVE) + 1)
    for bits in itertools.combinations(LIVE, size)
]


def _look(root: Path, tree: Mapping[str, str], answers: Answers | None = None) -> Reading:
    return Health(plant(root, tree), programs(answers or {})).look(12.5)


def test_a_healthy_raspberry_pi_5(tmp_path: Path) -> None:
    reading = _look(tmp_path, RASPBERRY_PI_5)
    assert reading == Reading(
        at_seconds=12.5,
        temperatures_celsius={"cpu_thermal": 50.5, "rp1_adc": 47.231},
        clocks_mhz={"cpu 0-3": 1500.0},
        throttled=dict.fromkeys([*LIVE.values(), "under-voltage alarm"], False),
        event_counters=dict.fromkeys(SINCE_BOOT.values(), 0),
        load=0.52,
        on_battery=None,
        available_bytes=7_340_032 * 1024,
        unreadable={},
    )


@pytest.mark.parametrize("word", _ANY_WORD)
def test_each_limit_in_force_is_told_alone_and_with_others(tmp_path: Path, word: int) -> None:
    throttled = _look(tmp_path, {**RASPBERRY_PI_5, _WORD_FILE: f"{word:x}\n"}).throttled
    assert {name for name, told in throttled.items() if told} == {
        name for bit, name in LIVE.items() if word >> bit & 1
    }


@pytest.mark.parametrize("word", _ANY_WORD)
def test_what_was_since_boot_is_counted_and_is_not_now(tmp_path: Path, word: int) -> None:
    reading = _look(tmp_path, {**RASPBERRY_PI_5, _WORD_FILE: f"{word << 16:x}\n"})
    assert not any(reading.throttled.values())
    assert reading.event_counters == {
        name: word << 16 >> bit & 1 for bit, name in SINCE_BOOT.items()
    }


def test_a_limit_that_comes_between_two_looks_raises_a_counter(tmp_path: Path) -> None:
    health = Health(plant(tmp_path, RASPBERRY_PI_5), no_program)
    before = health.look(0.0)
    plant(tmp_path, {_WORD_FILE: "50000\n"})
    after = health.look(1.0)
    risen = [
        name for name, count in after.event_counters.items() if count > before.event_counters[name]
    ]
    assert risen == ["under-voltage since boot", "throttled since boot"]


def test_the_alarm_of_linux_own_driver_is_told(tmp_path: Path) -> None:
    throttled = _look(tmp_path, {**RASPBERRY_PI_5, _ALARM: "1\n"}).throttled
    assert [name for name, told in throttled.items() if told] == ["under-voltage alarm"]


def test_a_raspberry_pi_without_the_file_is_asked_by_its_program(tmp_path: Path) -> None:
    reading = _look(tmp_path, RASPBERRY_PI_4, {_VCGENCMD: "throttled=0x50005\n"})
    assert [name for name, told in reading.throttled.items() if told] == [
        "under-voltage",
        "throttled",
    ]
    assert sum(reading.event_counters.values()) == 2
    assert reading.temperatures_celsius == {"cpu-thermal": 38.459}
    assert reading.clocks_mhz == {"cpu 0-3": 600.0}


def test_the_program_is_not_asked_where_the_file_tells_the_same(tmp_path: Path) -> None:
    reading = _look(tmp_path, RASPBERRY_PI_5, {_VCGENCMD: ChildProcessError("asked")})
    assert reading.unreadable == {}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (FileNotFoundError(), "no vcgencmd"),
        (TimeoutError("vcgencmd took more than 3 s"), "vcgencmd took more than 3 s"),
        (PermissionError(13, "Permission denied"), "permission denied"),
        ("VCHI initialization failed\n", "not understood: 'VCHI initialization failed\\n'"),
        ("", "not understood: ''"),
        ('error=1 error_msg="Command not registered"\n', "Command not registered"),
    ],
)
def test_a_raspberry_pi_that_does_not_tell_is_not_taken_for_healthy(
    tmp_path: Path, answer: str | OSError, why: str
) -> None:
    reading = _look(tmp_path, RASPBERRY_PI_4, {_VCGENCMD: answer})
    assert reading.throttled == {}
    assert reading.event_counters == {}
    assert reading.unreadable["throttling of the Raspberry Pi"] == why
    assert reading.unreadable["throttling"] == "nothing here tells of the CPU's limits"


def test_a_desktop_with_an_amd_cpu(tmp_path: Path) -> None:
    reading = _look(tmp_path, AMD_DESKTOP)
    assert reading.temperatures_celsius == {
        "k10temp Tctl": 55.625,
        "k10temp Tccd1": 48.25,
        "spd5118": 44.0,
        "spd5118 #2": 61.0,
    }
    assert reading.on_battery is None
    assert set(reading.unreadable) == {"throttling"}


def test_no_more_than_sixteen_clocks_are_read(tmp_path: Path) -> None:
    megahertz = _look(tmp_path, AMD_DESKTOP).clocks_mhz
    assert list(megahertz) == [f"cpu {number}" for number in range(16)]
    assert megahertz["cpu 15"] == 4015.0


def test_a_laptop_with_an_intel_cpu_on_battery(tmp_path: Path) -> None:
    reading = _look(tmp_path, INTEL_LAPTOP)
    assert reading.temperatures_celsius == {
        "acpitz": 27.8,
        "coretemp Package id 0": 62.0,
        "TSKN": 43.05,
    }
    assert reading.clocks_mhz == {"cpu 0": 2800.0, "cpu 1": 1203.517}
    assert reading.event_counters == {"core throttle count": 7, "package throttle count": 14}
    assert reading.on_battery is True
    assert reading.available_bytes is None
    assert reading.unreadable == {"memory": "no such file or directory"}


def test_a_counter_that_one_cpu_does_not_tell_is_not_summed(tmp_path: Path) -> None:
    lost = "sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count"
    reading = _look(tmp_path, {**INTEL_LAPTOP, lost: ""})
    assert reading.event_counters == {"package throttle count": 14}
    assert reading.unreadable["core throttle count"] == "empty"


def test_a_virtual_machine_without_sensors_says_what_it_cannot_tell(tmp_path: Path) -> None:
    reading = _look(tmp_path, AMD_VM)
    assert reading.unreadable == {
        "temperature": "no sensor in /sys/class/hwmon or /sys/class/thermal",
        "clock": "no /sys/devices/system/cpu/cpufreq; /proc/cpuinfo has a constant",
        "throttling": "nothing here tells of the CPU's limits",
    }
    assert (reading.load, reading.on_battery) == (0.26, None)
    assert reading.available_bytes == 15_393_240 * 1024


_SUPPLY = "sys/class/power_supply"
_PLUGGED = {f"{_SUPPLY}/AC/type": "Mains\n", f"{_SUPPLY}/AC/online": "1\n"}
_UNPLUGGED = {**_PLUGGED, f"{_SUPPLY}/AC/online": "0\n"}


@pytest.mark.parametrize(
    ("status", "supplies", "on_battery"),
    [
        ("Discharging", _PLUGGED, True),  # a charger that is too weak
        ("Charging", _UNPLUGGED, False),  # a charger that is no "AC": USB
        ("Full", {}, False),
        ("Not charging", {}, False),
        ("Unknown", _PLUGGED, False),
        ("Unknown", _UNPLUGGED, True),
        ("", _UNPLUGGED, True),
    ],
)
def test_the_battery_knows_best_whether_it_is_in_use(
    tmp_path: Path, status: str, supplies: Mapping[str, str], *, on_battery: bool
) -> None:
    battery = {f"{_SUPPLY}/BAT0/type": "Battery\n", f"{_SUPPLY}/BAT0/status": f"{status}\n"}
    assert _look(tmp_path, {**battery, **supplies}).on_battery is on_battery


def test_mains_without_a_battery_are_mains(tmp_path: Path) -> None:
    assert _look(tmp_path, _PLUGGED).on_battery is False


def test_supplies_that_tell_nothing_are_unreadable(tmp_path: Path) -> None:
    battery = {f"{_SUPPLY}/BAT0/type": "Battery\n", f"{_SUPPLY}/BAT0/status": "Unknown\n"}
    reading = _look(tmp_path, {**battery, f"{_SUPPLY}/AC/online": ""})
    assert reading.on_battery is None
    assert reading.unreadable["power supply"] == (
        "BAT0: status is 'Unknown'; AC: online is unreadable: empty"
    )


def test_the_battery_of_a_mouse_is_none_of_the_machines(tmp_path: Path) -> None:
    mouse = {
        f"{_SUPPLY}/hidpp_battery_0/type": "Battery\n",
        f"{_SUPPLY}/hidpp_battery_0/scope": "Device\n",
        f"{_SUPPLY}/hidpp_battery_0/status": "Discharging\n",
    }
    assert _look(tmp_path, mouse).on_battery is None


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "empty"),
        ("\n", "empty"),
        ("hot\n", "not a number: 'hot'"),
        ("50.5\n", "not a number: '50.5'"),
        ("٣\n", "not a number: '٣'"),
        (
            "9" * 5000,
            f"not a number: '{'9' * 60}'",
        ),
    ],
)
def test_a_sensor_with_odd_contents_is_unreadable_and_the_others_are_read(
    tmp_path: Path, content: str, why: str
) -> None:
    reading = _look(tmp_path, {**RASPBERRY_PI_5, "sys/class/hwmon/hwmon0/temp1_input": content})
    assert reading.temperatures_celsius == {"rp1_adc": 47.231}
    assert reading.unreadable == {"temperature of cpu_thermal": why}


def test_a_file_that_may_not_be_read_is_unreadable() -> None:
    with anyones_folder() as root:
        plant(root, RASPBERRY_PI_5)
        (root / "sys/class/hwmon/hwmon0/temp1_input").chmod(0)
        with as_a_user():
            reading = Health(root, no_program).look(0.0)
    assert reading.unreadable == {"temperature of cpu_thermal": "permission denied"}
    assert reading.temperatures_celsius == {"rp1_adc": 47.231}


def test_a_sensor_that_goes_away_is_unreadable_from_then_on(tmp_path: Path) -> None:
    health = Health(plant(tmp_path, RASPBERRY_PI_5), no_program)
    assert health.look(0.0).unreadable == {}
    (tmp_path / "sys/class/hwmon/hwmon0/temp1_input").unlink()
    (tmp_path / "proc/loadavg").write_text("busy\n")
    assert health.look(1.0).unreadable == {
        "temperature of cpu_thermal": "no such file or directory",
        "load": "not a number: 'busy'",
    }


def test_sensors_are_found_behind_links_as_in_a_real_tree(tmp_path: Path) -> None:
    plant(tmp_path, {"sys/devices/soc/hwmon7/name": "k10temp", "sys/devices/soc/zone/type": "soc"})
    plant(tmp_path, {"sys/devices/soc/hwmon7/temp1_input": "1000"})
    plant(tmp_path, {"sys/devices/soc/zone/temp": "2000"})
    for name, target in {"hwmon/hwmon7": "hwmon7", "thermal/thermal_zone0": "zone"}.items():
        link = tmp_path / "sys/class" / name
        link.parent.mkdir(parents=True)
        link.symlink_to(tmp_path / "sys/devices/soc" / target)
    reading = Health(tmp_path, no_program).look(0.0)
    assert reading.temperatures_celsius == {
        "k10temp": 1.0,
        "soc": 2.0,
    }


def test_a_zone_whose_chip_lies_in_its_folder_is_not_read_twice(tmp_path: Path) -> None:
    tree = {
        "sys/class/hwmon/hwmon0/name": "gpu_thermal_chip",
        "sys/class/hwmon/hwmon0/temp1_input": "1000",
        "sys/class/thermal/thermal_zone0/type": "gpu",
        "sys/class/thermal/thermal_zone0/temp": "1000",
        "sys/class/thermal/thermal_zone0/hwmon0/name": "gpu_thermal_chip",
    }
    assert _look(tmp_path, tree).temperatures_celsius == {"gpu_thermal_chip": 1.0}


def test_a_reading_goes_into_a_file_and_comes_back(tmp_path: Path) -> None:
    reading = _look(tmp_path, {**INTEL_LAPTOP, "proc/loadavg": "\x1b\ud7ff"})
    assert decode_json(Reading, encode_json(reading).encode()) == reading


def test_this_machine_is_looked_at() -> None:
    health = Health()
    first, second = health.look(0.0), health.look(1.0)
    assert (first.at_seconds, second.at_seconds) == (0.0, 1.0)
    assert first.load is not None
    assert first.load >= 0
    assert first.available_bytes is not None
    assert first.available_bytes > 1 << 20
    assert all(-20 < celsius < 130 for celsius in first.temperatures_celsius.values())
    assert all(100 < clock < 10_000 for clock in first.clocks_mhz.values())
    # Each thing is either told or said to be missing.
    assert first.temperatures_celsius or "temperature" in " ".join(first.unreadable)
    assert first.clocks_mhz or "clock" in " ".join(first.unreadable)
    assert first.throttled or first.event_counters or "throttling" in " ".join(first.unreadable)


def test_a_program_is_run_and_heard() -> None:
    assert run_program(("echo", "throttled=0x0")) == "throttled=0x0\n"


def test_a_program_that_is_not_there_says_so() -> None:
    with pytest.raises(FileNotFoundError, match="no such-a-program-is-nowhere"):
        run_program(("such-a-program-is-nowhere",))


def test_a_program_that_fails_is_quoted() -> None:
    with pytest.raises(ChildProcessError, match=r"^first second$"):
        run_program(("sh", "-c", "echo first >&2; echo second >&2; exit 9"))
    with pytest.raises(ChildProcessError, match="sh ended with 7"):
        run_program(("sh", "-c", "exit 7"))
