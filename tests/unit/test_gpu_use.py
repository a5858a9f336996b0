"""What the kernel and NVML count for a process, from recorded texts and constructed answers."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from fmnist_edge.clock import timed
from fmnist_edge.host.gpu_use import GpuUse
from fmnist_edge.host.nvidia import Nvml
from fmnist_edge.result import KernelWitness
from tests.gpus import (
    AMD_CLIENT,
    I915_CLIENT,
    NVIDIA_CLIENT,
    NVIDIA_DRIVER,
    V3D_CLIENT,
    XE_CLIENT,
    constructed_nvml,
    never_asked,
    no_nvml,
    nvidia_gpu,
)
from tests.trees import plant

_PROCESS = "4321"
_FILE = "pos:\t0\nflags:\t0100000\nmnt_id:\t24\nino:\t3\n"


def _open(root: Path, *files: str) -> None:
    plant(root, {f"proc/{_PROCESS}/fdinfo/{number}": text for number, text in enumerate(files)})


def _use(root: Path, nvml: Callable[[], Nvml] = never_asked) -> GpuUse:
    return GpuUse(_PROCESS, root, nvml)


def _drm(engine_ns: int) -> KernelWitness:
    return KernelWitness("drm", engine_ns, None)


@pytest.mark.parametrize(
    ("client", "engine_ns"),
    [
        (V3D_CLIENT, 4_916_187 + 154_563_573 + 10_574),
        (I915_CLIENT, 346_249),
        (AMD_CLIENT, 56_369_242 + 3_434_919),
    ],
)
def test_the_time_of_all_engines_is_added(tmp_path: Path, client: str, engine_ns: int) -> None:
    _open(tmp_path, _FILE, client)
    assert _use(tmp_path)() == _drm(engine_ns)


def test_two_descriptors_of_one_client_count_once_and_two_clients_twice(tmp_path: Path) -> None:
    _open(tmp_path, I915_CLIENT, I915_CLIENT)
    assert _use(tmp_path)() == _drm(346_249)
    _open(tmp_path, I915_CLIENT, I915_CLIENT.replace("id: 39", "id: 40"))
    assert _use(tmp_path)() == _drm(2 * 346_249)
    _open(tmp_path, I915_CLIENT, I915_CLIENT.replace("0000:00:02.0", "0000:03:00.0"))
    assert _use(tmp_path)() == _drm(2 * 346_249)


def test_the_difference_of_two_calls_is_the_work_between_them(tmp_path: Path) -> None:
    use = _use(tmp_path)
    _open(tmp_path, _FILE, I915_CLIENT)
    before = use()
    _open(tmp_path, _FILE, I915_CLIENT.replace("346249", "1346249"))
    after = use()
    assert before is not None
    assert after is not None
    assert after.engine_ns - before.engine_ns == 1_000_000


def test_the_work_of_a_client_that_closed_is_kept_and_a_value_that_falls_is_a_delay(
    tmp_path: Path,
) -> None:
    use = _use(tmp_path)
    _open(tmp_path, I915_CLIENT, V3D_CLIENT)
    both = use()
    (tmp_path / "proc" / _PROCESS / "fdinfo/1").unlink()
    _open(tmp_path, I915_CLIENT.replace("346249", "300000"))
    assert use() == both


def test_cycles_become_time_by_their_share_of_all_cycles(tmp_path: Path) -> None:
    use = _use(tmp_path)

    def told(busy: int, total: int) -> KernelWitness | None:
        _open(tmp_path, XE_CLIENT.replace("28257900", str(busy)).replace("7655183225", str(total)))
        return use()

    (none, half), wall_ns = timed(lambda: (told(1_000, 10_000), told(6_000, 20_000)))
    assert none == _drm(0)
    assert half is not None
    assert 0 < half.engine_ns <= wall_ns / 2 + 1
    # Without work between them, two calls tell the same.
    assert told(6_000, 30_000) == half
    # A counter that starts again is no work.
    assert told(10, 100) == half


def test_a_process_that_uses_no_gpu_is_counted_by_nobody(tmp_path: Path) -> None:
    assert _use(tmp_path)() is None
    _open(tmp_path, _FILE, _FILE)
    assert _use(tmp_path)() is None


def test_odd_lines_are_no_time(tmp_path: Path) -> None:
    odd = "drm-driver: x\ndrm-engine-a: 5 s\ndrm-engine-b: many ns\ndrm-engine-: 7 ns\n"
    _open(tmp_path, odd, "drm-driver: xe\ndrm-cycles-rcs: 5\n", "drm-engine-render: 9 ns\n")
    assert _use(tmp_path)() is None


def test_this_process_uses_no_gpu() -> None:
    assert GpuUse()() is None


# NVIDIA


def _of_namespace(root: Path, number: int) -> None:
    folder = root / "proc" / _PROCESS / "ns"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pid").unlink(missing_ok=True)
    (folder / "pid").symlink_to(f"pid:[{number}]")


def _running(process: int, held: int | None) -> list[SimpleNamespace]:
    stranger = SimpleNamespace(pid=1, usedGpuMemory=99)
    return [stranger, SimpleNamespace(pid=process, usedGpuMemory=held)]


def _nvml(
    compute: list[SimpleNamespace], graphics: list[SimpleNamespace] | None = None
) -> Callable[[], Nvml]:
    own = nvidia_gpu(
        nvmlDeviceGetComputeRunningProcesses=compute,
        nvmlDeviceGetGraphicsRunningProcesses=graphics or [],
    )
    other = nvidia_gpu(
        nvmlDeviceGetComputeRunningProcesses=[], nvmlDeviceGetGraphicsRunningProcesses=[]
    )
    return lambda: constructed_nvml(other, own)


def _on_nvidia(root: Path) -> Path:
    _open(root, _FILE, NVIDIA_CLIENT)
    _of_namespace(root, 4026531836)
    return plant(root, NVIDIA_DRIVER)


def test_nvml_tells_the_memory_of_the_process(tmp_path: Path) -> None:
    root = _on_nvidia(tmp_path)
    witness = KernelWitness("nvml", None, 300 << 20)
    mine = _running(4321, 300 << 20)
    assert _use(root, _nvml(mine))() == witness
    assert _use(root, _nvml([], mine))() == witness
    assert _use(root, _nvml(mine, mine))() == witness


def test_a_process_that_nvml_does_not_know_has_no_witness(tmp_path: Path) -> None:
    root = _on_nvidia(tmp_path)
    assert _use(root, _nvml(_running(99, 5)))() is None
    assert _use(root, _nvml(_running(4321, None)))() is None
    assert _use(root, no_nvml)() is None
    assert _use(root, lambda: constructed_nvml(nvidia_gpu()))() is None


def test_in_a_container_a_process_of_the_same_number_is_a_stranger(tmp_path: Path) -> None:
    root = _on_nvidia(tmp_path)
    _of_namespace(root, 4026532345)
    assert _use(root, _nvml(_running(4321, 5)))() is None


def test_without_nvidias_driver_nvml_is_not_started(tmp_path: Path) -> None:
    _open(tmp_path, NVIDIA_CLIENT)
    _of_namespace(tmp_path, 4026531836)
    assert _use(tmp_path, never_asked)() is None


def test_another_gpu_that_does_nothing_does_not_hide_nvidias(tmp_path: Path) -> None:
    root = _on_nvidia(tmp_path)
    idle = I915_CLIENT.replace("346249", "0")
    _open(root, idle)
    assert _use(root, _nvml(_running(4321, 5)))() == KernelWitness("nvml", None, 5)
    assert _use(root, _nvml([]))() == _drm(0)
    _open(root, I915_CLIENT)
    assert _use(root, never_asked)() == _drm(346_249)
