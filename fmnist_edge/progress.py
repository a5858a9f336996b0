"""The interface by which long work reports its progress."""

from typing import Protocol


class Progress(Protocol):
    """Receives the progress of one task at a time."""

    def start(self, label: str, total: int | None) -> None:
        """Report that a task begins; `total` is its number of steps, or None if unknown."""

    def advance(self, steps: int = 1, *, note: str = "") -> None:
        """Report that steps are done; `note` is a short text, such as a loss or a file name."""

    def finish(self) -> None:
        """Report that the task that began last has ended."""

    def say(self, message: str) -> None:
        """Report an event in one line of text."""


class _Silent:
    def start(self, label: str, total: int | None) -> None:
        pass

    def advance(self, steps: int = 1, *, note: str = "") -> None:
        pass

    def finish(self) -> None:
        pass

    def say(self, message: str) -> None:
        pass


SILENT: Progress = _Silent()
