"""What runs on a host while this program is connected to it: it answers requests.

The source of this module is sent over the connection and executed by a Python that is there before
anything is installed. So it needs the standard library alone, and always is of the same version as
the program that asks.

A request is a line of JSON on stdin; that of `put` is followed by the bytes of a file. The answer
is any number of lines `{"note": ...}` and one line `{"done": ...}` or `{"refused": ...}`; that of
`fetch` is followed by the bytes of a file. Nothing here depends on the wall clock or on the times
of files. A lock (`flock`) ends with the process that holds it, however that ends.
"""

import fcntl
import glob
import hashlib
import importlib.util
import json
import os
import platform
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from typing import IO, Any, Final

Request = Mapping[str, Any]
Answer = dict[str, Any]

# What marks an environment as whole; it is written last.
_MARK: Final = "environment.json"
_CHUNK: Final = 1 << 18
_TICK_SECONDS: Final = 0.3
_SHORT_SECONDS: Final = 0.05
# Python takes seconds to start on a small device that is busy.
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 15.0
_LONGEST: Final = 600
# No environment is smaller.
_SMALLEST_BYTES: Final = 50_000_000
_PIP: Final = ("--disable-pip-version-check", "--progress-bar", "off")


class RefusalError(Exception):
    """A request that cannot be fulfilled.

    Args:
        kind: "storage", "environment", "start" or "request".
        message: Why, without a full stop.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def base() -> Path:
    """Return the folder in which everything lies on this machine."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    cache = Path(named) if named.startswith("/") else Path.home() / ".cache"
    return cache / "fmnist-edge" / "remote"


def run_folder(run: str) -> Path:
    """Return the folder of a run."""
    return base() / "runs" / run


def look(_: Request) -> Answer:
    """Tell what this machine is, and what it has."""
    folder = base()
    while not folder.exists():
        folder = folder.parent
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "bits": sys.maxsize.bit_length() + 1,
        "now": datetime.now(UTC).isoformat(),
        "free_bytes": shutil.disk_usage(folder).free,
        "folder": str(base()),
        "busy": holder(),
        "can_make_environments": _uv() is not None
        or importlib.util.find_spec("ensurepip") is not None,
    }


def holder() -> str:
    """Return who is measuring on this machine; empty where nobody is."""
    lock = base() / "lock"
    if not is_locked(lock):
        return ""
    try:
        return str(json.loads(lock.read_text())["who"])
    except (OSError, ValueError, KeyError, TypeError):
        return "somebody else"  # who has just begun or just ended


def missing(asked: Request) -> Answer:
    """Tell which of these files are not here, by hash and name."""
    return {"files": [each for each in asked["files"] if not _file(*each).is_file()]}


def _file(sha256: str, name: str) -> Path:
    return base() / "files" / sha256 / name


def put(asked: Request, source: IO[bytes]) -> Answer:
    """Take a file, which takes its name only when its hash is the right one."""
    size, path = asked["size"], _file(asked["sha256"], asked["name"])
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    digest, failure, target = hashlib.sha256(), None, None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        target = partial.open("wb")
    except OSError as error:
        failure = error
    try:
        while size:  # to the last byte, or the next request would be read in the middle of a file
            chunk = source.read(min(size, _CHUNK))
            if not chunk:
                raise EOFError
            size -= len(chunk)
            digest.update(chunk)
            try:
                if target is not None and failure is None:
                    target.write(chunk)
            except OSError as error:
                failure = error
        _finish(target, failure)
        if digest.hexdigest() != asked["sha256"]:
            raise RefusalError("request", f"{path.name} arrived with another hash")
        partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return {}


def _sweep(path: Path) -> None:
    """Remove what connections left that were killed while they took this file."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        try:
            os.kill(int(leftover.name.split(".")[-2]), 0)
        except ProcessLookupError:
            leftover.unlink(missing_ok=True)
        except (PermissionError, ValueError):
            continue  # somebody is at work


def _finish(target: IO[bytes] | None, failure: OSError | None) -> None:
    """Let what was written reach the disk, or raise what went wrong before."""
    if target is not None:
        try:
            with target:
                target.flush()
                os.fsync(target.fileno())
        except OSError as error:
            failure = failure or error
    if failure is not None:
        raise failure


def environment(asked: Request, note: Callable[[str], None]) -> Answer:
    """Make an environment, or take the one that is here already.

    It lies in its own place from the beginning, because a virtual environment cannot be moved;
    without its mark, which is written last, it is nothing.
    """
    folder = base() / "environments" / asked["key"]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _waiting_lock(folder.parent / ".lock", note):
        if (folder / _MARK).is_file():
            told = _describe(folder)
            if told is not None:
                return {"made": False, "python": str(_python(folder)), "description": told}
        shutil.rmtree(folder, ignore_errors=True)
        try:
            _make(folder, asked, note)
            told = _describe_new(folder)
            (folder / _MARK).write_text(json.dumps(dict(asked), indent=2))
        except BaseException as error:
            free = shutil.disk_usage(folder.parent).free
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, RefusalError) and free < _SMALLEST_BYTES:  # whatever pip says
                what = f"{folder}: an environment takes more than the {free / 1e6:.0f} MB left"
                raise RefusalError("storage", what) from error
            raise
    return {"made": True, "python": str(_python(folder)), "description": told}


def _python(folder: Path) -> Path:
    return folder / "bin/python"


def _uv() -> str | None:
    return shutil.which("uv")


def _make(folder: Path, asked: Request, note: Callable[[str], None]) -> None:
    uv, python = _uv(), str(_python(folder))
    empty = [uv, "venv", "--python", sys.executable] if uv else [sys.executable, "-m", "venv"]
    note("making a virtual environment")
    _tell([*empty, str(folder)], note)
    pip = [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
    pip += [] if uv else _PIP
    wheels = folder / "wheels"
    if asked["wheels"]:
        wheels.mkdir()
        for sha256, name in asked["wheels"]:
            (wheels / name).symlink_to(_file(sha256, name))
        pip += ["--no-index", "--find-links", str(wheels)]
    extras = f"[{','.join(asked['extras'])}]" if asked["extras"] else ""
    own = _file(*asked["own_wheel"]).as_uri()
    _tell([*pip, f"fmnist-edge{extras} @ {own}"], note)


def _tell(command: Sequence[str], note: Callable[[str], None]) -> None:
    """Run a program and tell its lines as they come."""
    lines = []
    with subprocess.Popen(  # noqa: S603 - venv, pip or uv, and no shell reads the arguments
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            for line in process.stdout or ():
                lines.append(line.decode(errors="replace").strip())
                note(lines[-1])
        except BaseException:  # the connection is gone: it must not go on writing into the folder
            process.kill()
            raise
    if process.returncode:
        errors = (at for at, line in enumerate(lines) if line.lower().startswith("error:"))
        told = " ".join(" ".join(lines[next(errors, -3) :]).split())
        raise RefusalError("environment", f"{Path(command[0]).name} failed: {told[:_LONGEST]}")


def _describe_new(folder: Path) -> str:
    told = _describe(folder)
    if told is None:
        raise RefusalError("environment", "the new environment cannot import fmnist_edge")
    return told


def _describe(folder: Path) -> str | None:
    """Return what an environment tells of itself; None where it does not work any more."""
    command = [str(_python(folder)), "-E", "-P", "-m", "fmnist_edge.describe"]
    try:
        done = subprocess.run(  # noqa: S603 - this program itself
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError:
        return None
    return done.stdout.decode() if done.returncode == 0 else None


def execute(asked: Request) -> Answer:
    """Run a command of fmnist-edge in an environment, to its end."""
    command = [asked["python"], "-E", "-P", "-m", "fmnist_edge", *asked["arguments"]]
    done = subprocess.run(  # noqa: S603 - this program itself
        command, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return {
        "code": done.returncode,
        "stdout": done.stdout.decode(errors="replace"),
        "stderr": done.stderr.decode(errors="replace"),
    }


def start(asked: Request) -> Answer:
    """Start a run that does not end with this connection; to ask twice does no harm."""
    folder = run_folder(asked["run"])
    known = state(asked)
    if known["state"] == "running" or (folder / "begun").exists() or known["state"] == "ended":
        return known
    folder.mkdir(parents=True, exist_ok=True)
    job = {**asked["job"], "bundle": str(_file(*asked["bundle"]))}
    (folder / "job.json").write_text(json.dumps(job, indent=2))
    with (folder / "runner.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - this program itself
            [job["python"], "-E", "-P", "-m", "fmnist_edge.remote.runner", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,
        )
    for _ in range(int(_START_SECONDS / _SHORT_SECONDS)):
        if (folder / "begun").exists() or process.poll() is not None:
            break
        sleep(_SHORT_SECONDS)
    known = state(asked)
    if known["state"] == "died" and not (folder / "begun").exists():
        said = (folder / "runner.log").read_text(errors="replace").strip().splitlines()
        raise RefusalError("start", f"the benchmark did not start: {' '.join(said[-1:])}")
    return known


def state(asked: Request) -> Answer:
    """Tell whether a run is under way, has ended, was ended by force, or was never here."""
    folder = run_folder(asked["run"])
    if not folder.is_dir():
        return {"state": "unknown"}
    if is_locked(folder / "alive"):
        return {"state": "running"}
    try:
        return {"state": "ended", **json.loads((folder / "end.json").read_text())}
    except FileNotFoundError:
        return {"state": "died"}


def follow(asked: Request, note: Callable[[str], None], source: IO[bytes]) -> Answer:
    """Tell what a run says from a place in its log on, until it has ended."""
    log, offset = run_folder(asked["run"]) / "log", asked["offset"]
    while True:
        known = state(asked)  # before the log is read: what it says last is told, too
        over = known["state"] != "running"
        told, offset = _lines(log, offset, whole=not over)
        if told:
            note(told)
        if over:
            return {**known, "offset": offset}
        if select.select([source], [], [], _TICK_SECONDS)[0]:
            raise EOFError  # nobody listens any more


def _lines(log: Path, offset: int, *, whole: bool) -> tuple[str, int]:
    """Return what a log holds from a place on, as far as it consists of whole lines."""
    try:
        with log.open("rb") as stream:
            stream.seek(offset)
            found = stream.read()
    except FileNotFoundError:
        return "", offset
    kept = found[: found.rfind(b"\n") + 1] if whole else found
    return kept.decode(errors="surrogateescape"), offset + len(kept)


def fetch(asked: Request) -> tuple[Answer, bytes]:
    """Return the result of a run."""
    path = run_folder(asked["run"]) / "result.json"
    payload = path.read_bytes() if path.is_file() else b""
    return {"size": len(payload), "sha256": hashlib.sha256(payload).hexdigest()}, payload


def stop(asked: Request) -> Answer:
    """End a run, as Ctrl-C would and by force if that takes long; its files stay."""
    folder = run_folder(asked["run"])
    for how in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError, FileNotFoundError):
            if is_locked(folder / "alive"):  # so that the number still is that of the run
                os.killpg(int((folder / "begun").read_text()), how)
        for _ in range(int(_STOP_SECONDS / _SHORT_SECONDS)):
            if not is_locked(folder / "alive"):
                return state(asked)
            sleep(_SHORT_SECONDS)
    return state(asked)


def remove(asked: Request) -> Answer:
    """Remove the folder of a run that is not under way."""
    folder = run_folder(asked["run"])
    if is_locked(folder / "alive"):
        raise RefusalError("request", "the run is still under way")
    shutil.rmtree(folder, ignore_errors=True)
    return {}


def is_locked(path: Path) -> bool:
    """Return whether a process holds the lock of a file."""
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextmanager
def _waiting_lock(path: Path, note: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of a file; wait for it if somebody else does."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note("waiting for another fmnist-edge that makes an environment here")
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    sleep(_TICK_SECONDS)
                    note("waiting")  # fails where nobody listens any more
        yield


def answer_one(asked: Request, source: IO[bytes], say: Callable[[Answer, bytes], None]) -> None:
    """Answer one request."""

    def note(text: str) -> None:
        say({"note": text}, b"")

    table: Mapping[str, Callable[[], Answer]] = {
        "look": lambda: look(asked),
        "missing": lambda: missing(asked),
        "put": lambda: put(asked, source),
        "environment": lambda: environment(asked, note),
        "execute": lambda: execute(asked),
        "start": lambda: start(asked),
        "state": lambda: state(asked),
        "follow": lambda: follow(asked, note, source),
        "stop": lambda: stop(asked),
        "remove": lambda: remove(asked),
    }
    payload = b""
    try:
        if asked["do"] == "fetch":
            done, payload = fetch(asked)
        else:
            done = table[asked["do"]]()
    except RefusalError as error:
        say({"refused": error.kind, "message": str(error)}, b"")
    except BrokenPipeError:
        raise
    except OSError as error:
        what = f"{error.filename or base()}: {error.strerror or error}"
        say({"refused": "storage", "message": what}, b"")
    else:
        say({"done": done}, payload)


def main() -> None:
    """Answer requests until the connection ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what programs print must not stand among the answers
    source = sys.stdin.buffer

    def say(answer: Answer, payload: bytes) -> None:
        answers.write(json.dumps(answer).encode() + b"\n" + payload)
        answers.flush()

    try:
        for line in iter(source.readline, b""):
            answer_one(json.loads(line), source, say)
    except (EOFError, BrokenPipeError):
        pass
    # Without closing the answers, which fails where nobody listens any more.
    os._exit(0)


if __name__ == "__main__":
    main()
