"""Downloading one file from one mirror with pooch."""

from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final

from fmnist_edge.dataset.catalog import DataFile
from fmnist_edge.optional import require
from fmnist_edge.progress import Progress

_CONTACT_SECONDS: Final = 5.0
_TIMEOUTS: Final = (4.0, 20.0)  # seconds to connect, and between two pieces of an answer
_ATTEMPTS: Final = 3
_CHUNK: Final = 1 << 16  # bytes
# The first name that fits gives the reason; exceptions of `requests` go from special to general.
_REASONS: Final = {
    "SSLError": "its certificate is not trusted",
    "ProxyError": "the proxy refuses",
    "Timeout": "it does not answer",
    "ConnectionError": "it cannot be reached",
    "ChunkedEncodingError": "the transfer broke off",
}


class MirrorError(Exception):
    """A mirror did not serve a file; the message gives the reason in half a sentence."""


class _ProgressBar:
    """The progress bar that pooch drives through `total`, `update`, `reset` and `close`.

    Args:
        label: What is being downloaded.
        limit: Largest size in bytes; a larger answer is refused, so that it cannot fill the disk.
        progress: Receives the progress in bytes.
    """

    def __init__(self, label: str, limit: int, progress: Progress) -> None:
        self.total = 0  # set by pooch; 0 if the mirror does not announce a size
        self._label = label
        self._limit = limit
        self._progress = progress
        self._received = 0
        self._running = False

    def update(self, size: int) -> None:
        if not self._running:
            self._running = True
            self._progress.start(self._label, self.total or None)
        # Pooch counts the last chunk, which is smaller, as a full one.
        received = min(size, self.total - self._received) if self.total else size
        self._received += received
        if self._received > self._limit:
            raise MirrorError("it sends far more than the published file")
        self._progress.advance(received)

    def reset(self) -> None:
        """Nothing: pooch resets a bar in order to fill it, and this one is full then."""

    def close(self) -> None:
        if self._running:
            self._running = False
            self._progress.finish()


def make_contact(mirror: str, file: DataFile) -> None:
    """Wait at most five seconds for any answer of `mirror` to a request for `file`.

    Looking up a host name has no time limit, and each address of the host has a time limit of its
    own, so that without network both can take minutes. The request is made in a thread, which may
    outlive the call.

    Raises:
        MirrorError: There was no answer.
        MissingDependencyError: pooch is not installed.
    """
    pooch, requests = _libraries()
    ask = pooch.HTTPDownloader(timeout=_TIMEOUTS)
    answers: SimpleQueue[str] = SimpleQueue()

    def wait() -> None:
        try:
            # The result is not used, because some servers answer to GET only.
            ask(_url(mirror, file), None, None, check_only=True)
        except (requests.RequestException, ValueError) as error:
            answers.put(_reason(error))
        else:
            answers.put("")

    Thread(target=wait, daemon=True).start()
    try:
        problem = answers.get(timeout=_CONTACT_SECONDS)
    except Empty as error:
        raise MirrorError(f"no answer within {_CONTACT_SECONDS:.0f} seconds") from error
    if problem:
        raise MirrorError(problem)


def download(mirror: str, file: DataFile, folder: Path, progress: Progress) -> None:
    """Download `file` from `mirror` into `folder`, without verifying it.

    Raises:
        MirrorError: The mirror does not have the file, or failed in every attempt.
        MissingDependencyError: pooch is not installed.
        OSError: `folder` cannot be written to.
    """
    _, requests = _libraries()
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _download_once(mirror, file, folder, progress)
        except requests.HTTPError as error:
            status = error.response.status_code
            # From 500 on, the server reports a failure of its own, which may be over soon.
            if status < 500 or attempt == _ATTEMPTS:  # noqa: PLR2004 - see above
                raise MirrorError(f"it answers with status {status}") from error
        except (requests.RequestException, ValueError) as error:
            if attempt == _ATTEMPTS:
                raise MirrorError(_reason(error)) from error
        else:
            return


def _download_once(mirror: str, file: DataFile, folder: Path, progress: Progress) -> None:
    pooch, _ = _libraries()
    bar = _ProgressBar(f"{file.name} from {mirror}", file.size + _CHUNK, progress)
    fetch = pooch.HTTPDownloader(
        progressbar=bar,
        chunk_size=_CHUNK,
        timeout=_TIMEOUTS,
        # Without this, some servers decompress the file on the way.
        headers={"Accept-Encoding": "identity"},
    )
    try:
        fetch(_url(mirror, file), folder / file.name, None)
    finally:
        bar.close()


def _libraries() -> tuple[Any, Any]:
    """Return the modules pooch and requests; pooch requires the latter."""
    return require("pooch", extra="download"), require("requests", extra="download")


def _url(mirror: str, file: DataFile) -> str:
    return f"{mirror.removesuffix('/')}/{file.name}"


def _reason(error: Exception) -> str:
    names = {kind.__name__ for kind in type(error).__mro__}
    return next((reason for name, reason in _REASONS.items() if name in names), str(error))
