"""Whether this machine is ready to be measured on, and what to do if not."""

import platform
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from fmnist_edge import __version__, dataset
from fmnist_edge.artifact import utc_now
from fmnist_edge.clock import NS_PER_SECOND, now
from fmnist_edge.devices import DEVICES
from fmnist_edge.host.busy_programs import busiest, cpu_times
from fmnist_edge.host.energy import find_meter
from fmnist_edge.host.facts import facts
from fmnist_edge.host.free_space import free_space
from fmnist_edge.host.health import Health
from fmnist_edge.host.memory import swap_used
from fmnist_edge.host.noise import Heard, listen
from fmnist_edge.host.permissions import closed_files
from fmnist_edge.host.programs import Run, run_program
from fmnist_edge.host.word_size import kernel_bits, userland_bits
from fmnist_edge.optional import installed
from fmnist_edge.pipeline.devices import SECONDS, probe_devices
from fmnist_edge.pipeline.findings import TEMPORARY, findings
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.records import replace
from fmnist_edge.result import (
    NVIDIA,
    DeviceState,
    Diagnosis,
    DiskSpace,
    Reading,
    drivers_of,
)
from fmnist_edge.runtimes import RUNTIMES

Listen = Callable[[Callable[[], None]], Heard]
ProbeDevices = Callable[[], Sequence[DeviceState] | None]

# Without those that NVIDIA's GPUs alone can be: the others find one, and its absence is no failure.
_GPUS: Final = tuple(name for name in DEVICES if drivers_of(name) != (NVIDIA,))
ARTIFACTS: Final = "artifacts"
CACHE: Final = "cache"


def diagnose(
    artifacts: Path,
    *,
    quick: bool = False,
    seconds: float = SECONDS,
    progress: Progress = SILENT,
) -> Diagnosis:
    """Look at this machine as a benchmark would: for two seconds, and then at every device.

    Args:
        artifacts: The folder that models and results are written to.
        quick: Whether no device is tried.
        seconds: Time after which a device that does not answer counts as not usable.
        progress: Told of what takes time.
    """

    def probe() -> Sequence[DeviceState] | None:
        return None if quick else probe_devices(seconds=seconds, progress=progress)

    # A bar that moves would be measured, too.
    progress.say("Measuring for two seconds what else runs on this machine.")
    return examine(places(artifacts), probe)


def places(artifacts: Path) -> tuple[DiskSpace, ...]:
    """Return what can be written to each folder that this program writes to.

    Args:
        artifacts: The folder that models and results are written to.
    """
    return (
        free_space(ARTIFACTS, artifacts),
        free_space(CACHE, dataset.usual_places().cache),
        free_space(TEMPORARY, _temporary()),
    )


def _temporary() -> Path | None:
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:  # none of the usual folders can be written to
        return None


def examine(
    disk: tuple[DiskSpace, ...],
    probe: ProbeDevices = lambda: None,
    *,
    root: Path = Path("/"),
    run: Run = run_program,
    hear: Listen = listen,
) -> Diagnosis:
    """Return what is known of a machine, and what speaks for or against measuring on it.

    Args:
        disk: What can be written to which folder.
        probe: Tries the devices; called last, because it makes noise. None: they were not tried.
        root: Folder in which `proc`, `sys` and `dev` are mounted.
        run: Runs `lscpu` and `vcgencmd`.
        hear: Measures what comes in between, and calls its argument while the CPU is at work.
    """
    begin = now()
    host = facts(root, run)
    health = Health(root, run, devices=_GPUS)
    readings: list[Reading] = []
    before = cpu_times(root)
    heard = hear(lambda: readings.append(health.look((now() - begin) / NS_PER_SECOND)))
    programs = busiest(before, cpu_times(root))
    states = probe()
    found = Diagnosis(
        version=__version__,
        created=utc_now(),
        ready=False,
        findings=(),
        host=host,
        python=platform.python_version(),
        kernel_bits=kernel_bits(),
        userland_bits=userland_bits(),
        installed=_installed(),
        devices=None if states is None else tuple(states),
        readings=tuple(readings),
        meter=find_meter(root, run)[1],
        closed=tuple(closed_files(root)),
        noise=heard.noise,
        programs=tuple(programs),
        swap_used_bytes=swap_used(root / "proc/meminfo"),
        disk=disk,
    )
    return judged(found, heard)


def _installed() -> tuple[str, ...]:
    return tuple(
        name
        for name, module in RUNTIMES.items()
        if module.READS_MODEL and (not module.PACKAGE or installed(module.PACKAGE))
    )


def judged(found: Diagnosis, heard: Heard) -> Diagnosis:
    """Return a diagnosis with what follows from it: the findings, and whether it is ready.

    Args:
        found: What was read.
        heard: What was measured.
    """
    told = findings(found, heard.busy, heard.resting)
    ready = all(each.level != "not-ready" for each in told)
    return replace(found, findings=told, ready=ready)
