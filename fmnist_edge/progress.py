"""How long work tells whoever watches that it moves on, without knowing who watches."""

from typing import Protocol


class Progress(Protocol):
    """A watcher of one piece of long work at a time."""

    def start(self, label: str, total: int | None) -> None:
        """A piece of work begins; `total` counts its steps where that is known."""

    def advance(self, steps: int = 1, *, note: str = "") -> None:
        """Some steps are done; `note` says how it goes (a loss, a file name)."""

    def finish(self) -> None:
        """The piece of work that was begun last is over."""

    def say(self, message: str) -> None:
        """Something worth one line of its own happened."""


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
