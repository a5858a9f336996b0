"""Hosts that a test can reach over SSH: real servers on loopback, with homes of their own.

Each host is an sshd process of the user who runs the tests, with a port, a key and a home folder of
its own. What is started there inherits `MARK`, by which it is found when everything ends. The
client's programs look for their settings in the home of the user whatever `HOME` says, so a wrapper
that names other settings stands first on the PATH.
"""

import os
import pwd
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests import system_parts
from tests.commands import children

# Processes of a host have it in their environment, with the folder of the host.
MARK: Final = "FMNIST_EDGE_TESTS_HOST"
NAMES: Final = ("pi", "laptop", "board")
# Behind the name of a host: the same host, reached with a key that opens nothing, and by a client
# that does not know the key of the host.
FOREIGN_KEY: Final = "-with-foreign-key"
UNKNOWN: Final = "-unknown"
_PATIENCE: Final = 20.0
_LOOK_AGAIN: Final = 0.01
# sshd demands it of root: an empty folder, and a user called sshd, which comes with the package.
_ROOTS_FOLDER: Final = Path("/run/sshd")
# Newer servers make a client wait that was refused before, which tests are all the time.
_IF_KNOWN: Final = ("PerSourcePenalties no",)


def _key(path: Path) -> Path:
    """Make a key without passphrase."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _sshd() -> Path:
    found = system_parts.this_machine().program("sshd")
    assert found is not None, system_parts.absence("openssh-server")
    return found


def descendants(process: int) -> list[int]:
    """The processes below a process, the nearest first."""
    found = children(process)
    for each in found:
        found += children(each)
    return found


@dataclass
class Host:
    """A server, and the home that its users have.

    Args:
        name: What the client calls it.
        folder: Its folder.
        variables: What a process there finds in its environment besides `HOME` and `MARK`. A change
            counts from the next start on.
        forced: What is executed in place of what a client asks for; empty for that.
        key: Its key.
        port: Where it listens.
    """

    name: str
    folder: Path
    authorized: Path
    variables: MutableMapping[str, str] = field(default_factory=dict)
    forced: str = ""
    key: Path = field(init=False)
    port: int = field(default_factory=_free_port)
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True)
        self.programs.mkdir()
        self.key = _key(self.folder / "host_key")
        self.has_python(Path(sys.executable).resolve())

    @property
    def home(self) -> Path:
        """The home folder there."""
        return self.folder / "home"

    @property
    def programs(self) -> Path:
        """A folder that is first on the PATH there."""
        return self.folder / "programs"

    @property
    def log(self) -> str:
        """What the server says."""
        return (self.folder / "log").read_text(errors="replace")

    @property
    def is_up(self) -> bool:
        """Whether the server runs."""
        return self._process is not None and self._process.poll() is None

    def has_python(self, python: Path | None) -> None:
        """Let the host have this Python as `python3`, or none of its own."""
        link = self.programs / "python3"
        link.unlink(missing_ok=True)
        if python is not None:
            link.symlink_to(python)

    def start(self) -> None:
        """Start the server, and wait until it listens."""
        assert not self.is_up
        config = self._configure()
        self._process = subprocess.Popen(
            [_sshd(), "-D", "-f", config, "-E", self.folder / "log"],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        end = time.monotonic() + _PATIENCE
        while not self._listens():
            assert self.is_up, self.log
            assert time.monotonic() < end, self.log
            time.sleep(_LOOK_AGAIN)

    def _listens(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def _configure(self) -> Path:
        """Write the settings of the server."""
        # Some systems have no python3 but the one of the tests; other programs are the system's.
        path = {"PATH": f"{self.programs}:/usr/local/bin:/usr/bin:/bin"}
        variables = {**path, **self.variables, "HOME": str(self.home), MARK: str(self.folder)}
        settings = " ".join(f'"{name}={value}"' for name, value in variables.items())
        lines = [
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f'HostKey "{self.key}"',
            "PidFile none",
            f'AuthorizedKeysFile "{self.authorized}"',
            # The folders above that of the tests are anybody's.
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin prohibit-password",
            "PrintMotd no",
            "UseDNS no",
            "LogLevel VERBOSE",
            f"SetEnv {settings}",
        ]
        lines += [f"ForceCommand {self.forced}"] if self.forced else []
        config = self.folder / "sshd_config"
        for more in _IF_KNOWN:
            config.write_text("\n".join([*lines, more, ""]))
            tried = subprocess.run([_sshd(), "-t", "-f", config], capture_output=True, check=False)
            lines += [more] if tried.returncode == 0 else []
        config.write_text("\n".join([*lines, ""]))
        return config

    @property
    def connections(self) -> Sequence[int]:
        """The processes of the server's that hold a connection each, and those that they begot."""
        return descendants(self._process.pid) if self._process is not None and self.is_up else ()

    def cut(self) -> None:
        """End every connection as a power failure of the network would: nobody is told anything.

        What was started over them goes on, if it can.
        """
        for process in self.connections:
            if _command(process).startswith("sshd"):
                _kill(process)

    def stop(self) -> None:
        """Let the server take no more connections; those that it has go on."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_PATIENCE)

    def crash(self) -> None:
        """Kill the server and all of its connections."""
        if self._process is not None:
            held = [each for each in self.connections if _command(each).startswith("sshd")]
            self._process.kill()
            self._process.wait(_PATIENCE)
            for process in held:
                _kill(process)

    def restart(self) -> None:
        """Start the server anew with what was changed; connections end."""
        self.crash()
        self.start()

    @property
    def processes(self) -> Sequence[int]:
        """What runs on the host, detached from its connection or not."""
        mark = f"{MARK}={self.folder}".encode()
        return [process for process in _all_processes() if mark in _environment(process)]

    def close(self) -> None:
        """End the server and all that was started on the host."""
        self.crash()
        for process in self.processes:
            _kill(process)
        end = time.monotonic() + _PATIENCE
        while self.processes and time.monotonic() < end:
            time.sleep(_LOOK_AGAIN)


@contextmanager
def small_disk(host: Host, megabytes: int) -> Iterator[None]:
    """Let the home of a host lie on a disk of its own, which is empty at the beginning.

    Where only a namespace may have such a disk, each connection has an empty one.
    """
    way = system_parts.this_machine().mounting
    assert way is not None, system_parts.absence("small-disk")
    options = f"size={megabytes}m,uid={os.getuid()},mode=755"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs"]
    if way == system_parts.IN_A_NAMESPACE:
        mount[mount.index(options)] = f"size={megabytes}m"  # the only user there is root
        inside = f'{shlex.join(mount)} "$HOME" && exec sh -c "$SSH_ORIGINAL_COMMAND"'
        host.forced = shlex.join([*way, "sh", "-c", inside])
        host.restart()
        yield
        host.forced = ""
        host.restart()
        return
    subprocess.run([*way, *mount, host.home], check=True, capture_output=True)
    try:
        yield
    finally:
        # Lazily: a process of the host may still stand in it for a moment.
        subprocess.run([*way, "umount", "--lazy", host.home], check=True, capture_output=True)


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return  # it has ended by itself


def _all_processes() -> Iterator[int]:
    yield from (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())


def _environment(process: int) -> list[bytes]:
    """The environment that a process was started with; nothing of one that is not the user's."""
    try:
        return Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _command(process: int) -> str:
    """What a process calls itself."""
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return Path(words[0].decode(errors="replace").split(":")[0]).name


@dataclass
class Hosts:
    """The hosts of a run of the tests, and the client that knows them.

    Args:
        folder: Their folder.
    """

    folder: Path
    _hosts: dict[str, Host] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if os.geteuid() == 0:
            _ROOTS_FOLDER.mkdir(mode=0o755, exist_ok=True)
        self.client.mkdir(parents=True)
        self.authorized = self.client / "authorized_keys"
        key = _key(self.client / "key")
        shutil.copy(key.with_suffix(".pub"), self.authorized)
        _key(self.client / "foreign_key")
        self.known_hosts.touch()
        program = shutil.which("ssh")
        assert program is not None, system_parts.absence("openssh-server")
        self.ssh.parent.mkdir()
        self.ssh.write_text(f'#!/bin/sh\nexec "{program}" -F "{self.settings}" "$@"\n')
        self.ssh.chmod(0o755)

    def __getitem__(self, name: str) -> Host:
        return self._hosts[name]

    def __iter__(self) -> Iterator[Host]:
        return iter(self._hosts.values())

    @property
    def client(self) -> Path:
        """The folder with what the client knows and has."""
        return self.folder / "client"

    @property
    def settings(self) -> Path:
        """The settings of the client, in place of `~/.ssh/config`."""
        return self.client / "config"

    @property
    def known_hosts(self) -> Path:
        """The keys of the hosts that the client knows."""
        return self.client / "known_hosts"

    @property
    def ssh(self) -> Path:
        """The client, which has these settings."""
        return self.client / "bin/ssh"

    @property
    def variables(self) -> Mapping[str, str]:
        """What lets a process find the hosts."""
        return {"PATH": f"{self.ssh.parent}{os.pathsep}{os.environ['PATH']}"}

    def add(self, name: str, folder: Path | None = None) -> Host:
        """Start another host, which the client knows and may enter."""
        assert name not in self._hosts
        host = Host(name, folder or self.folder / name, self.authorized)
        host.start()
        self._hosts[name] = host
        self.know(host)
        self._configure()
        return host

    def know(self, host: Host) -> None:
        """Let the client know the key of a host."""
        key = host.key.with_suffix(".pub").read_text().rsplit(" ", 1)[0]
        with self.known_hosts.open("a") as known:
            known.write(f"[127.0.0.1]:{host.port} {key}\n")

    def _configure(self) -> None:
        user = pwd.getpwuid(os.getuid()).pw_name
        blocks = []
        for host in self._hosts.values():
            for ending, key, known in (
                ("", self.client / "key", self.known_hosts),
                (FOREIGN_KEY, self.client / "foreign_key", self.known_hosts),
                (UNKNOWN, self.client / "key", self.client / "knows_nobody"),
            ):
                blocks += [
                    f"Host {host.name}{ending}",
                    f"  Port {host.port}",
                    f'  IdentityFile "{key}"',
                    f'  UserKnownHostsFile "{known}"',
                ]
        rest = (
            *("Host *", "  HostName 127.0.0.1", f"  User {user}", "  IdentitiesOnly yes"),
            *("  IdentityAgent none", f"  GlobalKnownHostsFile {os.devnull}"),
            "  BatchMode yes",  # nobody is there to answer
        )
        self.settings.write_text("\n".join([*blocks, *rest, ""]))

    def close(self) -> None:
        """End all of it."""
        for host in self._hosts.values():
            host.close()

    @property
    def processes(self) -> Sequence[int]:
        """What is left of it."""
        return [process for host in self._hosts.values() for process in host.processes]
