"""What speaks for or against measuring is found on each kind of machine, and told with its cure."""

import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fmnist_edge.bench.checks import judge
from fmnist_edge.devices import CPU
from fmnist_edge.host.noise import Heard
from fmnist_edge.host.raspberry_pi import LIVE
from fmnist_edge.pipeline.doctor import examine, judged, places
from fmnist_edge.pipeline.findings import LEAST_FREE_BYTES
from fmnist_edge.records import decode_document, encode_json, replace
from fmnist_edge.report import diagnosis as told
from fmnist_edge.report.diagnosis import READY, advice, hint, verdict
from fmnist_edge.report.doctor import TO_DO, doctor_text
from fmnist_edge.result import (
    BusyProgram,
    CpuUse,
    DeviceState,
    Diagnosis,
    DiskSpace,
    Failure,
    Noise,
    Probed,
    Reason,
    State,
    codes,
)
from fmnist_edge.result.diagnosis import FINDING_LEVELS
from tests.examples import READING, latency, row, run
from tests.trees import (
    AMD_DESKTOP,
    AMD_VM,
    INTEL_LAPTOP,
    PMIC_OF_PI_5,
    RAPL_LAPTOP,
    RASPBERRY_PI_4,
    RASPBERRY_PI_5,
    Answers,
    anyones_folder,
    as_a_user,
    no_program,
    plant,
    programs,
)

_SECOND = 1_000_000_000
_GIB = 1 << 30
_WORD = next(name for name in RASPBERRY_PI_5 if name.endswith("get_throttled"))
_GOVERNOR = "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
_QUIET = {_GOVERNOR: "performance\n"}
_ROOM = tuple(
    DiskSpace(each, 20 * _GIB, writable=True) for each in ("artifacts", "cache", "temporary")
)
_NOISE = Noise(
    duration_seconds=2.0,
    clock_resolution_ns=52,
    longest_gap_ns=41_000,
    gap_limit_ns=20_000,
    gaps=3,
    lost_share=0.0001,
    others_share=0.01,
    stolen_share=0.0,
    wakeup_p50_ns=61_000,
    wakeup_p90_ns=75_000,
    wakeup_max_ns=180_000,
    wakeups=930,
    cpus=4,
)
_READ = replace(
    READING, on_battery=False, available_bytes=4 * _GIB, event_counters={}, unreadable={}
)
_ALONE = CpuUse(_SECOND, _SECOND, 0, 0, 0, cpus=4)
_ASLEEP = CpuUse(_SECOND, _SECOND // 100, 0, 0, 0, cpus=4)
_USABLE = tuple(
    DeviceState(name, CPU, State.USABLE, Probed("1.0"))
    for name in ("numpy", "litert", "onnxruntime")
)
_REFUSAL = Failure("DeviceUnavailableError", "It finds no GPU.", "")
_WEBGPU = DeviceState(
    "litert", "webgpu", State.UNUSABLE, Probed("1.0", failure=_REFUSAL), system="a Vulkan driver"
)
_NCNN = DeviceState("ncnn", CPU, State.NOT_INSTALLED, command="python -m pip install ncnn")
_STATES = (*_USABLE, _NCNN, _WEBGPU)


@dataclass(frozen=True)
class _Machine:
    """A machine to be examined.

    Args:
        tree: Its small files.
        answers: What its programs say.
        states: Its devices.
        disk: Its folders.
        noise: Its noise.
        busy: CPU time while a process computed.
        resting: CPU time while it slept.
        later: Files that change between the two readings of the sensors.
        changes: What a tree of files cannot tell.
        host: Facts that a tree of files cannot tell.
    """

    tree: Mapping[str, str] = field(default_factory=lambda: {**RASPBERRY_PI_5, **_QUIET})
    answers: Answers = field(default_factory=lambda: {("vcgencmd", "pmic_read_adc"): PMIC_OF_PI_5})
    states: tuple[DeviceState, ...] | None = _STATES
    disk: tuple[DiskSpace, ...] = _ROOM
    noise: Noise = _NOISE
    busy: CpuUse = _ALONE
    resting: CpuUse = _ASLEEP
    later: Mapping[str, str] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    host: Mapping[str, Any] = field(default_factory=dict)

    def examined(self, root: Path) -> Diagnosis:
        heard = Heard(self.noise, self.busy, self.resting)

        def hear(look: Any) -> Heard:  # noqa: ANN401 - a function without arguments
            look()
            plant(root, self.later)
            look()
            return heard

        found = examine(
            self.disk,
            lambda: self.states,
            root=plant(root, self.tree),
            run=programs(self.answers),
            hear=hear,
        )
        host = {**found.host, "architecture": "aarch64", "cores": 4, "kernel": "6.6.51"}
        changed = replace(
            found,
            **{"python": "3.11.2", "kernel_bits": 64, "userland_bits": 64, **self.changes},
            host={**host, **self.host},
        )
        return judged(changed, heard)


def _with(tree: Mapping[str, str], **changes: str) -> Mapping[str, str]:
    return {**tree, **changes}


def _changed(tree: Mapping[str, str], changes: Mapping[str, str]) -> Mapping[str, str]:
    return {**tree, **changes}


_PI = {**RASPBERRY_PI_5, **_QUIET}
_CASES: Mapping[str, tuple[_Machine, Mapping[str, str]]] = {
    "a quiet Raspberry Pi 5": (_Machine(), {}),
    "slowed down by heat": (
        _Machine(_changed(_PI, {_WORD: "e0008\n"})),
        {"throttled": "not-ready", "throttled-since-boot": "expect"},
    ),
    "a weak supply now": (
        _Machine(_changed(_PI, {_WORD: "50005\n"})),
        {"throttled": "not-ready", "under-voltage": "not-ready", "throttled-since-boot": "expect"},
    ),
    "a weak supply before": (
        _Machine(_changed(_PI, {_WORD: "10000\n"})),
        {"under-voltage": "expect"},
    ),
    "hot before": (
        _Machine(_changed(_PI, {_WORD: "80000\n"})),
        {"throttled-since-boot": "expect"},
    ),
    "slowed down meanwhile": (
        _Machine(later={_WORD: "40000\n"}),
        {"throttle-events": "not-ready", "throttled-since-boot": "expect"},
    ),
    "a clock that falls": (
        _Machine(later={"sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq": "1000000\n"}),
        {"clock-changed": "expect"},
    ),
    "the usual governor": (_Machine(RASPBERRY_PI_5), {"governor": "expect"}),
    "a Raspberry Pi 4 without programs": (
        _Machine(_with(RASPBERRY_PI_4), answers={}),
        {
            "governor-unknown": "note",
            "sensor-unreadable": "note",
            "vcgencmd-missing": "note",
            "no-energy-meter": "note",
        },
    ),
    "a laptop on battery": (
        _Machine(INTEL_LAPTOP, answers={}),
        {
            "on-battery": "expect",
            "throttle-count": "note",
            "governor-unknown": "note",
            "sensor-unreadable": "note",
            "no-energy-meter": "note",
        },
    ),
    "a desktop": (
        _Machine(AMD_DESKTOP, answers={}),
        {"governor": "expect", "sensor-unreadable": "note", "no-energy-meter": "note"},
    ),
    "a virtual machine with steal": (
        _Machine(
            AMD_VM,
            answers={},
            noise=replace(_NOISE, stolen_share=0.2),
            busy=replace(_ALONE, own_ns=_SECOND * 7 // 10, stolen_ns=_SECOND * 3 // 10),
            resting=replace(_ASLEEP, stolen_ns=_SECOND),
        ),
        {
            "waited-for-cpu": "expect",
            "other-programs": "expect",
            "stolen-time": "note",
            "virtual-machine": "note",
            "governor-unknown": "note",
            "sensor-unreadable": "note",
            "no-energy-meter": "note",
        },
    ),
    "busy programs": (
        _Machine(
            resting=replace(_ASLEEP, others_ns=_SECOND),
            changes={"programs": (BusyProgram("chromium", 0.9), BusyProgram("apt", 0.07))},
        ),
        {"other-programs": "expect", "busy-programs": "note"},
    ),
    "little memory": (
        _Machine(
            _changed(
                _PI,
                {
                    "proc/meminfo": "MemTotal: 1000000 kB\nMemAvailable: 90000 kB\n"
                    "SwapTotal: 500000 kB\nSwapFree: 300000 kB\n"
                },
            )
        ),
        {"memory-pressure": "expect", "swap-in-use": "note"},
    ),
    "memory of an unknown size": (
        _Machine(_changed(_PI, {"proc/meminfo": "MemAvailable: 90000 kB\n"})),
        {"memory-total-unknown": "note"},
    ),
    "no memory told": (
        _Machine(_changed(_PI, {"proc/meminfo": "Something: 1 kB\n"})),
        {"sensor-unreadable": "note"},
    ),
    "a sensor without a value": (
        _Machine(changes={"readings": (replace(_READ, temperatures_celsius={}),)}),
        {"sensor-absent": "note"},
    ),
    "an emulator": (_Machine(host={"emulated": "qemu-aarch64"}), {"emulated": "not-ready"}),
    "no runtime": (
        _Machine(states=(_NCNN, _WEBGPU)),
        {"no-runtime": "not-ready"},
    ),
    "the base install": (
        _Machine(states=(_USABLE[0], _NCNN)),
        {"only-numpy": "expect"},
    ),
    "a broken runtime": (
        _Machine(
            states=(
                *_USABLE,
                DeviceState("openvino", CPU, State.UNUSABLE, Probed("", failure=_REFUSAL)),
            )
        ),
        {"runtime-fails": "expect"},
    ),
    "no compiler for calls from C": (
        _Machine(
            states=(
                *_USABLE,
                DeviceState("litert-native", CPU, State.UNUSABLE, Probed("", failure=_REFUSAL)),
            )
        ),
        {"runtime-fails": "note"},
    ),
    "devices that were not tried": (_Machine(states=None), {"devices-not-tried": "note"}),
    "a 32-bit system": (
        _Machine(states=(_USABLE[0], _NCNN), changes={"userland_bits": 32}),
        {"userland-32-bit": "not-ready"},
    ),
    "a 32-bit system with a runtime": (
        _Machine(changes={"userland_bits": 32}),
        {"userland-32-bit": "note"},
    ),
    "a full disk": (
        _Machine(disk=(replace(_ROOM[0], free_bytes=LEAST_FREE_BYTES - 1), *_ROOM[1:])),
        {"disk-full": "not-ready"},
    ),
    "a read-only folder": (
        _Machine(disk=(replace(_ROOM[0], writable=False), *_ROOM[1:])),
        {"disk-not-writable": "note"},
    ),
    "no place for temporary files": (
        _Machine(disk=(*_ROOM[:2], DiskSpace("temporary", None, writable=False))),
        {"disk-not-writable": "not-ready"},
    ),
    "too short a time": (
        _Machine(busy=replace(_ALONE, wall_ns=1_000), resting=replace(_ASLEEP, wall_ns=1_000)),
        {"other-programs-not-measured": "note"},
    ),
}
# Those that need files which are closed; each has a test of its own below.
_CLOSED = {"group-missing", "energy-closed"}


@pytest.mark.parametrize(("machine", "expected"), _CASES.values(), ids=_CASES)
def test_each_machine_has_its_findings(
    machine: _Machine, expected: Mapping[str, str], tmp_path: Path
) -> None:
    found = machine.examined(tmp_path)
    assert {each.code: each.level for each in found.findings} == expected
    assert found.ready == ("not-ready" not in expected.values())
    for each in found.findings:
        assert set(each.values) == set(codes.FINDINGS[each.code])
        assert "?" not in advice(each).sentence
    levels = [FINDING_LEVELS.index(each.level) for each in found.findings]
    assert levels == sorted(levels, reverse=True)


def test_every_code_is_found_on_some_machine() -> None:
    found = {code for _, expected in _CASES.values() for code in expected}
    assert found | _CLOSED == set(codes.FINDINGS)


@pytest.mark.parametrize(("machine", "expected"), _CASES.values(), ids=_CASES)
def test_a_benchmark_would_say_the_same(
    machine: _Machine, expected: Mapping[str, str], tmp_path: Path
) -> None:
    """What spoils figures is what the checks of a benchmark find in a row of this machine."""
    found = machine.examined(tmp_path)
    plain = row()
    taken = tuple(
        replace(
            each,
            back_to_back=replace(each.back_to_back, cpu=machine.busy),
            paced=replace(each.paced, cpu=machine.resting),
        )
        for each in plain.measurements[:1]
    )
    measured = replace(plain, measurements=taken, readings=found.readings, paced=latency())
    reasons = {each.code: each for each in judge(measured, found.host).reasons}
    predicted = {each.code: each for each in found.findings if each.figures}
    assert predicted.keys() == reasons.keys() & codes.FINDINGS.keys()
    for code, each in predicted.items():
        assert (each.values, each.figures) == (reasons[code].values, reasons[code].figures)
    assert expected.keys() >= predicted.keys()


@pytest.mark.parametrize(
    ("file", "code", "command"),
    [
        ("dev/vcio", "group-missing", "sudo usermod -aG video $USER"),
        ("dev/dri/renderD128", "group-missing", "sudo usermod -aG render $USER"),
        (
            "sys/class/powercap/intel-rapl:0/energy_uj",
            "energy-closed",
            "sudo chmod a+r /sys/class/powercap/*/energy_uj",
        ),
    ],
)
def test_a_file_that_is_closed_is_named_with_what_opens_it(
    file: str, code: str, command: str
) -> None:
    with anyones_folder() as root:
        plant(root, {**_PI, **RAPL_LAPTOP, file: "1\n"})
        (root / file).chmod(0o600)
        with as_a_user():
            found = examine(_ROOM, root=root, run=no_program, hear=_hear)
    [finding] = [each for each in found.findings if each.code == code]
    assert finding.values["file"] == f"/{file}"
    assert advice(finding).command == command


def _hear(look: Any) -> Heard:  # noqa: ANN401 - a function without arguments
    look()
    look()
    return Heard(_NOISE, _ALONE, _ASLEEP)


def test_files_that_are_open_or_absent_are_not_named(tmp_path: Path) -> None:
    plant(tmp_path, {**_PI, **RAPL_LAPTOP, "dev/vcio": ""})
    assert examine(_ROOM, root=tmp_path, run=no_program, hear=_hear).closed == ()


def test_a_diagnosis_comes_back_from_its_json(tmp_path: Path) -> None:
    found = _Machine().examined(tmp_path)
    assert decode_document(Diagnosis, encode_json(found), 1) == found


def test_places_are_those_that_are_written_to(tmp_path: Path) -> None:
    artifacts, cache, temporary = places(tmp_path / "not/yet/made")
    assert (artifacts.place, cache.place, temporary.place) == ("artifacts", "cache", "temporary")
    assert artifacts.writable
    assert artifacts.free_bytes is not None
    assert artifacts.free_bytes > 0
    (tmp_path / "file").write_text("")
    assert not places(tmp_path / "file/below")[0].writable


# The words


def _names(template: str) -> Iterator[str]:
    for _, name, form, _ in string.Formatter().parse(template):
        if name is not None:
            yield name
            yield from _names(form or "")


@pytest.mark.parametrize("code", codes.FINDINGS)
def test_every_code_is_told_with_all_its_values(code: str) -> None:
    known = told.FINDINGS[code]
    texts = (known.sentence, known.brief, known.cure, known.command)
    assert {name for each in texts for name in _names(each)} == set(codes.FINDINGS[code])
    assert known.sentence.endswith((".", "{why}"))
    # A cure ends in the colon before its command, or is a sentence.
    assert known.cure.endswith(":") == bool(known.command)
    assert not known.cure or known.cure.endswith((":", "."))


def test_there_are_no_words_without_a_code() -> None:
    assert told.FINDINGS.keys() == codes.FINDINGS.keys()


def test_whatever_can_spoil_figures_has_a_brief_and_a_cure() -> None:
    worse = {
        code
        for _, expected in _CASES.values()
        for code, level in expected.items()
        if level != "note"
    }
    for code in worse:
        assert told.FINDINGS[code].brief
        assert told.FINDINGS[code].cure


def test_every_live_limit_of_a_raspberry_pi_makes_it_not_ready(tmp_path: Path) -> None:
    for bit, name in LIVE.items():
        found = _Machine(_changed(_PI, {_WORD: f"{1 << bit:x}\n"})).examined(tmp_path)
        assert not found.ready
        assert name in verdict(found)


def test_a_quiet_machine_is_ready_and_has_nothing_to_do(tmp_path: Path) -> None:
    lines = list(doctor_text(_Machine().examined(tmp_path)))
    assert lines[0] == READY == "Ready to measure."
    assert TO_DO not in lines
    assert len(lines) < 30


def test_a_weak_supply_is_told_with_one_cure_of_its_own(tmp_path: Path) -> None:
    lines = list(doctor_text(_CASES["a weak supply now"][0].examined(tmp_path)))
    assert lines[0] == (
        "Not ready to measure: it is slowed down now (under-voltage, throttled) and its power "
        "supply is too weak."
    )
    assert (
        "          slowed down now: under-voltage and throttled; since it was started: "
        "under-voltage 1 and throttled 1"
    ) in lines
    limited = "The machine is slowed down now, in 2 of 2 readings: under-voltage, throttled."
    supply = "Use the power supply that is made for this board, without a hub; then look again:"
    before = "Since it was started, the machine was slowed down: throttled."
    assert lines[lines.index(TO_DO) + 1 :] == [
        f"- {limited} {supply}",
        "    fmnist-edge doctor --quick",
        f"- {before} Give it a heat sink or a fan; under load, watch it with:",
        "    watch -n 1 vcgencmd measure_temp",
    ]


def test_a_quiet_laptop_on_battery_is_to_be_plugged_in(tmp_path: Path) -> None:
    lines = list(doctor_text(_CASES["a laptop on battery"][0].examined(tmp_path)))
    assert lines[0] == (
        "Ready to measure, but it runs on its battery: expect SUSPECT figures (p50, p90 to p99.9 "
        "and paced)."
    )
    assert "Power     from its battery" in lines
    assert lines[lines.index(TO_DO) + 1] == (
        "- The machine runs on its battery; many machines run slower then. Plug it in."
    )


def test_stolen_time_is_not_cured_by_closing_programs(tmp_path: Path) -> None:
    lines = list(doctor_text(_CASES["a virtual machine with steal"][0].examined(tmp_path)))
    [cure, command] = lines[lines.index(TO_DO) + 1 :]
    assert cure.endswith("on a machine with CPUs of its own; watch it with:")
    assert command == "    vmstat 1"


def test_a_narrow_terminal_wraps_all_but_commands(tmp_path: Path) -> None:
    lines = list(doctor_text(_CASES["a weak supply now"][0].examined(tmp_path), 60))
    assert all(len(line) <= 60 or line.startswith("    ") for line in lines)
    assert "    watch -n 1 vcgencmd measure_temp" in lines


def test_a_benchmark_names_the_doctor_where_the_machine_is_the_reason() -> None:
    machine, harness = (
        row(reasons=(Reason(code, "SUSPECT", ("p50",)),))
        for code in ("throttled", "too-few-processes")
    )
    assert "fmnist-edge doctor" in hint(run(row(), machine))
    assert hint(run(row(), harness)) == ""
