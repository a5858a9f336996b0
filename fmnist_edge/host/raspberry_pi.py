"""Values that only a Raspberry Pi has: throttle bits, under-voltage alarm, power chip.

Sources:
    The bits: Raspberry Pi documentation, `vcgencmd get_throttled`.
    The rails: output of `vcgencmd pmic_read_adc` on a Raspberry Pi 5.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from fmnist_edge.host.findings import Findings, Probe
from fmnist_edge.host.programs import Run, ask
from fmnist_edge.host.small_files import (
    UnreadableError,
    glob_sorted,
    read_int,
    read_or_empty,
    read_text,
)

LIVE: Final = {
    0: "under-voltage",
    1: "frequency capped",
    2: "throttled",
    3: "soft temperature limit",
}
"""Bits of the throttle word that are set as long as the limit is in force."""

SINCE_BOOT: Final = {
    16: "under-voltage since boot",
    17: "frequency capped since boot",
    18: "throttled since boot",
    19: "soft temperature limit since boot",
}
"""Bits of the throttle word that stay set after an event.

Linux's driver may clear them at any time. A set bit therefore does not prove an event in this run,
and a clear bit does not prove that there was none; only a bit that changes from 0 to 1 does."""

_WORD: Final = re.compile(r"(?:throttled=)?(?:0x)?([0-9a-f]{1,8})", re.IGNORECASE)
_CHANNEL: Final = re.compile(
    r"^\s*(\w{1,40})_(A|V)\s+(?:current|volt)\([0-9]+\)=([0-9]{1,9}(?:\.[0-9]{1,12})?)\2\s*$",
    re.MULTILINE | re.ASCII,
)
_REFUSAL: Final = re.compile(r'error_msg="([^"\n]*)"')
_SHOWN: Final = 60


def throttling(root: Path, run: Run) -> Probe | None:
    """Return a probe of the throttle word; None where this is no Raspberry Pi.

    The driver's file is at most two seconds old and needs no process; `vcgencmd` is run where there
    is no such file.

    Args:
        root: Folder in which `proc` and `sys` are mounted.
        run: Runs `vcgencmd`.
    """
    files = glob_sorted(root / "sys/devices/platform", "soc*/soc*:firmware/get_throttled")
    if files:
        return partial(_bits, partial(read_text, files[0]))
    question = partial(ask, run, ("vcgencmd", "get_throttled"))
    return partial(_bits, question) if _is_raspberry_pi(root) else None


def _is_raspberry_pi(root: Path) -> bool:
    return read_or_empty(root / "proc/device-tree/model").startswith("Raspberry Pi")


def _bits(question: Callable[[], str], found: Findings) -> None:
    word = found.ask("throttling of the Raspberry Pi", lambda: parse_throttled(question()))
    if word is not None:
        found.throttled |= {name: bool(word >> bit & 1) for bit, name in LIVE.items()}
        found.counters |= {name: word >> bit & 1 for bit, name in SINCE_BOOT.items()}


def parse_throttled(output: str) -> int:
    """Return the throttle word.

    Args:
        output: "50005" as in the driver's file, or "throttled=0x50005" as `vcgencmd` prints it.

    Raises:
        UnreadableError: The output is something else.
    """
    match = _WORD.fullmatch(output.strip())
    if match is None:
        raise UnreadableError(_refusal(output))
    return int(match[1], 16)


def _refusal(output: str) -> str:
    """Return the reason that `vcgencmd` gives for printing no value."""
    match = _REFUSAL.search(output)
    return match[1] if match and match[1] else f"not understood: {output[:_SHOWN]!r}"


def voltage_alarm(root: Path) -> Probe | None:
    """Return a probe of the kernel's under-voltage alarm; None where there is no such chip.

    Args:
        root: Folder in which `sys` is mounted.
    """
    for name in glob_sorted(root / "sys/class/hwmon", "hwmon*/name"):
        alarm = name.with_name("in0_lcrit_alarm")
        if read_or_empty(name) == "rpi_volt" and alarm.exists():
            return partial(_alarm, alarm)
    return None


def _alarm(path: Path, found: Findings) -> None:
    alarm = found.ask("under-voltage alarm", partial(read_int, path))
    if alarm is not None:
        found.throttled["under-voltage alarm"] = alarm != 0


def parse_rails(output: str) -> Mapping[str, float]:
    """Return the watts of each rail whose current and voltage the power chip measures.

    Args:
        output: Output of `vcgencmd pmic_read_adc`.

    Raises:
        UnreadableError: No rail has both, as on every model before the Raspberry Pi 5.
    """
    channels = {(name, unit): float(value) for name, unit, value in _CHANNEL.findall(output)}
    amperes = {name: value for (name, unit), value in channels.items() if unit == "A"}
    watts = {
        name: current * channels[name, "V"]
        for name, current in amperes.items()
        if (name, "V") in channels
    }
    if not watts:
        raise UnreadableError(_refusal(output))
    return watts
