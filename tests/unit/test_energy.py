"""Joules from recorded counters and programs."""

from pathlib import Path

import pytest

from fmnist_edge.host.energy import SOURCES, Meter, WattMeter, find_meter
from fmnist_edge.host.raspberry_pi import parse_rails
from fmnist_edge.host.small_files import UnreadableError
from fmnist_edge.result import EnergyMeter
from tests.trees import (
    PMIC_OF_PI_4,
    PMIC_OF_PI_5,
    RAPL_LAPTOP,
    Answers,
    anyones_folder,
    as_a_user,
    plant,
    programs,
)

_PMIC = ("vcgencmd", "pmic_read_adc")
_PACKAGE = "sys/class/powercap/intel-rapl:0"
_RANGE = int(RAPL_LAPTOP[f"{_PACKAGE}/max_energy_range_uj"])
_RAILS = {
    *("3V7_WL_SW", "3V3_SYS", "1V8_SYS", "DDR_VDD2", "DDR_VDDQ", "1V1_SYS", "0V8_SW"),
    *("VDD_CORE", "3V3_DAC", "3V3_ADC", "0V8_AON", "HDMI"),
}


def _found(root: Path, answers: Answers | None = None) -> Meter:
    meter, told = find_meter(root, programs(answers or {}))
    assert meter is not None
    assert told == EnergyMeter(meter.source, meter.coverage, unavailable="")
    return meter


def _why_not(root: Path, answers: Answers | None = None) -> str:
    meter, told = find_meter(root, programs(answers or {}))
    assert meter is None
    assert (told.source, told.coverage) == ("", "")
    return told.unavailable


def _set(root: Path, microjoules: int) -> None:
    plant(root, {f"{_PACKAGE}/energy_uj": f"{microjoules}\n"})


def test_a_machine_without_a_meter_says_why_for_each_kind(tmp_path: Path) -> None:
    assert _why_not(tmp_path) == (
        "RAPL: no /sys/class/powercap/intel-rapl:*; Raspberry Pi PMIC: no vcgencmd"
    )


def test_energy_counts_from_the_making_of_the_meter(tmp_path: Path) -> None:
    meter = _found(plant(tmp_path, RAPL_LAPTOP))
    assert meter.joules() == 0
    _set(tmp_path, 262_143_200_000)
    assert meter.joules() == pytest.approx(0.2)


def test_the_package_counts_once_and_neither_its_parts_nor_psys(tmp_path: Path) -> None:
    meter = _found(plant(tmp_path, RAPL_LAPTOP))
    for zone in ("intel-rapl:0:0", "intel-rapl:1", "intel-rapl-mmio:0"):
        plant(tmp_path, {f"sys/class/powercap/{zone}/energy_uj": "262143300000\n"})
    assert meter.joules() == 0
    assert meter.source == "RAPL"
    assert meter.coverage.startswith("package-0 of the CPU")


def test_two_packages_are_added(tmp_path: Path) -> None:
    second = {
        f"sys/class/powercap/intel-rapl:2/{name}": value
        for name, value in {
            "name": "package-1",
            "energy_uj": "10",
            "max_energy_range_uj": "1000000000",
        }.items()
    }
    meter = _found(plant(tmp_path, {**RAPL_LAPTOP, **second}))
    _set(tmp_path, 262_143_100_000)
    plant(tmp_path, {"sys/class/powercap/intel-rapl:2/energy_uj": "3000010"})
    assert meter.joules() == pytest.approx(3.1)
    assert meter.coverage.startswith("package-0, package-1 of the CPU")


def test_a_counter_that_starts_again_goes_on_in_the_sum(tmp_path: Path) -> None:
    meter = _found(plant(tmp_path, RAPL_LAPTOP))
    _set(tmp_path, 171_150)
    assert meter.joules() == pytest.approx(0.5)
    meter.sample(1.0)
    _set(tmp_path, 1_171_150)
    meter.sample(2.0)
    assert meter.joules() == pytest.approx(1.5)


def test_several_rounds_of_the_counter_are_all_counted(tmp_path: Path) -> None:
    meter = _found(plant(tmp_path, RAPL_LAPTOP))
    start = int(RAPL_LAPTOP[f"{_PACKAGE}/energy_uj"])
    for step in range(1, 11):
        _set(tmp_path, (start + step * _RANGE // 2) % _RANGE)
        meter.sample(float(step))
    assert meter.joules() == pytest.approx(5 * _RANGE * 1e-6)


def test_counters_for_root_alone_say_what_to_do() -> None:
    with anyones_folder() as root:
        (plant(root, RAPL_LAPTOP) / _PACKAGE / "energy_uj").chmod(0)
        with as_a_user():
            why = _why_not(root)
    assert why.startswith(
        "RAPL: /sys/class/powercap/intel-rapl:0/energy_uj: permission denied; run as root"
    )


@pytest.mark.parametrize(
    ("tree", "why"),
    [
        ({"intel-rapl:0/energy_uj": ""}, "RAPL: /sys/class/powercap/intel-rapl:0/energy_uj: empty"),
        ({"intel-rapl:0/energy_uj": "many"}, "not a number: 'many'"),
        ({"intel-rapl:0/max_energy_range_uj": "\n"}, "intel-rapl:0/max_energy_range_uj: empty"),
        ({"intel-rapl:0/name": "dram"}, "no CPU package among dram, core, psys"),
    ],
)
def test_odd_counters_are_no_meter(tmp_path: Path, tree: dict[str, str], why: str) -> None:
    odd = {f"sys/class/powercap/{name}": content for name, content in tree.items()}
    assert why in _why_not(plant(tmp_path, {**RAPL_LAPTOP, **odd}))


def test_a_counter_that_is_lost_is_not_taken_for_no_energy(tmp_path: Path) -> None:
    meter = _found(plant(tmp_path, RAPL_LAPTOP))
    (tmp_path / _PACKAGE / "energy_uj").unlink()
    with pytest.raises(UnreadableError, match="no such file"):
        meter.sample(1.0)
    with pytest.raises(UnreadableError, match="no such file"):
        meter.joules()


def test_the_twelve_rails_of_a_raspberry_pi_5_have_watts() -> None:
    watts = parse_rails(PMIC_OF_PI_5)
    assert set(watts) == _RAILS
    assert watts["VDD_CORE"] == pytest.approx(0.72)
    assert watts["HDMI"] == pytest.approx(0.102)


def test_the_rails_are_added_up_over_time(tmp_path: Path) -> None:
    meter = _found(tmp_path, {_PMIC: PMIC_OF_PI_5})
    watts = sum(parse_rails(PMIC_OF_PI_5).values())
    for seconds in (100.0, 101.0, 103.5):
        meter.sample(seconds)
    assert meter.joules() == pytest.approx(3.5 * watts)
    assert meter.source == "Raspberry Pi PMIC"
    assert meter.coverage.startswith("what 12 rails of the power chip deliver; the input is not")


def test_a_raspberry_pi_4_has_no_power_chip_to_ask(tmp_path: Path) -> None:
    why = _why_not(tmp_path, {_PMIC: PMIC_OF_PI_4})
    assert "Raspberry Pi PMIC: Command not registered" in why


def test_a_voltage_alone_is_no_power(tmp_path: Path) -> None:
    told = "     EXT5V_V volt(24)=5.10000000V\n      BATT_V volt(25)=0.01880340V\n"
    assert "Raspberry Pi PMIC: not understood" in _why_not(tmp_path, {_PMIC: told})


def test_a_time_without_figures_is_an_error_and_counts_as_nothing(tmp_path: Path) -> None:
    answers: dict[tuple[str, ...], str | OSError] = {_PMIC: PMIC_OF_PI_5}
    meter = _found(tmp_path, answers)
    meter.sample(0.0)
    answers[_PMIC] = "\n".join(
        line for line in PMIC_OF_PI_5.splitlines() if "VDD_CORE_A" not in line
    )
    with pytest.raises(UnreadableError, match="no figure for VDD_CORE"):
        meter.sample(1.0)
    answers[_PMIC] = PMIC_OF_PI_5
    meter.sample(2.0)
    assert meter.joules() == 0
    meter.sample(3.0)
    assert meter.joules() == pytest.approx(sum(parse_rails(PMIC_OF_PI_5).values()))


def test_energy_is_the_area_under_the_lines_between_samples() -> None:
    watts = iter([1.0, 3.0, 5.0])
    meter = WattMeter("test", "all", lambda: next(watts))
    meter.sample(10.0)
    assert meter.joules() == 0
    meter.sample(12.0)
    assert meter.joules() == pytest.approx(4.0)
    meter.sample(12.5)
    assert meter.joules() == pytest.approx(6.0)


def test_an_answer_holds_for_a_while_where_asking_is_work() -> None:
    watts = iter([10.0, 20.0])
    meter = WattMeter("test", "all", lambda: next(watts), every_seconds=1.0)
    for tenth in range(10):
        meter.sample(tenth / 10)
    assert meter.joules() == pytest.approx(9.0)
    meter.sample(1.0)
    assert meter.joules() == pytest.approx(10.5)
    with pytest.raises(StopIteration):
        meter.sample(2.0)


def test_the_best_meter_for_a_cpu_comes_first(tmp_path: Path) -> None:
    meter = _found(plant(tmp_path, RAPL_LAPTOP), {_PMIC: PMIC_OF_PI_5})
    assert meter.source == "RAPL"
    assert list(SOURCES) == ["RAPL", "Raspberry Pi PMIC"]


def test_this_machine_has_a_meter_that_counts_or_a_reason_why_not() -> None:
    meter, told = find_meter()
    if meter is None:
        assert all(f"{name}: " in told.unavailable for name in SOURCES)
        return
    meter.sample(0.0)
    meter.sample(1.0)
    assert meter.joules() >= 0
    assert told == EnergyMeter(meter.source, meter.coverage, unavailable="")
