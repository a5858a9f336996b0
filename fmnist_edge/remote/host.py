"""A host: what can be asked of it, in the words of this side."""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Annotated, Final, Literal, Self, TypeVar

import msgspec

from fmnist_edge.environments import Description
from fmnist_edge.errors import HostUnreachableError, HostUnusableError
from fmnist_edge.files import sha256_of
from fmnist_edge.records import Record, RecordError, decode, decode_json
from fmnist_edge.remote.connection import (
    Connection,
    ConnectionLostError,
    Note,
    Refused,
    error_of,
)
from fmnist_edge.remote.destination import Destination, can_ask

T = TypeVar("T")
# Two questions at a time on one terminal would be answered in the wrong places.
_ASKING: Final = threading.Lock()


class Look(Record):
    """What a host is, and what it has.

    Args:
        python: Version of the Python that was found.
        system: "Linux", "Darwin".
        machine: "aarch64", "x86_64".
        bits: Of a pointer of that Python.
        now: What its clock shows.
        free_bytes: Of the disk that the folder below is on.
        folder: Where everything lies there.
        busy: Who is measuring there; empty where nobody is.
        can_make_environments: Whether it has uv, or Python's own venv.
    """

    python: str
    system: str
    machine: str
    bits: int
    now: Annotated[datetime, msgspec.Meta(tz=True)]
    free_bytes: int
    folder: str
    busy: str
    can_make_environments: bool


class RunState(Record):
    """How far a run on a host is.

    Args:
        state: "died" is a run whose processes are gone without having come to an end.
        code: Exit code of the benchmark; None where it has not ended, or not begun.
        size: Of the result in bytes; 0 where there is none.
        sha256: Of the result.
        busy: Who was measuring there, so that this run did not begin; empty otherwise.
        offset: How much of the log was told, in bytes.
    """

    state: Literal["running", "ended", "died", "unknown"]
    code: int | None = None
    size: int = 0
    sha256: str = ""
    busy: str = ""
    offset: int = 0


class Stored(Record):
    """A file that a host needs.

    Args:
        path: Where it lies here.
        sha256: Of its bytes.
        size: In bytes.
    """

    path: str
    sha256: str
    size: int

    @property
    def key(self) -> list[str]:
        """What the host knows it by."""
        return [self.sha256, Path(self.path).name]


class Made(Record):
    """An environment on a host.

    Args:
        made: Whether it was made now.
        python: Path of its interpreter there.
        description: What it tells of itself.
    """

    made: bool
    python: str
    description: Description


def stored(path: Path) -> Stored:
    """Return a file with its hash.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Stored(str(path), digest, path.stat().st_size)


class Host:
    """A host that is connected when it is asked for something, and again where that was lost.

    Args:
        to: The host.
        python: Path of the Python there; empty to look for one.

    Attributes:
        was_connected: Whether there has been a connection.
    """

    def __init__(self, to: Destination, python: str = "") -> None:
        self.to: Final = to
        self._python: Final = python
        self._connection: Connection | None = None
        self._closed = threading.Event()
        self.was_connected = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection for good."""
        self._closed.set()
        self.disconnect()

    def abandon(self) -> None:
        """Let another thread, which waits for an answer, find that the connection has ended."""
        self._closed.set()
        if self._connection is not None:
            self._connection.abandon()

    def rest(self, seconds: float) -> bool:
        """Wait before the next attempt; return whether there is to be one."""
        return not self._closed.wait(seconds)

    def disconnect(self) -> None:
        """End the connection; the next question makes another one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> Connection:
        if self._closed.is_set():
            raise ConnectionLostError("it was closed")
        if self._connection is None:
            if can_ask():
                with _ASKING:
                    self._connection = Connection(self.to, self._python)
            else:
                self._connection = Connection(self.to, self._python)
            self.was_connected = True
        return self._connection

    def _ask(
        self, do: str, *, payload: bytes = b"", note: Note = lambda _: None, **values: object
    ) -> Mapping[str, object]:
        try:
            return self._connected().ask({"do": do, **values}, payload=payload, note=note)
        except ConnectionLostError:
            self.disconnect()
            raise
        except Refused as refused:
            raise error_of(refused, self.to.name) from refused

    def look(self) -> Look:
        """Return what the host is."""
        return self._decoded(Look, self._ask("look"))

    def _decoded(self, kind: type[T], told: object) -> T:
        """Return a record that the host has sent.

        Raises:
            HostUnusableError: It is none.
        """
        try:
            return decode(kind, told)
        except RecordError as error:
            raise HostUnusableError(f"{self.to.name} answers strangely: {error}.") from error

    def missing(self, files: Sequence[Stored]) -> Sequence[Stored]:
        """Return those files that are not there yet."""
        told = self._ask("missing", files=[each.key for each in files])["files"]
        return [each for each in files if isinstance(told, list) and each.key in told]

    def put(self, file: Stored) -> None:
        """Copy a file there, where its hash is checked.

        Raises:
            StorageError: The disk there is full, or may not be written to.
        """
        payload = Path(file.path).read_bytes()
        sha256, name = file.key
        self._ask("put", payload=payload, sha256=sha256, name=name, size=len(payload))

    def environment(
        self,
        key: str,
        *,
        own_wheel: Stored,
        extras: Sequence[str],
        wheels: Sequence[Stored],
        note: Note,
    ) -> Made:
        """Make an environment there, or return the one that is there already.

        Args:
            key: Names it; another one for other contents.
            own_wheel: This fmnist-edge.
            extras: Its optional dependency groups.
            wheels: What to install from, without network; none for the package index.
            note: Told what the programs say that make it.

        Raises:
            EnvironmentNotMadeError: A package cannot be installed.
            StorageError: The disk there is full, or may not be written to.
            HostUnusableError: It holds another fmnist-edge than it should.
        """
        told = self._ask(
            "environment",
            note=note,
            key=key,
            own_wheel=own_wheel.key,
            extras=list(extras),
            wheels=[each.key for each in wheels],
        )
        try:
            description = decode_json(Description, str(told["description"]))
        except RecordError as error:
            raise HostUnusableError(f"{self.to.name} answers strangely: {error}.") from error
        return Made(bool(told["made"]), str(told["python"]), description)

    def execute(self, python: str, arguments: Sequence[str]) -> tuple[int, str]:
        """Run a command of fmnist-edge there; return its exit code and what stdout got."""
        told = self._ask("execute", python=python, arguments=list(arguments))
        return int(str(told["code"])), str(told["stdout"])

    def start(self, run: str, bundle: Stored, job: Mapping[str, object]) -> RunState:
        """Start a run, or return how far it is if that has been done before.

        Raises:
            HostUnusableError: It does not start.
            StorageError: The disk there is full, or may not be written to.
        """
        return self._decoded(RunState, self._ask("start", run=run, bundle=bundle.key, job=job))

    def state(self, run: str) -> RunState:
        """Return how far a run is."""
        return self._decoded(RunState, self._ask("state", run=run))

    def follow(self, run: str, offset: int, note: Note) -> RunState:
        """Tell what a run says from a place of its log on, and return when it is over."""
        return self._decoded(RunState, self._ask("follow", run=run, offset=offset, note=note))

    def fetch(self, run: str) -> bytes:
        """Return the result of a run; empty where it has none.

        Raises:
            HostUnusableError: It arrived with another hash.
        """
        told = self._ask("fetch", run=run)
        try:
            payload = self._connected().read(int(str(told["size"])))
        except ConnectionLostError:
            self.disconnect()
            raise
        if sha256_of(payload) != told["sha256"]:
            raise HostUnusableError(
                f"The result of {self.to.name} arrived with another hash; it stays there.",
                hint=f"Bring it home with: fmnist-edge bench --host {self.to.address} --collect",
            )
        return payload

    def stop(self, run: str) -> RunState:
        """End a run, and return how it ended."""
        return self._decoded(RunState, self._ask("stop", run=run))

    def remove(self, run: str) -> None:
        """Remove all that a run has left there."""
        self._ask("remove", run=run)


def unreachable(to: Destination, error: Exception, command: str = "") -> HostUnreachableError:
    """Return the error that a lost connection is for the user.

    Args:
        to: The host.
        error: What was lost.
        command: What the user can do; empty to do the same again.
    """
    return HostUnreachableError(
        f"The connection to {to.name} was lost ({error}).",
        hint=f"Nothing is lost; go on with: {command}"
        if command
        else "Run the command again; what arrived there is not copied twice.",
    )
