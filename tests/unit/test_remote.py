"""What this side does about a host, and what answers there, without a network in between."""

import fcntl
import hashlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pytest

from fmnist_edge.errors import HostUnreachableError, UsageError
from fmnist_edge.pipeline.host_preparation import extras_for
from fmnist_edge.records import replace
from fmnist_edge.remote import state, there
from fmnist_edge.remote.connection import shell_command
from fmnist_edge.remote.destination import Destination, connecting, destination
from fmnist_edge.remote.host import Look
from fmnist_edge.remote.state import HostRun
from fmnist_edge.remote.wheels import fitting
from fmnist_edge_cli.commands import load
from fmnist_edge_cli.host_options import forwarded
from tests.commands import CommandLine

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "artifacts/reference"


# The host as the user names it


@pytest.mark.parametrize(
    ("address", "name", "file_name"),
    [
        ("pi@raspberrypi.local", "raspberrypi.local", "raspberrypi.local"),
        ("laptop", "laptop", "laptop"),
        ("ssh://ada@box:2222", "box:2222", "box-2222"),
        ("ada@[fe80::1]", "[fe80::1]", "-fe80-1-"),
    ],
)
def test_a_host_is_called_as_its_address_without_the_user(
    address: str, name: str, file_name: str
) -> None:
    told = destination(address)
    assert (told.name, told.file_name) == (name, file_name)


@pytest.mark.parametrize("address", ["-oProxyCommand=reboot", "", "ada@", "two words", "a\nb"])
def test_what_is_no_address_never_reaches_ssh(address: str) -> None:
    with pytest.raises(UsageError, match="is no host"):
        destination(address)


def _config(folder: Path, text: str) -> Path:
    path = folder / "config"
    path.write_text(text)
    return path


def test_the_users_configuration_decides_about_what_it_names(tmp_path: Path) -> None:
    config = _config(tmp_path, "Host box\n  ServerAliveInterval 7\n  ConnectTimeout 3\n")
    command = connecting(destination("box", config), "true")
    assert command[:3] == ["ssh", "-F", str(config)]
    assert command[-3:] == ["--", "box", "true"]
    options = " ".join(command)
    assert "ServerAliveInterval" not in options
    assert "ConnectTimeout" not in options


def test_a_dead_connection_is_noticed_and_nothing_is_switched_off(tmp_path: Path) -> None:
    command = connecting(destination("box", _config(tmp_path, "")), "true")
    given = [each for each in command if each.startswith("-o")]
    assert given[:2] == ["-oServerAliveInterval=15", "-oServerAliveCountMax=4"]
    assert not [each for each in given if "HostKey" in each or "KnownHosts" in each]


def test_a_configuration_that_ssh_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    config = _config(tmp_path, "NoSuchOption yes\n")
    with pytest.raises(HostUnreachableError, match=r"(?i)nosuchoption|bad configuration"):
        connecting(destination("box", config), "true")


# The shell there


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("python", ["", sys.executable])
def test_any_shell_starts_a_python_that_takes_its_program_from_the_connection(
    shell: str, python: str
) -> None:
    program = b"print('at work')"
    done = subprocess.run(
        [shell, "-c", shell_command(python)],
        input=b"%d\n%s" % (len(program), program),
        capture_output=True,
        check=True,
    )
    assert done.stdout.split(b"\n")[-3:] == [b"fmnist-edge-is-connected", b"at work", b""]


def test_a_python_may_lie_in_a_folder_with_spaces_and_quotes(tmp_path: Path) -> None:
    folder = tmp_path / "it's $HOME; a folder"
    folder.mkdir()
    (folder / "python").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    (folder / "python").chmod(0o755)
    with _answering(tmp_path, python=str(folder / "python")) as there_:
        assert there_.ask(do="look")["done"]["bits"] == 64


def test_a_python_that_is_too_old_is_named_with_its_version(tmp_path: Path) -> None:
    old = tmp_path / "old"
    # As Python 3.9 answers the two questions that it is asked.
    old.write_text('#!/bin/sh\ncase "$2" in *exit*) exit 1;; *) echo 3.9;; esac\n')
    old.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", "-c", shell_command(str(old))], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"fmnist-edge-found-no-python {old}=3.9"


# What answers there


@dataclass(frozen=True)
class Answering:
    """The program of the host, started as over ssh, with a home of its own."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        return self.process.stdin, self.process.stdout

    def ask(self, payload: bytes = b"", **request: object) -> Mapping[str, Any]:
        given, told = self._pipes
        given.write(json.dumps(request).encode() + b"\n" + payload)
        given.flush()
        answer: Mapping[str, Any] = json.loads(told.readline())
        return answer

    def put(self, payload: bytes, sha256: str) -> Mapping[str, Any]:
        return self.ask(payload, do="put", sha256=sha256, name="a b.zip", size=len(payload))


@contextmanager
def _answering(home: Path, python: str = sys.executable) -> Iterator[Answering]:
    source = Path(there.__file__).read_bytes()
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    with subprocess.Popen(
        ["/bin/sh", "-c", shell_command(python)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"%d\n" % len(source) + source)
        process.stdin.flush()
        while process.stdout.readline().strip() != b"fmnist-edge-is-connected":
            pass
        yield Answering(process, home / ".cache/fmnist-edge/remote")
        process.stdin.close()
        assert process.wait(10) == 0


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Answering]:
    with _answering(tmp_path) as found:
        yield found


def test_a_host_tells_what_it_is(answering: Answering) -> None:
    told = answering.ask(do="look")["done"]
    assert told["folder"] == str(answering.folder)
    assert told["busy"] == ""
    assert told["free_bytes"] > 0
    assert set(told) == set(Look.__struct_fields__)


def test_a_file_is_taken_once_and_only_with_the_right_hash(answering: Answering) -> None:
    payload = os.urandom(700_000)
    sha256 = hashlib.sha256(payload).hexdigest()
    wanted = [[sha256, "a b.zip"]]
    assert answering.ask(do="missing", files=wanted)["done"] == {"files": wanted}
    refused = answering.put(payload[:-1] + b"x", sha256)
    assert refused["refused"] == "request"
    assert answering.ask(do="missing", files=wanted)["done"] == {"files": wanted}
    assert answering.put(payload, sha256) == {"done": {}}
    assert answering.ask(do="missing", files=wanted)["done"] == {"files": []}
    assert [path.name for path in answering.folder.rglob("*") if path.is_file()] == ["a b.zip"]


def test_what_a_killed_connection_left_of_a_file_is_cleared_away(answering: Answering) -> None:
    payload = b"whole"
    sha256 = hashlib.sha256(payload).hexdigest()
    folder = answering.folder / "files" / sha256
    folder.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    (folder / f".a b.zip.{ended.pid}.partial").write_text("ha")
    assert answering.put(payload, sha256) == {"done": {}}
    assert [path.name for path in folder.iterdir()] == ["a b.zip"]


def test_a_folder_that_cannot_be_written_to_is_told_and_the_next_question_answered(
    answering: Answering,
) -> None:
    answering.folder.parent.mkdir(parents=True)
    answering.folder.write_text("no folder")
    payload = bytes(600_000)
    told = answering.put(payload, hashlib.sha256(payload).hexdigest())
    assert told["refused"] == "storage"
    assert str(answering.folder) in told["message"]
    answering.folder.unlink()
    assert answering.ask(do="look")["done"]["busy"] == ""


def test_a_run_that_is_not_there_is_unknown(answering: Answering) -> None:
    assert answering.ask(do="state", run="abc")["done"] == {"state": "unknown"}


def test_a_run_without_an_end_whose_processes_are_gone_has_died(answering: Answering) -> None:
    folder = answering.folder / "runs/abc"
    folder.mkdir(parents=True)
    (folder / "alive").write_text("")
    assert answering.ask(do="state", run="abc")["done"] == {"state": "died"}
    with (folder / "alive").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert answering.ask(do="state", run="abc")["done"] == {"state": "running"}
        assert answering.ask(do="remove", run="abc")["refused"] == "request"
    assert answering.ask(do="remove", run="abc") == {"done": {}}
    assert not folder.exists()


def test_the_log_is_told_from_a_place_on_whatever_bytes_it_holds(answering: Answering) -> None:
    folder = answering.folder / "runs/abc"
    folder.mkdir(parents=True)
    (folder / "end.json").write_text('{"code": 0}')
    (folder / "log").write_bytes(b"first\nsec\xffond\n")
    noted = answering.ask(do="follow", run="abc", offset=6)["note"]
    assert noted.encode(errors="surrogateescape") == b"sec\xffond\n"


# The lock of a machine


def _runner(folder: Path, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fmnist_edge.remote.runner", folder],
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_second_run_is_told_who_measures_and_leaves_nothing_running(tmp_path: Path) -> None:
    base = tmp_path / ".cache/fmnist-edge/remote"
    folder = base / "runs/second"
    folder.mkdir(parents=True)
    (folder / "job.json").write_text(json.dumps({"who": "bob@desk", "bundle": "x", "options": []}))
    with (base / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(json.dumps({"who": "ada@laptop", "run": "first"}))
        lock.flush()
        with _answering(tmp_path) as answering:
            assert answering.ask(do="look")["done"]["busy"] == "ada@laptop"
        done = _runner(folder, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((folder / "end.json").read_text()) == {"busy": "ada@laptop"}
    assert not (folder / "begun").exists()


def test_the_lock_is_free_again_when_a_run_has_ended(tmp_path: Path) -> None:
    base = tmp_path / ".cache/fmnist-edge/remote"
    for name in ("first", "second"):
        folder = base / "runs" / name
        folder.mkdir(parents=True)
        job = {"who": "ada@laptop", "bundle": str(tmp_path / "none.zip"), "options": []}
        (folder / "job.json").write_text(json.dumps(job))
        assert _runner(folder, tmp_path).returncode == 0
        end = json.loads((folder / "end.json").read_text())
        assert (end["code"], end["size"]) == (20, 0)  # there is no such bundle
        assert "Error: " in (folder / "log").read_text()


# What this side writes down


def _run(name: str, host: str, created: str) -> HostRun:
    return HostRun(name, Destination(host), "", created, "0" * 64, ("--quick",), "/tmp/r.json")  # noqa: S108 - written nowhere


def test_runs_are_known_until_they_are_forgotten_the_first_one_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    later, first = _run("b", "pi@box", "2026-02-02"), _run("a", "laptop", "2026-01-01")
    for each in (later, first):
        state.keep(each)
    (state.state_folder() / "damaged.json").write_text("{")
    assert state.known() == [first, later]
    assert state.known(["box"]) == [later]
    state.forget(later)
    assert state.known() == [first]


# What is installed there


_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_LOOK = Look("3.11.2", "Linux", "aarch64", 64, _NOW, 1, "/x", "", can_make_environments=True)


def test_only_wheels_that_fit_are_copied(tmp_path: Path) -> None:
    names = [
        "numpy-2.2.0-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl",
        "numpy-2.2.0-cp312-cp312-manylinux_2_17_aarch64.whl",
        "numpy-2.2.0-cp311-cp311-manylinux_2_17_x86_64.whl",
        "rich-14.0.0-py3-none-any.whl",
        "fast-1.0-cp39-abi3-manylinux_2_17_aarch64.whl",
        "fmnist_edge-0.1.0-py3-none-any.whl",
        "no-wheel.whl",
    ]
    for name in names:
        (tmp_path / name).touch()
    assert [path.name for path in fitting(tmp_path, _LOOK)] == sorted(
        [names[0], names[3], names[4]]
    )
    (tmp_path / names[3]).unlink()
    with pytest.raises(UsageError, match=r"no wheel for Python 3\.11\.2 on riscv64"):
        fitting(tmp_path, replace(_LOOK, machine="riscv64"))


@pytest.mark.parametrize(
    ("names", "runtimes", "extras"),
    [
        (["nano-int8.tflite"], [], ("litert",)),
        (["nano-int8.tflite"], ["openvino", "null"], ("openvino",)),
        (["nano-float32.keras"], [], ()),
        (["nano-float32.keras"], ["tensorflow"], ("train",)),
        (["nano-int8.tflite", "nano-float32.keras"], ["onnxruntime", "litert"], ("litert",)),
    ],
)
def test_a_host_gets_what_the_files_need_and_tensorflow_only_if_named(
    names: Sequence[str], runtimes: Sequence[str], extras: tuple[str, ...]
) -> None:
    assert extras_for([REFERENCE / name for name in names], runtimes) == extras


# The command line


def test_options_for_the_benchmark_are_passed_on_as_they_were_given() -> None:
    given = (
        *("a.zip", "--host", "box", "--json", "x.json", "--wide", "-q", "--detach", "--force"),
        *("--quick", "--threads", "1,2", "--runtime", "litert", "--runtime", "null"),
        *("--rate", "12.5", "-v", "--wheels", "w", "--limit", "3"),
    )
    context = load("bench").make_context("bench", list(given))
    assert set(forwarded(context)) == {
        *("--quick", "--threads=1,2", "--runtime=litert", "--runtime=null", "--rate=12.5"),
        *("--verbose", "--limit=3.0"),
    }


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--detach"], "A host is needed."),
        (["--host", "a", "--attach", "--collect"], "--attach and --collect contradict each other."),
        (["--host", "a@b", "--host", "c@b"], "Two of the hosts are called b."),
        (["--host", "a", "--resume", "r.json"], "--resume cannot be combined with --host."),
        (["--host", "a", "--dry-run"], "--dry-run cannot be combined with --host."),
        (["--host", "a", "--data", "d.npz"], "--data cannot be combined with --host."),
        (["--host", "a", "--attach", "--quick"], "which --quick cannot change."),
        (["--host", "a", "--host", "b", "--json", "-"], "Several hosts have a result each."),
        (["--host", "a", "--attach"], "No benchmark is known that was begun on a from here."),
        (["--attach"], "No benchmark on another machine is known"),
        (["--host", "-oX"], "is no host"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_makes_no_sense_from_afar_is_refused_in_a_sentence(
    inside: CommandLine, arguments: Sequence[str], sentence: str
) -> None:
    done = inside("bench", *arguments)
    assert (done.returncode, done.stdout, done.speaks_plainly) == (2, "", True), done.stderr
    assert sentence in done.stderr
