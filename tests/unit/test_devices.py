"""A device can be used where a probe's answer is right; everything else has a reason."""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from fmnist_edge import devices as table_of_devices
from fmnist_edge import optional
from fmnist_edge.devices import CPU, DEVICES, Device
from fmnist_edge.environments import Description, Environment, Library, machine
from fmnist_edge.errors import UsageError
from fmnist_edge.host.facts import facts
from fmnist_edge.pipeline.devices import devices_to_use, probe_devices, usable
from fmnist_edge.probe.models import FILES, example, model_for
from fmnist_edge.records import replace
from fmnist_edge.report.devices import devices_table, devices_text
from fmnist_edge.result import DeviceState, Failure, State
from fmnist_edge.runtimes import RUNTIMES
from tests import probed_runtimes
from tests.commands import no_process_left
from tests.examples import Diary
from tests.probed_runtimes import ACCOUNT, DEVICE, GPU, REFUSAL, SYSTEM

_PROBE = (sys.executable, str(Path(probed_runtimes.__file__)))
_PATIENCE = 2.0


def _tried(*names: str, devices: tuple[str, ...] = (DEVICE,)) -> tuple[DeviceState, ...]:
    chosen = {name: probed_runtimes.RUNTIMES[name] for name in names}
    with no_process_left():
        return probe_devices(devices, runtimes=chosen, command=_PROBE, seconds=_PATIENCE)


@pytest.fixture(scope="module")
def states() -> Mapping[str, DeviceState]:
    """What became of each runtime on the GPU."""
    return {each.runtime: each for each in _tried(*probed_runtimes.RUNTIMES)}


def _failure(state: DeviceState) -> Failure:
    assert state.probed is not None
    assert state.probed.failure is not None
    return state.probed.failure


# What can be used


def test_a_right_answer_makes_a_device_usable(states: Mapping[str, DeviceState]) -> None:
    found = states["working"]
    assert found.state is State.USABLE
    assert found.probed is not None
    assert (found.probed.version, found.probed.account) == ("1.0", ACCOUNT)
    assert (found.unit, found.command) == (GPU, "")


def test_what_a_runtime_prints_is_not_taken_for_an_answer(
    states: Mapping[str, DeviceState],
) -> None:
    assert states["chattering"] == replace(states["working"], runtime="chattering")


def test_a_right_answer_counts_even_if_packages_seem_to_be_missing(
    states: Mapping[str, DeviceState],
) -> None:
    assert (states["surprising"].state, states["surprising"].command) == (State.USABLE, "")


def test_of_the_cpu_the_operating_system_tells() -> None:
    [found] = _tried("working", devices=(CPU,))
    assert found.probed is not None
    assert found.probed.account is None
    assert found.unit is not None
    assert (found.unit.name, found.unit.memory_bytes) == (facts()["cpu"], facts()["memory_bytes"])


def test_the_pairs_are_by_device_and_the_cpu_is_first() -> None:
    found = _tried("refusing", "working", devices=())
    pairs = [(each.device, each.runtime) for each in found]
    assert pairs == [(device, name) for device in (CPU, DEVICE) for name in ("refusing", "working")]
    assert usable(found) == {("", "working", DEVICE), ("", "working", CPU)}


def test_progress_is_told_of_every_probe() -> None:
    diary = Diary()
    chosen = {"working": probed_runtimes.RUNTIMES["working"]}
    probe_devices(runtimes=chosen, command=_PROBE, progress=diary)
    assert sorted(note for note in diary.notes if note) == ["working on cpu", "working on webgpu"]


def test_another_environment_tries_with_its_own_interpreter() -> None:
    library = {"numpy": Library("numpy", "1.0")}
    description = Description("0", "", "3", machine(), library)
    other = Environment("other", Path(sys.executable), description)
    chosen = {name: RUNTIMES[name] for name in ("numpy", "litert")}
    [found] = probe_devices(environments={"other": other}, runtimes=chosen)
    assert (found.environment, found.runtime, found.state) == ("other", "numpy", State.USABLE)
    table = devices_table([found])
    assert (table.headers[0], table.rows[0][0]) == ("environment", "other")
    gpu = replace(found, device=DEVICE)
    assert list(devices_text([gpu]))[-1].endswith("bench --device webgpu --environment other")


# Those to measure on


def test_devices_that_are_named_are_taken_as_they_are() -> None:
    assert devices_to_use(("webgpu", CPU), command=("false",)) == (("webgpu", CPU), None)


def test_all_devices_are_those_that_can_be_used_and_those_that_are_named_besides() -> None:
    chosen = {name: probed_runtimes.RUNTIMES[name] for name in ("refusing", "working")}
    diary = Diary()
    devices, found = devices_to_use(
        ("all", "cuda"), runtimes=chosen, command=_PROBE, progress=diary
    )
    assert devices == [CPU, "cuda", DEVICE]
    assert found == {
        *(("", name, device) for name in chosen for device in (CPU, "cuda")),
        ("", "working", DEVICE),
    }
    assert diary.said == ["Devices to measure on: cpu, cuda, webgpu."]
    # The CPU is not tried: a row tells more.
    assert diary.started == [("Try each device", 2)]


def test_a_misspelt_device_beside_all_is_refused() -> None:
    with pytest.raises(UsageError, match="'webgp'"):
        devices_to_use(("all", "webgp"), command=("false",))


# What cannot


def test_a_refusal_is_told_in_the_words_of_the_library(states: Mapping[str, DeviceState]) -> None:
    found = states["refusing"]
    assert (found.state, found.unit, found.command) == (State.UNUSABLE, None, "")
    assert _failure(found) == Failure("DeviceUnavailableError", REFUSAL.message, REFUSAL.hint)
    assert found.system == SYSTEM


def test_a_wrong_answer_is_none(states: Mapping[str, DeviceState]) -> None:
    assert states["erring"].state is State.UNUSABLE
    told = _failure(states["erring"]).message
    assert told.startswith("erring on webgpu opened a model, and computed [")
    assert told.endswith("] is right.")


def test_a_runtime_that_computes_elsewhere_cannot_use_the_device(
    states: Mapping[str, DeviceState],
) -> None:
    assert states["staying"].state is State.UNUSABLE
    assert "ran it elsewhere: sum_0 (Gemm) on CPU." in _failure(states["staying"]).message


def test_a_crash_is_a_line_with_the_signal_and_the_last_words(
    states: Mapping[str, DeviceState],
) -> None:
    found = states["crashing"]
    assert found.state is State.UNUSABLE
    assert _failure(found).message == "The probe was killed by SIGSEGV."
    assert _failure(found).hint == "The last text that it printed: the driver is lost"
    assert found.probed is not None
    assert found.probed.version == "1.0"


def test_a_hanging_driver_costs_its_time_limit(states: Mapping[str, DeviceState]) -> None:
    assert states["hanging"].state is State.UNUSABLE
    assert _failure(states["hanging"]).kind == "WorkerTimeoutError"
    assert "did not answer within 2 s" in _failure(states["hanging"]).message


def test_a_bug_is_told_as_one(states: Mapping[str, DeviceState]) -> None:
    assert _failure(states["stumbling"]).kind == "InternalError"
    assert "KeyError: 'adapter'" in _failure(states["stumbling"]).message


def test_a_library_that_is_there_and_cannot_be_loaded_is_not_called_missing(
    states: Mapping[str, DeviceState],
) -> None:
    assert states["unloadable"].state is State.UNUSABLE
    assert _failure(states["unloadable"]).hint == "Build it."


def test_a_probe_that_cannot_be_started_crashed() -> None:
    chosen = {"working": probed_runtimes.RUNTIMES["working"]}
    [found] = probe_devices((DEVICE,), runtimes=chosen, command=(sys.executable, "-c", "exit(3)"))
    assert _failure(found).message == "The probe ended with code 3."
    nonsense = (sys.executable, "-c", "print('hello')")
    [found] = probe_devices((DEVICE,), runtimes=chosen, command=nonsense)
    assert _failure(found).message == "The probe gave no valid answer."


def test_a_missing_package_has_the_command_that_installs_it(
    states: Mapping[str, DeviceState],
) -> None:
    absent, lacking = states["absent"], states["lacking"]
    assert absent.state is lacking.state is State.NOT_INSTALLED
    assert absent.probed is None
    assert " -m pip install 'ai-edge-litert>=" in absent.command
    assert lacking.command.endswith(" -m pip install 'no-such-plugin>=2'")
    assert _failure(lacking).message == REFUSAL.message


def test_a_package_without_a_release_for_this_python_is_not_to_be_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(optional._PYTHON_BELOW, "no_such_package", (3, 0))
    [found] = _tried("absent")
    assert (found.state, found.command) == (State.NOT_INSTALLED, "")
    assert "'no_such_package' is not installed" in _failure(found).message
    assert f"absent on webgpu: {_failure(found).message}" in next(devices_text([found]))


def test_packages_that_exclude_the_usual_ones_go_into_an_environment(
    states: Mapping[str, DeviceState],
) -> None:
    assert states["excluding"].state is State.NOT_INSTALLED
    assert states["excluding"].command == "fmnist-edge environment add webgpu no-such-gpu-build"


def test_what_another_operating_system_has_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = {**DEVICES, DEVICE: Device("GPUs", ("an operating system",))}
    monkeypatch.setattr("fmnist_edge.pipeline.devices.DEVICES", elsewhere)
    [found] = _tried("working")
    assert (found.state, found.probed, found.command) == (State.OTHER_SYSTEM, None, "")


def test_an_unknown_device_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError) as it:
        probe_devices(("webgp",))
    assert "Did you mean webgpu?" in it.value.hint


# The table


def test_what_can_be_used_is_told_first(states: Mapping[str, DeviceState]) -> None:
    table = devices_table(list(states.values()))
    column = [row[table.headers.index("state")] for row in table.rows]
    assert column == [
        *["usable"] * 3,
        *["not usable"] * 7,
        *["not installed"] * 3,
    ]
    assert table.rows[0] == (
        *("working", "webgpu", "usable", "1.0"),
        *("A GPU", "driver 1.2", "Vulkan 1.4.305", "8.0 GiB"),
    )


def test_each_pair_that_cannot_be_used_says_why_and_the_last_line_what_to_do(
    states: Mapping[str, DeviceState],
) -> None:
    elsewhere = DeviceState("theirs", "metal", State.OTHER_SYSTEM)
    *lines, last = devices_text([*states.values(), elsewhere])
    text = "\n".join(lines)
    told = f"{REFUSAL.message} {REFUSAL.hint} It needs {SYSTEM}."
    assert f"refusing on webgpu: {told}" in lines
    assert f"Not installed: lacking on webgpu. Besides, it needs {SYSTEM}. Install with: " in text
    assert "environment add webgpu no-such-gpu-build" in text
    assert "This operating system does not have: theirs on metal." in lines
    assert all(name in text for name, each in states.items() if each.state is not State.USABLE)
    assert last == "Measure on it with: fmnist-edge bench --device webgpu"


def test_where_only_the_cpu_can_be_used_no_other_device_is_recommended() -> None:
    cpu = DeviceState("working", CPU, State.USABLE)
    assert list(devices_text([cpu])) == ["Measure on the CPU with: fmnist-edge bench"]
    other = DeviceState("working", DEVICE, State.OTHER_SYSTEM)
    assert list(devices_text([other]))[-1] == "None of these can be measured on here."
    assert list(devices_text([])) == ["No runtime that fmnist-edge knows runs there."]


# The network


@pytest.mark.parametrize("name", [name for name in RUNTIMES if RUNTIMES[name].READS_MODEL])
def test_every_runtime_opens_one_of_the_files(name: str) -> None:
    artifact = model_for(RUNTIMES[name])
    assert artifact.format in RUNTIMES[name].FORMATS
    assert len(artifact.payload) < 4_000


def test_each_file_is_used() -> None:
    used = {model_for(each).format for each in RUNTIMES.values() if each.READS_MODEL}
    assert used == set(FILES)


def test_the_answer_is_exact_in_the_types_that_devices_compute_in() -> None:
    values, right = example()
    assert (values.shape, right.shape) == ((1, 16), (1, 4))
    for exact in (values, right):
        assert np.array_equal(exact.astype(np.float16), exact)
        bits = exact.view(np.uint32)
        assert not np.any(bits & 0xFFFF)  # the mantissa's part that bfloat16 does not have
    assert len(set(right[0])) == 4
    assert 0 not in right


def test_all_devices_have_a_title() -> None:
    assert all(each.title for each in table_of_devices.DEVICES.values())
