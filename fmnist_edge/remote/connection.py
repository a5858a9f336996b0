"""A connection to a host: requests and answers over one ssh process."""

import json
import shlex
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

from fmnist_edge.errors import (
    EnvironmentNotMadeError,
    FmnistEdgeError,
    HostUnreachableError,
    HostUnusableError,
    StorageError,
)
from fmnist_edge.remote import there
from fmnist_edge.remote.destination import NO_CLIENT, NO_CLIENT_HINT, Destination, connecting

Note = Callable[[str], None]

_READY: Final = "fmnist-edge-is-connected"
_NO_PYTHON: Final = "fmnist-edge-found-no-python"
# The newest first, and then what distributions call theirs.
_PYTHONS: Final = ("python3", "python3.14", "python3.13", "python3.12", "python3.11")
# What a shell that nobody logged into may not have on its path.
_PLACES: Final = "$HOME/.local/bin:/usr/local/bin:/opt/homebrew/bin"
# Reads its program from the connection; the requests follow it there.
_BOOT: Final = (
    "import sys; s = sys.stdin.buffer; "
    "exec(compile(s.read(int(s.readline())), '<fmnist-edge>', 'exec'))"
)
_SCRIPT: Final = """\
PATH="$PATH:{places}"
old=
for python in {pythons}; do
  command -v "$python" >/dev/null 2>&1 || continue
  if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' </dev/null 2>/dev/null; then
    echo; echo {ready}
    exec "$python" -I -c {boot}
  fi
  old="$old $python=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)"
done
echo; echo "{none}$old"
"""
_CHUNK: Final = 1 << 16
_UNREACHABLE: Final = 255
_LINES_KEPT: Final = 30
_MOST_NOISE: Final = 2_000
_END_SECONDS: Final = 5.0

# What ssh says, by a part of it, and what to do about it.
_CURES: Final[Mapping[str, str]] = {
    "REMOTE HOST IDENTIFICATION HAS CHANGED": (
        "The key of {host} is not the one that is known. If the machine was set up anew, remove "
        "the old key with ssh-keygen -R {host}, connect once with ssh {address}, and compare the "
        "fingerprint; otherwise somebody may be in between."
    ),
    "Host key verification failed": (
        "The key of {host} is not known here. Connect once with ssh {address}, compare the "
        "fingerprint, and accept it."
    ),
    "Permission denied": (
        "Let your key in there with ssh-copy-id {address}, or load it with ssh-add; see whether "
        "this works: ssh {address}"
    ),
    "Could not resolve": "Check the name, and whether the machine is on the network.",
}
_OTHERWISE: Final = "See whether the machine is on and this works: ssh {address}"


class ConnectionLostError(Exception):
    """A connection that stood has ended; what it was told to do may have been done or not."""


class Refused(Exception):  # noqa: N818 - an answer, which its reader turns into an error
    """The host cannot fulfil a request.

    Args:
        kind: One of those of `there.RefusalError`.
        message: Why, without a full stop.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind: Final = kind
        self.message: Final = message


class Connection:
    """One ssh process, and the program at its other end.

    Args:
        to: The host.
        python: Path of the Python there; empty to look for one.

    Raises:
        HostUnreachableError: ssh does not get through.
        HostUnusableError: There is no shell, or no Python that can be used.
    """

    def __init__(self, to: Destination, python: str = "") -> None:
        self._to = to
        self._said: deque[str] = deque(maxlen=_LINES_KEPT)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the user's ssh; shlex has quoted
                connecting(to, shell_command(python)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except FileNotFoundError as error:
            raise HostUnreachableError(NO_CLIENT, hint=NO_CLIENT_HINT) from error
        assert self._process.stdin and self._process.stdout and self._process.stderr  # noqa: PT018, S101
        self._in: IO[bytes] = self._process.stdin
        self._out: IO[bytes] = self._process.stdout
        self._listener = threading.Thread(
            target=self._listen, args=(self._process.stderr,), daemon=True
        )
        self._listener.start()
        try:
            self._await_python(python)
            self._send_program()
        except BaseException:
            self.close()
            raise

    def _listen(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._said.append(line.decode(errors="replace").strip())

    def _await_python(self, named: str) -> None:
        """Read until the shell there has found a Python; a login may print other things before."""
        for _ in range(_MOST_NOISE):
            line = self._out.readline()
            text = line.decode(errors="replace").strip()
            if text == _READY:
                return
            if text.startswith(_NO_PYTHON):
                raise self._no_python(named, text.removeprefix(_NO_PYTHON).split())
            if not line:
                break
        raise self._failure()

    def _no_python(self, named: str, found: Sequence[str]) -> HostUnusableError:
        host = self._to.name
        old = ", ".join(each.replace("=", " is Python ") for each in found)
        what = old or (f"there is no {named}" if named else "there is no Python")
        return HostUnusableError(
            f"{host} cannot measure: {what}, and fmnist-edge needs Python 3.11 or newer.",
            hint=f"Install it on {host}, on Debian with: sudo apt install python3 python3-venv; or "
            "name another one with --remote-python PATH",
        )

    def _failure(self) -> FmnistEdgeError:
        """Return why there is no connection, when ssh has ended."""
        code = self._ended()
        said = self._last_words()
        host, address = self._to.name, self._to.address
        text = "\n".join(said)
        cure = next((cure for part, cure in _CURES.items() if part in text), _OTHERWISE)
        last = said[-1].rstrip(".") if said else f"it ended with {code} and said nothing"
        if code == _UNREACHABLE:
            return HostUnreachableError(
                f"{host} cannot be reached: ssh says: {last}.",
                hint=cure.format(host=host, address=address),
            )
        return HostUnusableError(
            f"{host} executes no commands: {last}.",
            hint=f"See whether this prints a name: ssh {address} uname",
        )

    def _ended(self) -> int:
        """Return the exit code of ssh, which is about to end or has to."""
        try:
            code = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        return code

    def _last_words(self) -> Sequence[str]:
        """Return what ssh said before its end.

        A connection that others share (`ControlPersist`) may hold the stream for longer, so that
        its end is not waited for in vain.
        """
        self._listener.join(_END_SECONDS)
        return [line for line in self._said if line]

    def _send_program(self) -> None:
        source = Path(there.__file__).read_bytes()
        self._write(b"%d\n" % len(source) + source)

    def _write(self, payload: bytes) -> None:
        try:
            self._in.write(payload)
            self._in.flush()
        except (OSError, ValueError) as error:
            raise self._lost() from error

    def _lost(self) -> ConnectionLostError:
        self._ended()
        said = self._last_words()
        return ConnectionLostError(said[-1].rstrip(".") if said else "it ended")

    def ask(
        self, request: Mapping[str, object], *, payload: bytes = b"", note: Note = lambda _: None
    ) -> Mapping[str, Any]:
        """Ask the host for something, and return its answer.

        Args:
            request: What `there` takes.
            payload: Bytes that follow it.
            note: Told what the host says meanwhile.

        Raises:
            ConnectionLostError: The connection ended before the answer.
            Refused: The host cannot do it.
        """
        self._write(json.dumps(request).encode() + b"\n")
        for start in range(0, len(payload), _CHUNK):
            self._write(payload[start : start + _CHUNK])
        while True:
            told = self._answer()
            if "note" in told:
                note(told["note"])
            elif "refused" in told:
                raise Refused(told["refused"], told["message"])
            else:
                done: Mapping[str, Any] = told["done"]
                return done

    def _answer(self) -> Mapping[str, Any]:
        try:
            line = self._out.readline()
            told: Mapping[str, Any] = json.loads(line)
        except ValueError as error:  # half a line, none, or a file that was closed meanwhile
            raise self._lost() from error
        return told

    def read(self, size: int) -> bytes:
        """Return the bytes that follow an answer.

        Raises:
            ConnectionLostError: There are fewer.
        """
        found = self._out.read(size)
        if len(found) < size:
            raise self._lost()
        return found

    def abandon(self) -> None:
        """End ssh, without touching the streams that another thread may be reading."""
        self._process.terminate()

    def close(self) -> None:
        """End the connection, and with it the program at its other end."""
        for stream in (self._in, self._out):
            try:
                stream.close()
            except OSError:
                continue  # what was still to be sent goes nowhere
        self._ended()


def shell_command(python: str) -> str:
    """Return the command that starts the Python of a host, whatever shell the user has there.

    Args:
        python: Path of that Python; empty to look for one.
    """
    script = _SCRIPT.format(
        places=_PLACES,
        pythons=shlex.quote(python) if python else " ".join(_PYTHONS),
        ready=_READY,
        none=_NO_PYTHON,
        boot=shlex.quote(_BOOT),
    )
    # One line, because some shells take no newline within quotes.
    return f"exec sh -c {shlex.quote('; '.join(_joined(script)))}"


def _joined(script: str) -> Sequence[str]:
    """Return the commands of the script; `do` and `then` are not followed by a semicolon."""
    joined: list[str] = []
    for line in filter(None, map(str.strip, script.splitlines())):
        if joined and joined[-1].endswith((" do", " then")):
            joined[-1] += f" {line}"
        else:
            joined.append(line)
    return joined


def error_of(refused: Refused, host: str) -> FmnistEdgeError:
    """Return the error that a refusal of a host is for the user."""
    if refused.kind == "environment":
        full = "No space left" in refused.message
        return (StorageError if full else EnvironmentNotMadeError)(
            f"On {host}: {refused.message.rstrip('.')}.",
            hint=f"Free some space on {host}."
            if full
            else "Name the runtimes that the host can have with --runtime, or check its network; "
            "--wheels FOLDER installs there without network.",
        )
    if refused.kind == "storage":
        return StorageError(
            f"On {host}: cannot write {refused.message.rstrip('.')}.",
            hint=f"Free some space on {host}, or check who may write there.",
        )
    return HostUnusableError(
        f"On {host}: {refused.message.rstrip('.')}.", hint="Run the command again."
    )
