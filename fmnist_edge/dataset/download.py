"""One file from one mirror, through pooch, without its log lines and its progress bar."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final

from fmnist_edge.dataset.catalog import DataFile
from fmnist_edge.dataset.meter import Meter, MirrorError
from fmnist_edge.optional import require
from fmnist_edge.progress import Progress

__all__ = ["MirrorError", "download", "make_contact"]

_CONTACT_SECONDS: Final = 5.0
_TIMEOUTS: Final = (4.0, 20.0)  # until connected, and between two pieces of an answer
_RETRIES: Final = 2
_CHUNK: Final = 1 << 16
# The first that fits says it; the classes of `requests` are listed from special to general.
_REASONS: Final = {
    "SSLError": "its certificate is not trusted",
    "ProxyError": "the proxy refuses",
    "Timeout": "it does not answer",
    "ConnectionError": "it cannot be reached",
    "ChunkedEncodingError": "the transfer broke off",
}


def make_contact(mirror: str, file: DataFile) -> None:
    """Wait at most five seconds for any answer of `mirror` to a question about `file`.

    Looking a name up has no time limit of its own and a connection has one for every address of
    the name, so on a machine without network both can take minutes. A thread that may be left
    behind puts one limit on everything.

    Raises:
        MirrorError: there was no answer.
        MissingDependencyError: pooch is not installed.
    """
    pooch, requests = _libraries()
    ask = pooch.HTTPDownloader(timeout=_TIMEOUTS)
    answers: SimpleQueue[str] = SimpleQueue()

    def wait() -> None:
        try:
            # Whether the file is there is not looked at: some servers only answer to GET.
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
    """Bring `file` from `mirror` into `folder`, where it is not yet; it is not verified here.

    Raises:
        MirrorError: the mirror does not have it, or failed in every attempt.
        MissingDependencyError: pooch is not installed.
        OSError: `folder` cannot be written to.
    """
    pooch, requests = _libraries()
    # No known_hash: containers differ between mirrors, the contents are verified afterwards.
    shelf = pooch.create(
        path=folder, base_url=mirror, registry={file.name: None}, retry_if_failed=_RETRIES
    )
    with Meter(f"{file.name} from {mirror}", file.size + _CHUNK, progress) as meter:
        fetch = pooch.HTTPDownloader(
            progressbar=meter,
            chunk_size=_CHUNK,
            timeout=_TIMEOUTS,
            # Otherwise some servers unpack the file on the way.
            headers={"Accept-Encoding": "identity"},
        )

        def fetch_or_give_up(url: str, output: str, shelf: object) -> None:
            try:
                fetch(url, output, shelf)
            except requests.HTTPError as error:
                _give_up_if_final(error.response.status_code)
                raise

        try:
            with _silenced(pooch.get_logger()):
                shelf.fetch(file.name, downloader=fetch_or_give_up)
        except (requests.RequestException, ValueError) as error:
            raise MirrorError(_reason(error)) from error


def _libraries() -> tuple[Any, Any]:
    """The modules pooch and requests, on which pooch stands."""
    return require("pooch", extra="download"), require("requests", extra="download")


def _url(mirror: str, file: DataFile) -> str:
    return f"{mirror.removesuffix('/')}/{file.name}"


def _give_up_if_final(status: int) -> None:
    """Stop pooch from retrying what will be refused again."""
    if status < 500:  # noqa: PLR2004 - from 500 on, the server says the fault is its own
        raise MirrorError(f"it answers with status {status}")


def _reason(error: Exception) -> str:
    names = {kind.__name__ for kind in type(error).__mro__}
    return next((reason for name, reason in _REASONS.items() if name in names), str(error))


@contextmanager
def _silenced(logger: logging.Logger) -> Iterator[None]:
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
