"""Training and export that end early leave whole files or none, and can be done again."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from fmnist_edge.artifact import find_artifacts, open_artifact, read_manifest
from tests.commands import CommandLine, Finished, copy_artifact, finish, read_until

TRAIN = ("train", "--preset", "study", "--epochs", "1", "--force", "--out", "default.keras")
FILES = [f"default-float32.{each}" for each in ("npz", "onnx", "tflite")]
FORMATS = [part for file in FILES for part in ("--format", file.rpartition(".")[2])]
EXPORT = ("export", "default.keras", *FORMATS, "--precision", "float32", "--force")


def _starting(process: subprocess.Popen[str], _: Path) -> None:
    read_until("Starting TensorFlow", process)


def _reading(process: subprocess.Popen[str], _: Path) -> None:
    read_until("Reading the parent", process)


def _working(process: subprocess.Popen[str], _: Path) -> None:
    read_until("0 % (", process)


def _writing(name: str) -> Callable[[subprocess.Popen[str], Path], None]:
    """The moment in which some of the file `name` is written and the rest is not.

    A pipe lies where the process will write, and is read only once: the writing starts, and
    cannot end, however fast the machine.
    """

    def wait(process: subprocess.Popen[str], folder: Path) -> None:
        partial = folder / f".{name}.{process.pid}.partial"
        os.mkfifo(partial)
        with partial.open("rb", buffering=0) as pipe:
            assert pipe.read(1), "nothing was written"
            os.killpg(process.pid, signal.SIGSTOP)  # before the pipe is closed

    return wait


def _hidden(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith(".")]


def _contents(folder: Path) -> Mapping[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _is_whole(folder: Path) -> bool:
    """Whether every artifact that can be seen is one; a damaged one raises."""
    found = find_artifacts(folder)
    opened = [open_artifact(path) for path in found]
    return all(artifact.manifest is not None for artifact in opened)


def _stop(
    cli: CommandLine,
    command: Sequence[str],
    folder: Path,
    moment: Callable[[subprocess.Popen[str], Path], None],
    with_signal: signal.Signals,
) -> Finished:
    """Start a command and end it at a moment, as Ctrl-C or the system would."""
    with cli.running(*command, cwd=folder) as process:
        moment(process, folder)
        os.killpg(process.pid, with_signal)
        return finish(process, folder)


@pytest.mark.parametrize("moment", [_starting, _working])
def test_an_interrupted_training_leaves_the_model_that_was_there(
    cli: CommandLine,
    trained: Path,
    tmp_path: Path,
    moment: Callable[[subprocess.Popen[str], Path], None],
) -> None:
    copy_artifact(trained, tmp_path)
    before = _contents(tmp_path)
    assert _stop(cli, TRAIN, tmp_path, moment, signal.SIGINT).was_interrupted
    assert _contents(tmp_path) == before


def test_a_training_that_is_killed_while_it_writes_can_be_done_again(
    cli: CommandLine, trained: Path, tmp_path: Path
) -> None:
    model = copy_artifact(trained, tmp_path)
    stopped = _stop(cli, TRAIN, tmp_path, _writing("default.keras"), signal.SIGKILL)
    assert stopped.returncode == -9
    assert _is_whole(tmp_path)
    _leave_half_a_file(tmp_path, model.name)
    again = cli(*TRAIN, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert set(_contents(tmp_path)) == {"default.keras", "default.keras.json"}
    manifest = open_artifact(model).manifest
    assert manifest is not None
    assert manifest.recipe == "train-study"


@pytest.mark.parametrize("moment", [_reading, _working])
def test_an_interrupted_export_keeps_what_was_finished(
    cli: CommandLine,
    exported: Path,
    tmp_path: Path,
    moment: Callable[[subprocess.Popen[str], Path], None],
) -> None:
    copy_artifact(exported / "default.keras", tmp_path)
    assert _stop(cli, EXPORT, tmp_path, moment, signal.SIGINT).was_interrupted
    assert _is_whole(tmp_path)
    finished = {"default.keras"} | ({"default-float32.npz"} if moment is _working else set())
    assert set(_contents(tmp_path)) >= finished | {f"{name}.json" for name in finished}
    assert _hidden(tmp_path) == []


def test_an_export_that_is_killed_while_it_writes_can_be_done_again(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    copy_artifact(exported / "default.keras", tmp_path)
    older = copy_artifact(exported / "default-float32.npz", tmp_path)
    stopped = _stop(cli, EXPORT, tmp_path, _writing("default-float32.npz"), signal.SIGKILL)
    assert stopped.returncode == -9
    assert _is_whole(tmp_path)
    _leave_half_a_file(tmp_path, "default-float32.tflite")
    again = cli(*EXPORT, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert _is_whole(tmp_path)
    models = ["default.keras", *FILES]
    assert set(_contents(tmp_path)) == {*models, *(f"{name}.json" for name in models)}
    assert open_artifact(older).manifest != read_manifest(exported / older.name)


def _leave_half_a_file(folder: Path, name: str) -> None:
    """What a process that was killed while writing `name` leaves, whatever else happened."""
    writer = subprocess.Popen([sys.executable, "-S", "-c", ""])
    writer.wait()
    (folder / f".{name}.{writer.pid}.partial").write_bytes(b"half")


# No room


def _with_files_of_at_most(
    cli: CommandLine, half_kilobytes: int, *arguments: object, cwd: Path
) -> Finished:
    """Run a command where larger files cannot be written, which stops root, too."""
    limited = f'ulimit -f {half_kilobytes}; exec "$@"'
    return cli.execute(["sh", "-c", limited, "sh", cli.entry_point, *arguments], cwd=cwd)


def _is_refused_for_lack_of_room(done: Finished) -> bool:
    return (
        done.returncode == 60
        and done.speaks_plainly
        and "the file would be too large" in done.stderr
        and "Raise the file size limit" in done.stderr
    )


def test_an_export_that_finds_no_room_leaves_what_was_there(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    for name in ("default.keras", "default-float32.npz", "default-int8.onnx"):
        copy_artifact(exported / name, tmp_path)
    before = _contents(tmp_path)
    for formats in (["--format", "npz"], ["--format", "onnx", "--precision", "int8"]):
        command = ["export", "default.keras", *formats, "--force"]
        done = _with_files_of_at_most(cli, 1_000, *command, cwd=tmp_path)
        assert _is_refused_for_lack_of_room(done), done.stderr
        assert _contents(tmp_path) == before


def test_a_training_that_finds_no_room_leaves_what_was_there(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    copy_artifact(exported / "default.keras", tmp_path)
    before = _contents(tmp_path)
    done = _with_files_of_at_most(cli, 200, *TRAIN, cwd=tmp_path)
    assert _is_refused_for_lack_of_room(done), done.stderr
    assert _contents(tmp_path) == before


def test_a_result_that_finds_no_room_leaves_the_one_that_was_there(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    earlier = b'{"kind": "fmnist-edge run"}'
    (tmp_path / "result.json").write_bytes(earlier)
    rows = [exported / "default-float32.npz", "--runtime", "numpy", "--protocol", "smoke"]
    done = _with_files_of_at_most(cli, 4, "bench", *rows, "--json", "result.json", cwd=tmp_path)
    assert _is_refused_for_lack_of_room(done), done.stderr
    assert _contents(tmp_path) == {"result.json": earlier}
