"""`python -m fmnist_edge.remote.runner FOLDER`: carries a run out on a host.

It holds two locks as long as it or the benchmark lives: that of the run, and that of the machine,
whose file says who measures. The benchmark inherits both, so that they stay held should this
process alone be killed. What the run came to is written last.
"""

import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from time import sleep
from typing import IO, Any, Final

from fmnist_edge.files import write_atomically
from fmnist_edge.remote.there import base, holder

# Whoever asks whether the run is under way holds its lock for a moment.
_ATTEMPTS: Final = 20
_PAUSE_SECONDS: Final = 0.05


def run(folder: Path) -> None:
    """Measure what `job.json` in this folder asks for, unless somebody else is measuring."""
    with (folder / "alive").open("w") as alive, (base() / "lock").open("a+") as machine:
        if not _lock(alive, attempts=_ATTEMPTS):
            return  # another process carries this very run out
        if not _lock(machine):
            _end(folder, {"busy": holder() or "somebody else"})
            return
        job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        machine.truncate(0)
        machine.write(json.dumps({"who": job["who"], "run": folder.name}))
        machine.flush()
        code = _measure(folder, job, (alive, machine))
        machine.truncate(0)
        _end(folder, {"code": code, **_result(folder / "result.json")})


def _lock(stream: IO[Any], attempts: int = 1) -> bool:
    for _ in range(attempts):
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sleep(_PAUSE_SECONDS)
        else:
            return True
    return False


def _measure(folder: Path, job: dict[str, Any], locks: tuple[IO[Any], ...]) -> int:
    command = [sys.executable, "-E", "-P", "-m", "fmnist_edge", "bench", job["bundle"]]
    command += [*job["options"], "--json", "result.json"]
    # A handler, not SIG_IGN, which the benchmark would inherit: Ctrl-C is for it alone.
    signal.signal(signal.SIGINT, lambda *_: None)
    # Before the benchmark, which nothing may outlast that could not be stopped.
    write_atomically(folder / "begun", str(os.getpid()).encode())
    with (folder / "log").open("ab") as log, (folder / "screen").open("ab") as screen:
        process = subprocess.Popen(  # noqa: S603 - this program itself
            command,
            stdin=subprocess.DEVNULL,
            stdout=screen,
            stderr=log,
            cwd=folder,
            pass_fds=[each.fileno() for each in locks],
        )
        return process.wait()


def _result(path: Path) -> dict[str, object]:
    payload = path.read_bytes() if path.is_file() else b""
    return {"size": len(payload), "sha256": hashlib.sha256(payload).hexdigest()}


def _end(folder: Path, told: dict[str, object]) -> None:
    write_atomically(folder / "end.json", json.dumps(told).encode())


if __name__ == "__main__":
    run(Path(sys.argv[1]))
