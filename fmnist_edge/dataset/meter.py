"""The progress bar that pooch pushes forward; it passes everything on to a `Progress`."""

from types import TracebackType
from typing import Self

from fmnist_edge.progress import Progress

__all__ = ["Meter", "MirrorError"]


class MirrorError(Exception):
    """A mirror did not serve a file; the message says why, in half a sentence."""


class Meter:
    """What pooch takes for a progress bar: `total`, `update`, `reset`, `close`.

    Args:
        label: What is being downloaded.
        limit: More bytes than this are refused, so that no mirror fills the disk.
        progress: Who is told.
    """

    def __init__(self, label: str, limit: int, progress: Progress) -> None:
        self._label = label
        self._limit = limit
        self._progress = progress
        self._total = 0
        self._seen = 0
        self._running = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def total(self) -> int:
        """How many bytes the mirror announced; 0 when it did not say."""
        return self._total

    @total.setter
    def total(self, total: int) -> None:
        """A download begins, or begins again after a failure."""
        self.close()
        self._total = total
        self._seen = 0
        self._refuse_above_limit(total)
        self._progress.start(self._label, total or None)
        self._running = True

    def update(self, steps: int) -> None:
        """Up to `steps` bytes arrived: pooch counts its last, smaller chunk as a full one."""
        if self._total:
            steps = min(steps, self._total - self._seen)
        self._seen += steps
        self._refuse_above_limit(self._seen)
        self._progress.advance(steps)

    def reset(self) -> None:
        """Pooch starts over to fill its bar to the end; ours is full already."""

    def close(self) -> None:
        """The download is over, well or badly."""
        if self._running:
            self._running = False
            self._progress.finish()

    def _refuse_above_limit(self, size: int) -> None:
        if size > self._limit:
            raise MirrorError("it sends far more than the published file")
