"""The hosts that tests reach over SSH are what the tests take them for."""

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ssh_hosts
from tests.commands import CommandLine
from tests.ssh_hosts import FOREIGN_KEY, UNKNOWN, Host, Hosts


@pytest.mark.parametrize("name", ssh_hosts.NAMES)
def test_a_host_is_entered_with_a_key(over_ssh: CommandLine, hosts: Hosts, name: str) -> None:
    done = over_ssh.execute(["ssh", name, "echo $HOME; python3 -c 'import sys; print(sys.prefix)'"])
    assert done.returncode == 0, done.stderr + hosts[name].log
    assert done.stdout.splitlines() == [str(hosts[name].home), sys.base_prefix]
    assert "Accepted publickey" in hosts[name].log


def test_a_host_has_caches_of_its_own(over_ssh: CommandLine) -> None:
    names = {name: over_ssh.execute(["ssh", name, "env"]).stdout for name in ssh_hosts.NAMES}
    for told in names.values():
        assert "XDG_" not in told
        assert "FMNIST_EDGE_DATA_DIR" not in told
    assert len({line for told in names.values() for line in told.split() if "HOME=" in line}) == 3


def test_a_client_with_another_key_is_refused(over_ssh: CommandLine) -> None:
    done = over_ssh.execute(["ssh", f"pi{FOREIGN_KEY}", "true"])
    assert done.returncode == 255
    assert "Permission denied (publickey)" in done.stderr


def test_a_host_whose_key_is_not_known_is_refused(over_ssh: CommandLine) -> None:
    done = over_ssh.execute(["ssh", f"pi{UNKNOWN}", "true"])
    assert done.returncode == 255
    assert "Host key verification failed" in done.stderr


def test_nothing_is_left_of_the_client_in_the_users_home(over_ssh: CommandLine) -> None:
    users = Path(pwd.getpwuid(os.getuid()).pw_dir) / ".ssh/known_hosts"
    before = users.read_bytes() if users.exists() else b""
    assert over_ssh.execute(["ssh", "pi", "true"]).returncode == 0
    assert (users.read_bytes() if users.exists() else b"") == before


@pytest.fixture
def own(hosts: Hosts) -> Host:
    """A host that a test may treat as it likes; it is up again afterwards."""
    return hosts["board"]


def _sleeping(
    over_ssh: CommandLine, hosts: Hosts, *, detached: bool = False
) -> subprocess.Popen[bytes]:
    """A command under way on the host, in the foreground or detached."""
    asleep = "sleep 300 </dev/null >/dev/null 2>&1"
    command = f"setsid {asleep} & echo started; wait" if detached else f"echo started; {asleep}"
    process = subprocess.Popen(
        [hosts.ssh, "board", command], env=over_ssh.environment, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"started\n"
    return process


def _programs(host: Host) -> set[str]:
    return {Path(f"/proc/{each}/comm").read_text().strip() for each in host.processes}


@pytest.mark.parametrize("detached", [False, True])
def test_a_connection_is_cut_and_what_was_detached_goes_on(
    over_ssh: CommandLine, hosts: Hosts, own: Host, *, detached: bool
) -> None:
    with _sleeping(over_ssh, hosts, detached=detached) as process:
        own.cut()
        assert process.wait(20) == 255
    assert own.is_up
    assert over_ssh.execute(["ssh", "board", "true"]).returncode == 0
    assert "sleep" in _programs(own)
    own.close()
    assert own.processes == []
    own.start()


def test_a_server_that_crashed_takes_its_connections_along_and_starts_again(
    over_ssh: CommandLine, hosts: Hosts, own: Host
) -> None:
    with _sleeping(over_ssh, hosts) as process:
        own.crash()
        assert process.wait(20) == 255
    refused = over_ssh.execute(["ssh", "board", "true"])
    assert refused.returncode == 255
    assert "Connection refused" in refused.stderr
    own.close()
    own.start()
    assert over_ssh.execute(["ssh", "board", "true"]).returncode == 0


def test_a_host_may_have_no_python_of_its_own(over_ssh: CommandLine, own: Host) -> None:
    own.has_python(None)
    try:
        done = over_ssh.execute(["ssh", "board", "command -v python3"])
    finally:
        own.has_python(Path(sys.executable).resolve())
    assert not done.stdout.startswith(str(own.folder))
