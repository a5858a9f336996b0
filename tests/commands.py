"""The real `fmnist-edge`, started as a person would, with a home folder of its own."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

from fmnist_edge.artifact import SAVED_MODEL_FILE, Format, manifest_path, open_artifact
from fmnist_edge.recipes import Recipe
from fmnist_edge_cli.main import main

ENTRY_POINT = Path(sys.executable).with_name("fmnist-edge")
# For what hangs because it is broken; nothing here takes a tenth of it.
PATIENCE = 300.0


@dataclass(frozen=True)
class Finished:
    """A command that has come to its end.

    Args:
        returncode: Its exit code.
        stdout: The answer.
        stderr: Everything else it said.
        folder: Where it was started.
    """

    returncode: int
    stdout: str
    stderr: str
    folder: Path

    @property
    def speaks_plainly(self) -> bool:
        """Whether an error reached the user as a sentence, and not as Python's own."""
        lines = self.stderr.splitlines()
        told = [line for line in lines if line.startswith("Error: ")]
        return "Traceback" not in self.stderr + self.stdout and len(told) == 1

    @property
    def was_interrupted(self) -> bool:
        """Whether Ctrl-C ended it as it should: one line, and no answer that is half of one."""
        last = self.stderr.splitlines()[-1]
        quiet = "Traceback" not in self.stderr and self.stderr.count("Interrupted.") == 1
        return self.returncode == 130 and not self.stdout and "Interrupted. " in last and quiet


@dataclass(frozen=True)
class CommandLine:
    """Starts commands away from the user's files.

    Args:
        home: A folder that commands take for the user's home.
        data: Where Fashion-MNIST lies.
        entry_point: The command.
        added: What processes that it starts find in their environment besides.
    """

    home: Path
    data: Path
    entry_point: Path = ENTRY_POINT
    added: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What a command finds in its environment."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
        own = {"HOME": str(self.home), "FMNIST_EDGE_DATA_DIR": str(self.data)}
        return {**kept, **own, **self.added}

    def __call__(self, *arguments: object, cwd: Path | None = None) -> Finished:
        """Run `fmnist-edge` to its end."""
        return self.execute((self.entry_point, *arguments), cwd=cwd)

    def python(self, *arguments: object, cwd: Path | None = None) -> Finished:
        """Run this Python to its end."""
        return self.execute((sys.executable, *arguments), cwd=cwd)

    def execute(
        self, command: Sequence[object], *, cwd: Path | None = None, given: str = ""
    ) -> Finished:
        """Run any command to its end, with `given` on its standard input."""
        folder = cwd or self.home
        done = subprocess.run(
            [str(part) for part in command],
            input=given,
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=folder,
            timeout=PATIENCE,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr, folder)

    @contextmanager
    def running(self, *arguments: object, cwd: Path) -> Iterator[subprocess.Popen[str]]:
        """`fmnist-edge` under way, in a process group of its own; it does not outlive the block."""
        with subprocess.Popen(
            # A shell that starts the tests in the background lets them, and so the commands, ignore
            # Ctrl-C; a person's shell does not.
            ["/usr/bin/env", "--default-signal=INT", *map(str, (self.entry_point, *arguments))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            cwd=cwd,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()


@dataclass(frozen=True)
class InThisProcess(CommandLine):
    """Runs `fmnist-edge` without starting a process, where the start of one proves nothing."""

    def __call__(self, *arguments: object, cwd: Path | None = None) -> Finished:
        """Run `fmnist-edge` to its end."""
        folder = cwd or self.home
        with pytest.MonkeyPatch.context() as patch, _captured() as texts:
            patch.setattr(sys, "argv", ["fmnist-edge", *map(str, arguments)])
            patch.chdir(folder)
            patch.setenv("HOME", str(self.home))
            patch.setenv("FMNIST_EDGE_DATA_DIR", str(self.data))
            with pytest.raises(SystemExit) as ended:
                main()
        code = ended.value.code
        assert isinstance(code, int)
        return Finished(code, *texts, folder)


@contextmanager
def _captured() -> Iterator[list[str]]:
    """What is written to stdout and stderr in the block, by descriptor; told when it is over."""
    texts: list[str] = []
    with ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(2)]
        redirections = (redirect_stdout, redirect_stderr)
        for number, (file, redirect) in enumerate(zip(files, redirections, strict=True), 1):
            kept = os.dup(number)
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, number)
            os.dup2(file.fileno(), number)
            stream = stack.enter_context(os.fdopen(os.dup(number), "w", encoding="utf-8"))
            stack.enter_context(redirect(stream))
        with _closed_in_the_end():
            yield texts
        sys.stdout.flush()
        sys.stderr.flush()
        for file in files:
            file.seek(0)
            texts.append(file.read().decode())


@contextmanager
def _closed_in_the_end() -> Iterator[None]:
    """Close the streams that a command leaves open because its process ends with it."""
    opened: list[IO[Any]] = []
    fdopen = os.fdopen

    def keep(*arguments: Any, **options: Any) -> IO[Any]:  # noqa: ANN401 - those of fdopen
        opened.append(fdopen(*arguments, **options))
        return opened[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fdopen", keep)
        yield
    for stream in opened:
        stream.close()


def finish(process: subprocess.Popen[str], folder: Path) -> Finished:
    """Let a command come to its end."""
    stdout, stderr = process.communicate(timeout=PATIENCE)
    return Finished(process.returncode, stdout, stderr, folder)


def read_until(text: str, process: subprocess.Popen[str]) -> None:
    """Wait until `process` says something on stderr."""
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"it ended with {process.wait()} and never said {text!r}")


def wait_until(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait, and look often, for something that `process` brings about."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.0002)


def children(process: int) -> list[int]:
    """The living processes that `process` has started."""
    listed = [path.read_text() for path in Path(f"/proc/{process}/task").glob("*/children")]
    return [int(child) for child in " ".join(listed).split()]


@contextmanager
def no_process_left() -> Iterator[None]:
    """A block in which processes are started, none of which outlives it."""
    before = set(children(os.getpid()))
    yield
    assert set(children(os.getpid())) <= before


def copy_artifact(path: Path, folder: Path) -> Path:
    """Copy the files of a model, and its manifest, into `folder`; a folder stays one."""
    artifact = open_artifact(path)
    if artifact.format is Format.SAVED_MODEL:
        folder = folder / path.parent.name
    for name in (path.name, manifest_path(path).name, *artifact.companions):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path.parent / name, folder / name)
    return folder / path.name


def model_path(folder: Path, stem: str, recipe: Recipe) -> Path:
    """Where `export` puts what it makes of `<stem>.keras` in `folder`."""
    name = f"{stem}-{recipe.precision}"
    if recipe.format is Format.SAVED_MODEL:
        return folder / f"{name}.{recipe.format}" / SAVED_MODEL_FILE
    return folder / f"{name}{recipe.format.export_suffix}"
