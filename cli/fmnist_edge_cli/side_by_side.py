"""The same work on several machines at the same time, and its answers as they come."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import TYPE_CHECKING

import typer

from fmnist_edge_cli import render
from fmnist_edge_cli.host_options import Given
from fmnist_edge_cli.options import STDOUT

if TYPE_CHECKING:
    from fmnist_edge.pipeline.host_results import Home
    from fmnist_edge.remote.destination import Destination
    from fmnist_edge.remote.host import Host

_TICK_SECONDS = 0.2
_END_SECONDS = 5.0
Say = Callable[[str], None]
Task = Callable[["Host", Say], "Home | None"]


@dataclass(frozen=True)
class Outcome:
    """How it went on one host.

    Args:
        to: The host.
        home: The result; None where there is none.
        error: What went wrong; None where nothing did.
    """

    to: "Destination"
    home: "Home | None" = None
    error: Exception | None = None


def side_by_side(
    given: Given,
    tasks: Sequence[tuple["Destination", str, Task]],
    shown: Sequence[str] | None,
) -> Sequence[Outcome]:
    """Do the tasks at the same time, and show each result when it is there.

    Raises:
        typer.Exit: The user pressed Ctrl-C; it was said what goes on.
    """
    from fmnist_edge.errors import INTERRUPTED_EXIT_CODE
    from fmnist_edge.remote.host import Host

    several = len(tasks) > 1
    answers: Queue[Outcome] = Queue()
    hosts = [Host(to, python) for to, python, _ in tasks]
    threads = [
        threading.Thread(target=_work, args=(given, host, task, answers), daemon=True)
        for host, (_, _, task) in zip(hosts, tasks, strict=True)
    ]
    for thread in threads:
        thread.start()
    done: list[Outcome] = []
    try:
        while len(done) < len(tasks):
            try:
                done.append(answers.get(timeout=_TICK_SECONDS))
            except Empty:
                continue
            _show(done[-1], given, shown, several=several)
    except KeyboardInterrupt as error:
        for host in hosts:
            host.abandon()
        for thread in threads:
            thread.join(_END_SECONDS)
        _interrupted([host.to for host in hosts])
        raise typer.Exit(INTERRUPTED_EXIT_CODE) from error
    return done


def _work(given: Given, host: "Host", task: Task, answers: "Queue[Outcome]") -> None:
    """Do the task of a host, in a thread of its own."""

    def say(text: str) -> None:
        if not given.quiet:
            # What another machine says must not command this terminal.
            plain = "".join(each if each.isprintable() else "?" for each in text)
            render.warning(f"{host.to.name}: {plain}")

    try:
        with host:
            answers.put(Outcome(host.to, home=task(host, say)))
    except Exception as error:  # noqa: BLE001 - the edge of the thread; the caller raises it
        answers.put(Outcome(host.to, error=error))


def _show(outcome: Outcome, given: Given, shown: Sequence[str] | None, *, several: bool) -> None:
    from fmnist_edge.errors import FmnistEdgeError

    if isinstance(outcome.error, FmnistEdgeError) and several:
        error = outcome.error
        told = f"{error.message} {error.hint}".rstrip()
        render.warning(told if outcome.to.name in told else f"{outcome.to.name}: {told}")
    if outcome.home is None:
        return
    if given.json == STDOUT:
        render.json_answer(outcome.home.run, STDOUT)
    elif outcome.home.run.rows:
        if several:
            render.heading(outcome.to.name)
        file, here = outcome.home.file, Path.cwd()
        shorter = file.relative_to(here) if file.is_relative_to(here) else file
        render.first_screen(outcome.home.run, shorter, columns=shown)
    else:
        render.left_out(outcome.home.run)


def _interrupted(hosts: Sequence["Destination"]) -> None:
    """Say what goes on without this program."""
    from fmnist_edge.remote.state import known

    under_way = known([to.name for to in hosts])
    if not under_way:
        render.warning("\nInterrupted. Nothing was begun.")
    for run in under_way:
        start = f"fmnist-edge bench --host {run.to.address}"
        render.warning(
            f"\nInterrupted. The benchmark goes on on {run.to.name}. Follow it with: "
            f"{start} --attach; end it with: {start} --stop"
        )
