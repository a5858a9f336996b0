"""`fmnist-edge bench --host`: the same benchmark on other machines."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import typer

from fmnist_edge_cli import render
from fmnist_edge_cli.host_options import Given, file_of, forwarded, given_of
from fmnist_edge_cli.options import STDOUT, column_names
from fmnist_edge_cli.side_by_side import Outcome, Say, side_by_side

if TYPE_CHECKING:
    from fmnist_edge.pipeline.host_preparation import Job
    from fmnist_edge.pipeline.host_results import Home
    from fmnist_edge.remote.destination import Destination
    from fmnist_edge.remote.host import Host
    from fmnist_edge.remote.state import HostRun


def bench(context: typer.Context) -> None:
    """Do what the options of `fmnist-edge bench` say that have to do with hosts.

    Raises:
        UsageError: The options contradict each other.
        HostsFailedError: There are several hosts, and one of them has no result.
        FmnistEdgeError: There is one host, and it has no result.
    """
    given = given_of(context)
    values = given.values
    if values["attach"] or values["collect"] or values["stop"]:
        _go_on(given)
    else:
        _measure(given, forwarded(context))


def _measure(given: Given, options: tuple[str, ...]) -> None:
    from fmnist_edge.pipeline import hosts
    from fmnist_edge.remote.state import command

    detach = bool(given.values["detach"])
    shown = column_names(given.values["columns"], wide=given.values["wide"])

    def measure(job: "Job", host: "Host", say: Say) -> "Home | None":
        run = hosts.begin(host, job, partial(_result, given, host.to), say)
        if detach:
            say(f"bring the result home with: {command(host.to, '--collect')}")
            return None
        return _bring_home(host, run, say, given)

    with _job(given, options) as job:
        tasks = [(to, job.python, partial(measure, job)) for to in given.hosts]
        _conclude(side_by_side(given, tasks, shown))


def _result(given: Given, to: "Destination", run: str) -> Path:
    """Return where the result of a run goes: to the user's file, or among the user's data."""
    from fmnist_edge.pipeline.hosts import results_folder

    if given.json is None or given.json == STDOUT:
        return results_folder() / f"{to.file_name}-{run}.json"
    return file_of(given, to)


def _bring_home(host: "Host", run: "HostRun", say: Say, given: Given) -> "Home":
    from fmnist_edge.pipeline import hosts
    from fmnist_edge.pipeline.host_results import collect

    ended = hosts.follow(host, run, say, patience_seconds=given.values["reconnect"])
    return collect(host, run, ended)


@contextmanager
def _job(given: Given, options: tuple[str, ...]) -> Iterator["Job"]:
    """Yield what is to be measured; models that are no bundle are packed into one."""
    from fmnist_edge.bundle import DATA_FILES, write_bundle
    from fmnist_edge.pipeline.host_preparation import Job, extras_for
    from fmnist_edge.pipeline.sources import bundle_of, locate_data, model_files
    from fmnist_edge.records import replace

    values = given.values
    named = [Path(each) for each in values["models"] or ()]
    files = model_files(named, Path(values["artifacts"]))
    job = Job(
        bundle=Path(),
        options=options,
        extras=extras_for(files, values["runtime"] or ()),
        wheels=Path(values["wheels"]) if values["wheels"] else None,
        python=values["remote_python"],
    )
    if len(named) == 1 and bundle_of(named[0]) == named[0]:
        yield replace(job, bundle=named[0])
        return
    with TemporaryDirectory(prefix="fmnist-edge-bundle-") as folder:
        progress = render.progress_display(quiet=given.quiet)
        data_dir = Path(values["data_dir"]) if values["data_dir"] else None
        data = locate_data(files, data_dir, files=DATA_FILES, progress=progress).path
        bundle = Path(folder) / "models.zip"
        write_bundle(files, bundle, data=data)
        yield replace(job, bundle=bundle)


def _go_on(given: Given) -> None:
    """Attach to, collect or stop the runs that were begun before.

    Raises:
        UsageError: None is known.
    """
    from fmnist_edge.errors import UsageError
    from fmnist_edge.pipeline import hosts
    from fmnist_edge.pipeline.host_results import collect
    from fmnist_edge.records import replace
    from fmnist_edge.remote import state

    values = given.values
    shown = column_names(values["columns"], wide=values["wide"])
    runs = state.known([each.name for each in given.hosts])
    named = {each.name: each for each in given.hosts}
    if lacking := sorted(named.keys() - {run.to.name for run in runs}):
        raise UsageError(
            f"No benchmark is known that was begun on {', '.join(lacking)} from here.",
            hint="Begin one with: fmnist-edge bench --host HOST; results that came home stay.",
        )
    if not runs:
        raise UsageError("No benchmark on another machine is known that was begun from here.")

    counted = Counter(run.to.name for run in runs)
    if given.json is not None and (several := [name for name in counted if counted[name] > 1]):
        raise UsageError(
            f"Several benchmarks were begun on {several[0]}, and a file holds one result.",
            hint="Leave out --json: each result goes where it was to go from the beginning.",
        )

    def go_on(run: "HostRun", host: "Host", say: Say) -> "Home | None":
        if values["stop"]:
            before = hosts.stop(host, run)
            say("stopped and removed" if before.state == "running" else "removed")
            return None
        if given.json is not None and given.json != STDOUT:
            run = replace(run, result=str(file_of(given, host.to).absolute()))
        if values["attach"]:
            return _bring_home(host, run, say, given)
        known = hosts.state(host, run)
        if known.state == "running":
            say("still measuring; follow it with --attach")
            return None
        return collect(host, run, known)

    tasks = [
        (named.get(run.to.name, run.to), run.remote_python, partial(go_on, run)) for run in runs
    ]
    _conclude(side_by_side(given, tasks, shown))


def _conclude(outcomes: Sequence[Outcome]) -> None:
    """Set the exit code.

    Raises:
        HostsFailedError: There are several hosts, and one of them failed.
        FmnistEdgeError: What failed on the only host, or rows that failed.
    """
    from fmnist_edge.errors import FmnistEdgeError, HostsFailedError
    from fmnist_edge_cli.bench import conclude

    for outcome in outcomes:
        if outcome.error is not None and not (
            isinstance(outcome.error, FmnistEdgeError) and len(outcomes) > 1
        ):
            raise outcome.error
    failed = [outcome.to.name for outcome in outcomes if outcome.error is not None]
    if failed:
        raise HostsFailedError(
            f"{len(failed)} of {len(outcomes)} hosts have no result: {', '.join(failed)}.",
            hint="The lines above say why.",
        )
    for outcome in outcomes:
        if outcome.home is not None:
            conclude(outcome.home.run)
