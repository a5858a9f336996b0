"""`fmnist-edge devices`: what can be used on this machine, by the real command."""

import json
import os
import resource
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fmnist_edge.artifact import Format, open_artifact
from fmnist_edge.devices import CPU, DEVICES
from fmnist_edge.host.facts import facts
from fmnist_edge.optional import install_command, packages_of
from fmnist_edge.probe.models import FILES, example
from fmnist_edge.records import decode_document
from fmnist_edge.result import DeviceStates, State, read_run
from fmnist_edge.runtimes import RUNTIMES, reading
from fmnist_edge.session import SessionOptions
from tests import probe_models
from tests.commands import CommandLine, Finished, children, finish, wait_until

_FILE = "devices.json"
_MODELS = [name for name in RUNTIMES if RUNTIMES[name].READS_MODEL]


@pytest.fixture(scope="module")
def newcomer(cli: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """The command with a home of its own: runtimes that are called from C are compiled there."""
    return replace(cli, home=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def asking(
    newcomer: CommandLine, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Finished, float]:
    """`fmnist-edge devices --json FILE`, as it went, and the CPU time that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    folder = tmp_path_factory.mktemp("devices")
    done = newcomer("devices", "-q", "--limit", 120, "--json", _FILE, cwd=folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done, sum(after[:2]) - sum(before[:2])


@pytest.fixture(scope="module")
def told(asking: tuple[Finished, float]) -> DeviceStates:
    done, _ = asking
    assert (done.returncode, done.stderr) == (0, "")
    return decode_document(DeviceStates, (done.folder / _FILE).read_bytes(), 1)


@pytest.mark.needs("c-compiler")
def test_every_runtime_can_be_used_on_the_cpu(told: DeviceStates) -> None:
    on_cpu = {each.runtime: each for each in told.states if each.device == CPU}
    assert list(on_cpu) == _MODELS
    for name, each in on_cpu.items():
        assert each.state is State.USABLE, each
        assert each.probed is not None
        assert each.probed.version == RUNTIMES[name].load_library()
        assert each.unit is not None
        assert each.unit.name == facts()["cpu"]


def test_every_pair_that_the_runtimes_know_has_a_state(told: DeviceStates) -> None:
    pairs = {(each.runtime, each.device) for each in told.states}
    assert pairs == {(name, device) for name in _MODELS for device in RUNTIMES[name].DEVICES}
    order = [list(DEVICES).index(each.device) for each in told.states]
    assert order == sorted(order)
    for each in told.states:
        has_reason = each.probed is not None and each.probed.failure is not None
        assert {
            State.USABLE: not has_reason,
            State.UNUSABLE: has_reason,
            State.NOT_INSTALLED: bool(each.command),
            State.OTHER_SYSTEM: each.probed is None,
        }[each.state], each


def test_all_of_it_takes_seconds(asking: tuple[Finished, float]) -> None:
    """By the CPU time, which other programs do not lengthen much: probes run side by side."""
    _, seconds = asking
    assert seconds / min(2, os.cpu_count() or 1) < 20


def test_the_screen_tells_the_same(asking: tuple[Finished, float], told: DeviceStates) -> None:
    header, _, *lines = asking[0].stdout.splitlines()
    assert header.split() == [
        *("runtime", "device", "state", "version", "unit", "driver", "interface", "memory")
    ]
    usable = [(each.runtime, each.device) for each in told.states if each.state is State.USABLE]
    assert [tuple(line.split()[:2]) for line in lines[: len(usable)]] == usable
    assert "fmnist-edge bench" in lines[-1]


def test_devices_that_nothing_can_use_end_with_their_exit_code(inside: CommandLine) -> None:
    # No system has both.
    done = inside("devices", "metal", "directml", "-q")
    assert (done.returncode, done.speaks_plainly) == (26, True)
    assert "No runtime can be used on metal, directml here." in done.stderr
    done = inside("devices", "metal", "-q", "--json", "-")
    assert done.returncode == 26
    assert json.loads(done.stdout)["kind"] == "fmnist-edge devices"


def test_an_unknown_device_is_a_wrong_usage(inside: CommandLine) -> None:
    done = inside("devices", "webgp")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Did you mean webgpu?" in done.stderr


def test_a_package_is_installed_by_the_same_command_everywhere() -> None:
    assert install_command("litert").endswith(f"-m pip install {packages_of('litert')}")


def test_an_interrupted_search_ends_its_probes(newcomer: CommandLine, tmp_path: Path) -> None:
    """The signal reaches the command alone, not those that it has started."""
    with newcomer.running("devices", cwd=tmp_path) as process:
        wait_until(lambda: children(process.pid), process)
        probes = children(process.pid)
        process.send_signal(signal.SIGINT)
        done = finish(process, tmp_path)
    assert done.was_interrupted, done
    assert not [each for each in probes if Path(f"/proc/{each}").exists()]


# A GPU in software, and none at all


def test_a_gpu_is_found_by_what_it_computes(vulkan: CommandLine) -> None:
    done = vulkan("devices", "webgpu", "-q", "--json", "-")
    assert (done.returncode, done.stderr) == (0, "")
    found = {each.runtime: each for each in decode_document(DeviceStates, done.stdout, 1).states}
    litert = found["litert"]
    assert litert.state is State.USABLE, litert
    assert litert.unit is not None
    assert "llvmpipe" in litert.unit.name
    assert litert.probed is not None
    assert litert.probed.account is not None
    assert litert.probed.account.on_device == litert.probed.account.operators > 0


def test_a_gpu_that_is_not_there_has_the_reason_of_the_library(without_vulkan: CommandLine) -> None:
    done = without_vulkan("devices", "webgpu", "-q")
    assert (done.returncode, done.speaks_plainly) == (26, True)
    assert "litert on webgpu: LiteRT cannot use webgpu here: " in done.stdout
    assert "libvulkan" in done.stdout
    assert "No runtime can be used on webgpu here." in done.stderr


_SMALL = Path(__file__).parents[2] / "artifacts/reference/nano-int8.tflite"
_BENCH = ("bench", _SMALL, "--runtime", "litert", "--protocol", "smoke")


def test_all_devices_are_measured_on_that_can_be_used(vulkan: CommandLine) -> None:
    own = [f"{_SMALL} on litert{where}" for where in (" cpu", " webgpu")]
    done = vulkan(*_BENCH, "--device", "all", "--dry-run")
    assert done.stdout.splitlines()[:2] == own
    assert "Devices to measure on: cpu, webgpu." in done.stderr


def test_where_no_device_can_be_used_a_benchmark_says_so_and_keeps_the_reasons(
    without_vulkan: CommandLine, tmp_path: Path
) -> None:
    done = without_vulkan(*_BENCH, "--device", "webgpu", "--json", tmp_path / "result.json")
    assert (done.returncode, done.speaks_plainly) == (26, True)
    assert "Error: Nothing can be measured on webgpu." in done.stderr
    assert "LiteRT cannot use webgpu here: " in done.stdout
    [row] = read_run(tmp_path / "result.json").rows
    assert row.failure is not None
    assert row.failure.kind == "DeviceUnavailableError"
    done = without_vulkan(*_BENCH, "--device", "webgpu", "--dry-run")
    assert (done.returncode, done.stdout) == (26, "")
    assert "LiteRT cannot use webgpu here: " in done.stderr
    done = without_vulkan(*_BENCH, "--device", "qnn")
    assert done.returncode == 26
    assert "Nothing can be measured on qnn." in done.stderr


def test_a_device_that_cannot_be_used_does_not_keep_others_from_being_measured(
    without_vulkan: CommandLine,
) -> None:
    done = without_vulkan(*_BENCH, "--device", "webgpu", "--device", "cpu", "--dry-run")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"{_SMALL} on litert")
    assert f"{_SMALL} on litert webgpu cannot be measured: " in done.stderr


# The models


@pytest.fixture(scope="module")
def made(cli: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models of the probes, made anew."""
    folder = tmp_path_factory.mktemp("models")
    done = cli.python(Path(probe_models.__file__), folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize(("kind", "name"), FILES.items())
def test_the_script_makes_models_with_the_same_answer(made: Path, kind: Format, name: str) -> None:
    values, right = example()
    session = RUNTIMES[reading(kind)[0]].open(open_artifact(made / name), SessionOptions())
    assert np.array_equal(session.decode(session.run(session.prepare(values))), right)
    session.close()
