"""A host as the user names it, and the command that connects to it."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from fmnist_edge.errors import HostUnreachableError, UsageError
from fmnist_edge.records import Record

# A connection that says nothing for a minute is dead; a host that is off is given up after 20 s.
_OPTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "serveraliveinterval": ("0", "ServerAliveInterval=15"),
    "serveralivecountmax": ("3", "ServerAliveCountMax=4"),
    "connecttimeout": ("none", "ConnectTimeout=20"),
}
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
NO_CLIENT: Final = "The program ssh is not installed here."
NO_CLIENT_HINT: Final = "Install OpenSSH's client; on Debian: sudo apt install openssh-client"


class Destination(Record):
    """A host, and the configuration of ssh that knows it.

    Args:
        address: As `ssh` takes it: `[user@]host`, a name of the configuration, or `ssh://...`.
        config: The file that takes the place of the user's configuration of ssh; empty for that.
    """

    address: str
    config: str = ""

    @property
    def name(self) -> str:
        """What the host is called in results and on the screen: the address without the user."""
        return self.address.removeprefix("ssh://").rpartition("@")[2].rstrip("/")

    @property
    def file_name(self) -> str:
        """The name, as part of the name of a file."""
        return _UNSAFE.sub("-", self.name)


def destination(address: str, config: Path | None = None) -> Destination:
    """Return the host that an address means.

    Raises:
        UsageError: It is none.
    """
    told = Destination(address, str(config.absolute()) if config is not None else "")
    if address.startswith("-") or not told.name or re.search(r"[\s\x00-\x1f]", address):
        raise UsageError(
            f"{address!r} is no host.",
            hint="Name it as ssh does: pi@raspberrypi.local, or a Host of your ssh configuration.",
        )
    return told


def connecting(to: Destination, command: str) -> Sequence[str]:
    """Return what connects to a host and executes a command there.

    The user's configuration decides about everything that it names. Nothing is ever switched off.

    Args:
        to: The host.
        command: For the shell there.

    Raises:
        HostUnreachableError: There is no ssh, or it refuses its configuration.
    """
    start = ["ssh", *(["-F", to.config] if to.config else [])]
    known = _configuration([*start, "-G", "--", to.address], to)
    options = [
        option for name, (default, option) in _OPTIONS.items() if known.get(name) in {None, default}
    ]
    if not can_ask():
        options.append("BatchMode=yes")
    # Without a terminal there (-T) and without anything forwarded but what the user configured.
    return [*start, "-T", *(f"-o{each}" for each in options), "--", to.address, command]


def can_ask() -> bool:
    """Return whether ssh could ask the user for a password or about a host's key."""
    if os.environ.get("SSH_ASKPASS"):
        return True
    with suppress(OSError):
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
        return True
    return False


def _configuration(command: Sequence[str], to: Destination) -> Mapping[str, str]:
    """Return what ssh is going to do, by the names of its options in lower case."""
    try:
        done = subprocess.run(  # noqa: S603 - the user's ssh; no shell reads the address
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise HostUnreachableError(NO_CLIENT, hint=NO_CLIENT_HINT) from error
    if done.returncode:
        said = " ".join(done.stderr.strip().splitlines()[-1:]).rstrip(".")
        raise HostUnreachableError(
            f"{to.name} cannot be reached: ssh says: {said}.",
            hint=f"See whether this works: ssh {to.address}",
        )
    pairs = (line.partition(" ") for line in done.stdout.splitlines())
    return {name: value for name, _, value in pairs}
