"""What this side knows of the runs on hosts that it has started: a small file for each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import platformdirs

from fmnist_edge.files import storage_errors, write_atomically
from fmnist_edge.records import Record, RecordError, decode_document, encode_json
from fmnist_edge.remote.destination import Destination

SCHEMA_VERSION: Final = 1


class HostRun(Record):
    """A benchmark on a host whose result has not come home yet.

    Args:
        run: Names it on the host.
        to: The host.
        remote_python: Path of the Python that was named for the host; empty for none.
        created: When it was started, by the clock here: ISO 8601, UTC.
        bundle_sha256: What is measured.
        options: Of the benchmark.
        result: Where the result goes, as an absolute path; "-" is the standard output.
        kind: Marks the file as such.
        schema_version: Of this schema.
    """

    run: str
    to: Destination
    remote_python: str
    created: str
    bundle_sha256: str
    options: tuple[str, ...]
    result: str
    kind: Literal["fmnist-edge host run"] = "fmnist-edge host run"
    schema_version: int = SCHEMA_VERSION

    @property
    def file(self) -> Path:
        """Where this is written down."""
        return state_folder() / f"{self.to.file_name}-{self.run}.json"


def state_folder() -> Path:
    """Return the folder of these files."""
    return platformdirs.user_state_path("fmnist-edge", appauthor=False) / "host-runs"


def keep(run: HostRun) -> None:
    """Write a run down, before it is started: so it is known whatever happens next.

    Raises:
        StorageError: The folder cannot be written to.
    """
    write_atomically(run.file, encode_json(run).encode())


def forget(run: HostRun) -> None:
    """Remove what is written down about a run.

    Raises:
        StorageError: It cannot be removed.
    """
    with storage_errors(run.file):
        run.file.unlink(missing_ok=True)


def known(names: Sequence[str] = ()) -> Sequence[HostRun]:
    """Return the runs that have not come home, those that were started first at the beginning.

    Args:
        names: Of hosts; all where there is none.
    """
    found = []
    for path in state_folder().glob("*.json"):
        try:
            run = decode_document(HostRun, path.read_bytes(), SCHEMA_VERSION)
        except (OSError, RecordError):
            continue  # it came home just now, or another version wrote it
        if not names or run.to.name in names:
            found.append(run)
    return sorted(found, key=lambda run: run.created)


def command(to: Destination, *options: str) -> str:
    """Return the command that has to do with the runs of a host."""
    return " ".join(("fmnist-edge bench --host", to.address, *options))
