"""What only a Raspberry Pi tells: its throttle word, its under-voltage alarm, its power chip.

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
from fmnist_edge.host.small_files import UnreadableError, entries, text, whole, word

__all__ = [
    "LIVE",
    "SINCE_BOOT",
    "parse_rails",
    "parse_throttled",
    "throttling",
    "voltage_alarm",
]

LIVE: Final = {
    0: "under-voltage",
    1: "frequency capped",
    2: "throttled",
    3: "soft temperature limit",
}
"""Bits that are set as long as the limit is in force."""

SINCE_BOOT: Final = {
    16: "under-voltage since boot",
    17: "frequency capped since boot",
    18: "throttled since boot",
    19: "soft temperature limit since boot",
}
"""Bits that stay set. Linux's driver may clear them at any time, so a set one is no proof of an
event in this run, and a clear one no proof that there was none; a rise is proof."""

_WORD: Final = re.compile(r"(?:throttled=)?(?:0x)?([0-9a-f]{1,8})", re.IGNORECASE)
_CHANNEL: Final = re.compile(
    r"^\s*(\w{1,40})_(A|V)\s+(?:current|volt)\([0-9]+\)=([0-9]{1,9}(?:\.[0-9]{1,12})?)\2\s*$",
    re.MULTILINE | re.ASCII,
)
_REFUSAL: Final = re.compile(r'error_msg="([^"\n]*)"')
_SHOWN: Final = 60


def throttling(root: Path, run: Run) -> Probe | None:
    """The throttle word; None where this is no Raspberry Pi.

    The file is what the driver read at most two seconds ago, and costs no process; `vcgencmd` is
    asked where there is none.

    Args:
        root: Where `proc` and `sys` are mounted.
        run: Runs `vcgencmd`.
    """
    files = entries(root / "sys/devices/platform", "soc*/soc*:firmware/get_throttled")
    if files:
        return partial(_bits, partial(text, files[0]))
    question = partial(ask, run, ("vcgencmd", "get_throttled"))
    return partial(_bits, question) if _is_raspberry_pi(root) else None


def _is_raspberry_pi(root: Path) -> bool:
    return word(root / "proc/device-tree/model").startswith("Raspberry Pi")


def _bits(question: Callable[[], str], found: Findings) -> None:
    word = found.ask("throttling of the Raspberry Pi", lambda: parse_throttled(question()))
    if word is not None:
        found.throttled |= {name: bool(word >> bit & 1) for bit, name in LIVE.items()}
        found.counters |= {name: word >> bit & 1 for bit, name in SINCE_BOOT.items()}


def parse_throttled(told: str) -> int:
    """The throttle word: from "50005" of the file, or "throttled=0x50005" of the program.

    Raises:
        UnreadableError: something else was told.
    """
    match = _WORD.fullmatch(told.strip())
    if match is None:
        raise UnreadableError(_refusal(told))
    return int(match[1], 16)


def _refusal(told: str) -> str:
    """Why `vcgencmd` gave no figures."""
    match = _REFUSAL.search(told)
    return match[1] if match and match[1] else f"not understood: {told[:_SHOWN]!r}"


def voltage_alarm(root: Path) -> Probe | None:
    """The under-voltage alarm of Linux's own driver; None where there is no such chip.

    Args:
        root: Where `sys` is mounted.
    """
    for name in entries(root / "sys/class/hwmon", "hwmon*/name"):
        alarm = name.with_name("in0_lcrit_alarm")
        if word(name) == "rpi_volt" and alarm.exists():
            return partial(_alarm, alarm)
    return None


def _alarm(path: Path, found: Findings) -> None:
    alarm = found.ask("under-voltage alarm", partial(whole, path))
    if alarm is not None:
        found.throttled["under-voltage alarm"] = alarm != 0


def parse_rails(told: str) -> Mapping[str, float]:
    """Watts by rail, of each rail whose current and voltage the power chip tells.

    Args:
        told: By `vcgencmd pmic_read_adc`.

    Raises:
        UnreadableError: no rail has both, as on every model before the fifth.
    """
    channels = {(name, unit): float(value) for name, unit, value in _CHANNEL.findall(told)}
    amperes = {name: value for (name, unit), value in channels.items() if unit == "A"}
    watts = {
        name: current * channels[name, "V"]
        for name, current in amperes.items()
        if (name, "V") in channels
    }
    if not watts:
        raise UnreadableError(_refusal(told))
    return watts
