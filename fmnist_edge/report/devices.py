"""Which runtime can be used on which device, as a table and sentences."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from fmnist_edge.devices import CPU, Unit
from fmnist_edge.environments import HERE
from fmnist_edge.report.cells import Column, Table, tabulate
from fmnist_edge.report.numbers import MISSING, listed, size
from fmnist_edge.result import DeviceState, State

_WORDS: Final = {
    State.USABLE: "usable",
    State.UNUSABLE: "not usable",
    State.NOT_INSTALLED: "not installed",
    State.OTHER_SYSTEM: "other system",
}


def devices_table(states: Sequence[DeviceState]) -> Table:
    """Return a line per pair; those that can be used come first."""
    order = list(State)
    has_environments = any(each.environment for each in states)
    environment = Column[DeviceState](
        "environment", lambda each: each.environment or HERE, numeric=False
    )
    columns = (
        *([environment] if has_environments else []),
        Column[DeviceState]("runtime", lambda each: each.runtime, numeric=False),
        Column[DeviceState]("device", lambda each: each.device, numeric=False),
        Column[DeviceState]("state", lambda each: _WORDS[each.state], numeric=False),
        Column[DeviceState]("version", _version, numeric=False),
        Column[DeviceState]("unit", _of_unit(lambda unit: unit.name), numeric=False),
        Column[DeviceState]("driver", _of_unit(lambda unit: unit.driver), numeric=False),
        Column[DeviceState]("interface", _of_unit(lambda unit: unit.api), numeric=False),
        Column[DeviceState]("memory", _of_unit(_memory), numeric=False),
    )
    return tabulate(
        columns,
        sorted(states, key=lambda each: order.index(each.state)),
        spare=("memory", "interface", "driver", "version", "unit"),
    )


def devices_text(states: Sequence[DeviceState]) -> Iterator[str]:
    """Yield what stands in the way of the others, and what to do next."""
    if not states:
        yield "No runtime that fmnist-edge knows runs there."
        return
    for each in states:
        if each.state is State.UNUSABLE or (each.state is State.NOT_INSTALLED and not each.command):
            yield f"{_where(each)}: {unusable_because(each)}"
    yield from _missing([each for each in states if each.command])
    elsewhere = _names([each for each in states if each.state is State.OTHER_SYSTEM])
    if elsewhere:
        yield f"This operating system does not have: {elsewhere}."
    yield _next_step([each for each in states if each.state is State.USABLE])


def _of_unit(tell: Callable[[Unit], str]) -> Callable[[DeviceState], str]:
    return lambda each: (each.unit is not None and tell(each.unit)) or MISSING


def _version(each: DeviceState) -> str:
    return (each.probed is not None and each.probed.version) or MISSING


def _memory(unit: Unit) -> str:
    return "" if unit.memory_bytes is None else size(unit.memory_bytes)


def _where(each: DeviceState) -> str:
    environment = f" ({each.environment})" if each.environment else ""
    return f"{each.runtime}{environment} on {each.device}"


def unusable_because(each: DeviceState) -> str:
    """Return why a runtime cannot be used on a device, with what would help where it is known."""
    failure = each.probed.failure if each.probed is not None else None
    told = f"{failure.message} {failure.hint}".strip() if failure is not None else ""
    return f"{told} It needs {each.system}." if each.system not in told else told


def _missing(states: Sequence[DeviceState]) -> Iterator[str]:
    """Yield a line per command that would install something."""
    for command in dict.fromkeys(each.command for each in states):
        same = [each for each in states if each.command == command]
        systems = listed(tuple(dict.fromkeys(each.system for each in same if each.system)))
        besides = f" Besides, it needs {systems}." if systems else ""
        yield f"Not installed: {_names(same)}.{besides} Install with: {command}"


def _names(states: Sequence[DeviceState]) -> str:
    return ", ".join(map(_where, states))


def _next_step(usable: Sequence[DeviceState]) -> str:
    for each in usable:
        if each.device != CPU:
            where = f" --environment {each.environment}" if each.environment else ""
            return f"Measure on it with: fmnist-edge bench --device {each.device}{where}"
    if usable:
        return "Measure on the CPU with: fmnist-edge bench"
    return "None of these can be measured on here."
