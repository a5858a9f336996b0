"""`fmnist-edge bench --host`: the same benchmark on other machines."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fmnist_edge_cli import render
from fmnist_edge_cli.options import STDOUT, check_json, column_names, finite

if TYPE_CHECKING:
    from fmnist_edge.pipeline.hosts import Home, Job
    from fmnist_edge.remote.destination import Destination
    from fmnist_edge.remote.host import Host
    from fmnist_edge.remote.state import HostRun

HostOption = Annotated[
    list[str] | None,
    typer.Option(
        "--host",
        metavar="[USER@]HOST",
        help="Measure on this machine, over ssh (repeatable; several measure side by side).",
    ),
]
AttachFlag = Annotated[
    bool,
    typer.Option("--attach", help="Follow what runs on the hosts, and bring the results home."),
]
DetachFlag = Annotated[
    bool, typer.Option("--detach", help="Begin on the hosts, and return without waiting.")
]
CollectFlag = Annotated[
    bool, typer.Option("--collect", help="Bring home what has ended on the hosts, without waiting.")
]
StopFlag = Annotated[
    bool, typer.Option("--stop", help="End what runs on the hosts, and remove it there.")
]
WheelsOption = Annotated[
    Path | None,
    typer.Option(
        "--wheels",
        metavar="FOLDER",
        help="Install on the hosts from these wheels, without network there.",
    ),
]
RemotePythonOption = Annotated[
    str,
    typer.Option(
        "--remote-python",
        metavar="PATH",
        help="Use this Python of the hosts.",
        show_default="the first python3 that is new enough",
    ),
]
SshConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--ssh-config",
        metavar="FILE",
        envvar="FMNIST_EDGE_SSH_CONFIG",
        help="Let ssh read this file in place of your configuration.",
    ),
]
ReconnectOption = Annotated[
    float,
    typer.Option(
        "--reconnect",
        callback=finite,
        min=0.0,
        max=86_400,
        metavar="SECONDS",
        help="Try for this long to connect again where a connection is lost.",
    ),
]
HostNameOption = Annotated[
    str, typer.Option("--host-name", hidden=True, help="What this machine is called in the result.")
]

# What is decided on this side; all other options are for the benchmark there.
_HERE = frozenset(
    {"models", "artifacts", "data_dir", "json", "force", "quiet", "wide", "columns"}
    | {"host", "attach", "detach", "collect", "stop", "wheels"}
    | {"remote_python", "ssh_config", "reconnect", "host_name"}
)
# What makes no sense from afar, and what to do instead.
_REFUSED: Mapping[str, str] = {
    "data": "Measure on the machine itself, or on Fashion-MNIST.",
    "replay": "Give the options of that benchmark with --host.",
    "resume": "Measure again; a benchmark on a host goes on by itself when a connection is lost.",
    "environment": "Measure on the machine itself.",
    "dry_run": "Leave it out; --detach returns as soon as the benchmark is under way.",
}
_TICK_SECONDS = 0.2
_Say = Callable[[str], None]
_Task = Callable[["Host", _Say], "Home | None"]


@dataclass(frozen=True)
class _Given:
    """What the user gave for this side.

    Args:
        hosts: The hosts.
        values: The options of the command by the names of their parameters.
    """

    hosts: Sequence["Destination"]
    values: Mapping[str, Any]

    @property
    def quiet(self) -> bool:
        return bool(self.values["quiet"])

    @property
    def json(self) -> Path | None:
        value = self.values["json"]
        return None if value is None else Path(value)


def bench(context: typer.Context) -> None:
    """Do what the options of `fmnist-edge bench` say that have to do with hosts.

    Raises:
        UsageError: The options contradict each other.
        HostsFailedError: There are several hosts, and one of them has no result.
        FmnistEdgeError: There is one host, and it has no result.
    """
    given = _given(context)
    values = given.values
    if values["attach"] or values["collect"] or values["stop"]:
        _go_on(given)
    else:
        _measure(given, forwarded(context))


def _given(context: typer.Context) -> _Given:
    """Return what was given, if it makes sense together.

    Raises:
        UsageError: It does not.
    """
    from fmnist_edge.errors import UsageError
    from fmnist_edge.remote.destination import destination

    values = context.params
    config = Path(values["ssh_config"]) if values["ssh_config"] else None
    hosts = [destination(each, config) for each in dict.fromkeys(values["host"] or ())]
    names = [each.name for each in hosts]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(
            f"Two of the hosts are called {twice[0]}.",
            hint="Give one of them a name of its own in ~/.ssh/config.",
        )
    doing = [f"--{each}" for each in ("attach", "detach", "collect", "stop") if values[each]]
    if len(doing) > 1:
        raise UsageError(f"{doing[0]} and {doing[1]} contradict each other.")
    later = bool(doing) and doing != ["--detach"]
    if not hosts and not later:
        raise UsageError(
            "A host is needed.", hint="For example: fmnist-edge bench --host pi@raspberrypi.local"
        )
    for name, instead in _REFUSED.items():
        if values[name]:
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"{flag} cannot be combined with --host.", hint=instead)
    if later and (extra := [*(values["models"] or ()), *forwarded(context), *_named(values)]):
        raise UsageError(
            f"{doing[0]} is about what was begun before, which {extra[0]} cannot change.",
            hint="Name hosts only.",
        )
    given = _Given(hosts, values)
    _check_files(given)
    return given


def _named(values: Mapping[str, Any]) -> Sequence[str]:
    """Return the options for making environments that were given."""
    return ["--wheels"] if values["wheels"] else []


def _check_files(given: _Given) -> None:
    """Find out before long work whether the results may be written.

    Raises:
        UsageError: One file is named for several results.
        ArtifactExistsError: A file that is not ours would be replaced.
        StorageError: It could not be written.
    """
    from fmnist_edge.errors import UsageError

    json = given.json
    if json is None:
        return
    several = len(given.hosts) != 1
    if several and (json == STDOUT or json.is_file()):
        raise UsageError(
            "Several hosts have a result each.",
            hint="Name a folder: --json results/ makes HOST.json in it for each of them.",
        )
    for each in given.hosts:
        check_json(_file(given, each), force=given.values["force"])


def _file(given: _Given, to: "Destination") -> Path:
    """Return the file that the user named for the result of a host."""
    json = given.json or STDOUT
    return json if len(given.hosts) == 1 else json / f"{to.file_name}.json"


def forwarded(context: typer.Context) -> tuple[str, ...]:
    """Return the options for the benchmark on the host, as they were given on the command line."""
    words: list[str] = []
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        if name in _HERE or source is None or source.name != "COMMANDLINE":
            continue
        flag, value = parameter.opts[0], context.params[name]
        if value is True:
            words.append(flag)
        else:
            several = isinstance(value, (list, tuple))
            words += [f"{flag}={each}" for each in (value if several else [value])]
    return tuple(words)


def _measure(given: _Given, options: tuple[str, ...]) -> None:
    from fmnist_edge.pipeline import hosts

    detach = bool(given.values["detach"])
    shown = column_names(given.values["columns"], wide=given.values["wide"])

    def measure(job: "Job", host: "Host", say: _Say) -> "Home | None":
        run = hosts.begin(host, job, partial(_result, given, host.to), say)
        if detach:
            say(f"bring the result home with: {hosts.command(host.to, '--collect')}")
            return None
        return _bring_home(host, run, say, given)

    with _job(given, options) as job:
        tasks = [(to, job.python, partial(measure, job)) for to in given.hosts]
        _conclude(_side_by_side(given, tasks, shown))


def _result(given: _Given, to: "Destination", run: str) -> Path:
    """Return where the result of a run goes: to the user's file, or among the user's data."""
    from fmnist_edge.pipeline.hosts import results_folder

    if given.json is None or given.json == STDOUT:
        return results_folder() / f"{to.file_name}-{run}.json"
    return _file(given, to)


def _bring_home(host: "Host", run: "HostRun", say: _Say, given: _Given) -> "Home":
    from fmnist_edge.pipeline import hosts

    ended = hosts.follow(host, run, say, patience_seconds=given.values["reconnect"])
    return hosts.collect(host, run, ended)


@contextmanager
def _job(given: _Given, options: tuple[str, ...]) -> Iterator["Job"]:
    """Yield what is to be measured; models that are no bundle are packed into one."""
    from fmnist_edge.bundle import DATA_FILES, write_bundle
    from fmnist_edge.pipeline.hosts import Job, extras_for
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


def _go_on(given: _Given) -> None:
    """Attach to, collect or stop the runs that were begun before.

    Raises:
        UsageError: None is known.
    """
    from fmnist_edge.errors import UsageError
    from fmnist_edge.pipeline import hosts
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

    def go_on(run: "HostRun", host: "Host", say: _Say) -> "Home | None":
        if values["stop"]:
            before = hosts.stop(host, run)
            say("stopped and removed" if before.state == "running" else "removed")
            return None
        if given.json is not None and given.json != STDOUT:
            run = replace(run, result=str(_file(given, host.to).absolute()))
        if values["attach"]:
            return _bring_home(host, run, say, given)
        known = hosts.state(host, run)
        if known.state == "running":
            say("still measuring; follow it with --attach")
            return None
        return hosts.collect(host, run, known)

    tasks = [
        (named.get(run.to.name, run.to), run.remote_python, partial(go_on, run)) for run in runs
    ]
    _conclude(_side_by_side(given, tasks, shown))


@dataclass(frozen=True)
class _Outcome:
    """How it went on one host.

    Args:
        to: The host.
        home: The result; None where there is none.
        error: What went wrong; None where nothing did.
    """

    to: "Destination"
    home: "Home | None" = None
    error: Exception | None = None


def _side_by_side(
    given: _Given,
    tasks: Sequence[tuple["Destination", str, _Task]],
    shown: Sequence[str] | None,
) -> Sequence[_Outcome]:
    """Do the tasks at the same time, and show each result when it is there.

    Raises:
        typer.Exit: The user pressed Ctrl-C; it was said what goes on.
    """
    from fmnist_edge.errors import INTERRUPTED_EXIT_CODE
    from fmnist_edge.remote.host import Host

    several = len(tasks) > 1
    answers: Queue[_Outcome] = Queue()
    hosts = [Host(to, python) for to, python, _ in tasks]
    threads = [
        threading.Thread(target=_work, args=(given, host, task, answers), daemon=True)
        for host, (_, _, task) in zip(hosts, tasks, strict=True)
    ]
    for thread in threads:
        thread.start()
    done: list[_Outcome] = []
    try:
        while len(done) < len(tasks):
            try:
                done.append(answers.get(timeout=_TICK_SECONDS))
            except Empty:
                continue
            _show(done[-1], given, shown, several=several)
    except KeyboardInterrupt as error:
        for host in hosts:
            host.close()
        for thread in threads:
            thread.join()
        _interrupted([host.to for host in hosts])
        raise typer.Exit(INTERRUPTED_EXIT_CODE) from error
    return done


def _work(given: _Given, host: "Host", task: _Task, answers: "Queue[_Outcome]") -> None:
    """Do the task of a host, in a thread of its own."""

    def say(text: str) -> None:
        if not given.quiet:
            render.warning(f"{host.to.name}: {text}")

    try:
        with host:
            answers.put(_Outcome(host.to, home=task(host, say)))
    except Exception as error:  # noqa: BLE001 - the edge of the thread; the caller raises it
        answers.put(_Outcome(host.to, error=error))


def _show(outcome: _Outcome, given: _Given, shown: Sequence[str] | None, *, several: bool) -> None:
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


def _conclude(outcomes: Sequence[_Outcome]) -> None:
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
