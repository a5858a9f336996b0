"""What can be used on this machine: every pair of runtime and device, tried in a process."""

import asyncio
import os
import shlex
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from typing import IO, Final

from packaging.requirements import Requirement

from fmnist_edge.bench.plan import failure_of
from fmnist_edge.bench.worker_process import ending
from fmnist_edge.devices import CPU, DEVICES, Provision, Unit
from fmnist_edge.environments import ALONE, HERE, Environment
from fmnist_edge.errors import FmnistEdgeError, WorkerCrashedError, WorkerTimeoutError
from fmnist_edge.host.facts import facts
from fmnist_edge.optional import has_release, installed, packages_of, pip_command, versions_of
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.records import RecordError, decode_json, replace
from fmnist_edge.result import DeviceState, Probed, State
from fmnist_edge.runtimes import RUNTIMES
from fmnist_edge.session import DefaultUse, RuntimeModule
from fmnist_edge.tables import look_up

_MODULE: Final = "fmnist_edge.probe"
PROBE: Final = (sys.executable, "-m", _MODULE)
# Drivers hang; imports only take long, on a busy machine several times as long as usual.
SECONDS: Final = 15.0
_IMPORT_SECONDS: Final = 60.0
_EXIT_SECONDS: Final = 2.0
_LEAST_AT_ONCE: Final = 4
_TAIL: Final = 300

ALL: Final = "all"
"""Stands for every device that can be used."""
Usable = frozenset[tuple[str, str, str]]
"""Environment ("" for this one), runtime and device."""


@dataclass(frozen=True)
class _Pair:
    """A runtime and a device.

    Args:
        runtime: Name of the runtime.
        device: Name of the device.
        module: The runtime.
        environment: The other environment that has the runtime; None for this one.
    """

    runtime: str
    device: str
    module: RuntimeModule
    environment: Environment | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """Environment ("" for this one), runtime and device."""
        name = self.environment.name if self.environment is not None else ""
        return name, self.runtime, self.device

    @property
    def provision(self) -> Provision:
        return self.module.DEVICES[self.device]


def probe_devices(  # noqa: PLR0913 - each is one independent wish
    devices: Collection[str] = (),
    *,
    environments: Mapping[str, Environment] | None = None,
    runtimes: Mapping[str, RuntimeModule] = RUNTIMES,
    command: Sequence[str] = PROBE,
    seconds: float = SECONDS,
    progress: Progress = SILENT,
) -> tuple[DeviceState, ...]:
    """Return whether each runtime can be used on each device; by device, the CPU first.

    Args:
        devices: The devices to try; empty for all.
        environments: The environments whose runtimes are tried, by name; this one by default.
        runtimes: The runtimes to try; one that ignores its model cannot answer, and is left out.
        command: Starts a probe in this environment; the names of runtime and device are added.
        seconds: Time after which a probe counts as hung, once its library is imported.
        progress: Told of every probe.

    Raises:
        UsageError: There is no such device.
    """
    for name in devices:
        look_up(DEVICES, name, "device")
    pairs = [
        _Pair(name, device, module, environment)
        for device in DEVICES
        if device in (devices or DEVICES)
        for name, module in runtimes.items()
        if module.READS_MODEL and device in module.DEVICES
        for environment in _having(name, environments)
    ]
    # The slow ones first, so that the others are tried meanwhile.
    tried = sorted(
        (pair for pair in pairs if _is_worth_trying(pair)),
        key=lambda pair: pair.module.DEFAULT_USE is not DefaultUse.SLOW_IMPORT,
    )
    progress.start("Try each device", len(tried))
    found = asyncio.run(_probe_all(tried, command, seconds, progress))
    progress.finish()
    cpu = _cpu()
    return tuple(_state(pair, found.get(pair.key), cpu) for pair in pairs)


def usable(states: Collection[DeviceState]) -> Usable:
    """Return what can be used."""
    return frozenset(
        (each.environment, each.runtime, each.device)
        for each in states
        if each.state is State.USABLE
    )


def devices_to_use(
    named: Collection[str],
    *,
    environments: Mapping[str, Environment] | None = None,
    runtimes: Mapping[str, RuntimeModule] = RUNTIMES,
    command: Sequence[str] = PROBE,
    progress: Progress = SILENT,
) -> tuple[Sequence[str], Usable | None]:
    """Return the devices to measure on, and what can be used there; None where it was not tried.

    Nothing is tried unless `ALL` is among the names, and then only what is not named besides: who
    names a device is told why it cannot be used. The CPU counts as named.

    Args:
        named: The devices that the user names, and `ALL` for every one that can be used.
        environments: The environments whose runtimes are tried, by name; this one by default.
        runtimes: The runtimes to try.
        command: Starts a probe in this environment.
        progress: Told of every probe, and of the devices found.

    Raises:
        UsageError: There is no such device.
    """
    if ALL not in named:
        return tuple(named), None
    asked = {CPU, *named} - {ALL}
    for name in asked:
        look_up(DEVICES, name, "device")
    found = usable(
        probe_devices(
            [name for name in DEVICES if name not in asked],
            environments=environments,
            runtimes=runtimes,
            command=command,
            progress=progress,
        )
    )
    devices = [name for name in DEVICES if name in asked | {device for *_, device in found}]
    progress.say(f"Devices to measure on: {', '.join(devices)}.")
    return devices, found | set(product(("", *(environments or ())), runtimes, asked))


def _having(
    runtime: str, environments: Mapping[str, Environment] | None
) -> Iterator[Environment | None]:
    """Yield the environments to try a runtime in; None for this one, whether it has it or not."""
    if not environments:
        yield None
        return
    for name, environment in environments.items():
        if name == HERE:
            yield None
        elif runtime in environment.description.runtimes:
            yield environment


def _is_worth_trying(pair: _Pair) -> bool:
    """Return whether there is something to try, or to tell of what cannot be installed."""
    can_install = has_release(pair.module.PACKAGE)
    return DEVICES[pair.device].exists_here and (_has_package(pair) or not can_install)


def _has_package(pair: _Pair) -> bool:
    package = pair.module.PACKAGE
    return pair.environment is not None or not package or installed(package)


def _state(pair: _Pair, probed: Probed | None, cpu: Unit) -> DeviceState:
    usual = DeviceState(
        pair.runtime,
        pair.device,
        State.USABLE,
        probed,
        system=pair.provision.system,
        environment=pair.key[0],
    )
    if probed is not None and probed.failure is None:
        own = probed.account.unit if probed.account is not None else None
        return replace(usual, unit=cpu if pair.device == CPU else own)
    if not DEVICES[pair.device].exists_here:
        return replace(usual, state=State.OTHER_SYSTEM)
    command = _command(pair)
    lacks = command or not _has_package(pair)
    return replace(usual, state=State.NOT_INSTALLED if lacks else State.UNUSABLE, command=command)


def _command(pair: _Pair) -> str:
    """Return what installs the packages that a pair lacks.

    It is empty if the pair lacks none, or if there is none for this version of Python. What another
    environment has was said when it was made.
    """
    if pair.environment is not None or not has_release(pair.module.PACKAGE):
        return ""
    packages = [each for each in pair.provision.packages if not _has_distribution(each)]
    if packages and pair.provision.apart:
        return f"fmnist-edge environment add {pair.device} {shlex.join(packages)}"
    own = [] if _has_package(pair) else [packages_of(pair.module.EXTRA)]
    wanted = " ".join([*own, *map(shlex.quote, packages)])
    return pip_command(wanted) if wanted else ""


def _has_distribution(package: str) -> bool:
    return bool(versions_of((Requirement(package).name,)))


def _cpu() -> Unit:
    """Return what the operating system tells of the processor."""
    known = facts()
    memory = known["memory_bytes"]
    return Unit(
        name=str(known["cpu"]),
        api=str(known["architecture"]),
        memory_bytes=memory if isinstance(memory, int) else None,
    )


async def _probe_all(
    pairs: Sequence[_Pair], command: Sequence[str], seconds: float, progress: Progress
) -> Mapping[tuple[str, str, str], Probed]:
    """Return what each probe found, by `_Pair.key`; several are alive at the same time."""
    room = asyncio.Semaphore(max(_LEAST_AT_ONCE, 2 * (os.cpu_count() or 1)))

    async def probe(pair: _Pair) -> Probed:
        async with room:
            own = command if pair.environment is None else _elsewhere(pair.environment)
            found = await _probe((*own, pair.runtime, pair.device), seconds)
        progress.advance(note=f"{pair.runtime} on {pair.device}")
        return found

    found = await asyncio.gather(*map(probe, pairs))
    return {pair.key: each for pair, each in zip(pairs, found, strict=True)}


def _elsewhere(environment: Environment) -> Sequence[str]:
    return (str(environment.python), *ALONE, "-m", _MODULE)


async def _probe(command: Sequence[str], seconds: float) -> Probed:
    """Return what a process found, also if it crashes or hangs."""
    with tempfile.TemporaryFile() as stderr:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=PIPE, stderr=stderr
        )
        found = Probed()
        try:
            for limit in (_IMPORT_SECONDS, seconds):
                found = await _answer(process, limit, stderr)
                if found.failure is not None:
                    break
        except FmnistEdgeError as error:
            found = replace(found, failure=failure_of(error))
        except asyncio.CancelledError:  # Ctrl-C: do not wait for its own end
            _kill(process)
            raise
        finally:
            await _end(process)
    return found


async def _answer(process: Process, seconds: float, stderr: IO[bytes]) -> Probed:
    """Return the next thing that a probe tells.

    Raises:
        WorkerCrashedError: It ended instead.
        WorkerTimeoutError: It told nothing.
    """
    if process.stdout is None:
        raise ValueError("the probe has no stdout")
    try:
        line = await asyncio.wait_for(process.stdout.readline(), seconds)
    except TimeoutError:
        _kill(process)
        raise WorkerTimeoutError(
            f"The probe did not answer within {seconds:g} s.",
            hint="The driver of the device may hang; a restart of the machine may help.",
        ) from None
    try:
        return decode_json(Probed, line)
    except RecordError:
        if line:
            _kill(process)
        code = await process.wait()
        stderr.seek(0)
        said = " ".join(stderr.read().decode(errors="replace").split())[-_TAIL:]
        raise WorkerCrashedError(
            f"The probe {'gave no valid answer' if line else ending(code)}.",
            hint=f"The last text that it printed: {said}" if said else "It printed nothing.",
        ) from None


async def _end(process: Process) -> None:
    """Let a process end by itself, or end it; one that a driver holds is left behind."""
    try:
        await asyncio.wait_for(process.wait(), _EXIT_SECONDS)
    except TimeoutError:
        _kill(process)
        await asyncio.wait([asyncio.ensure_future(process.wait())], timeout=_EXIT_SECONDS)


def _kill(process: Process) -> None:
    with suppress(ProcessLookupError):  # it may have ended by itself by now
        process.kill()
