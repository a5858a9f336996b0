"""The options of `bench` that have to do with other machines, and what they mean together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fmnist_edge_cli.options import STDOUT, check_json, finite

if TYPE_CHECKING:
    from fmnist_edge.remote.destination import Destination

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


@dataclass(frozen=True)
class Given:
    """What the user gave for this side.

    Args:
        hosts: The hosts.
        values: The options of the command by the names of their parameters.
    """

    hosts: Sequence["Destination"]
    values: Mapping[str, Any]

    @property
    def quiet(self) -> bool:
        """Whether nothing is shown but the answer."""
        return bool(self.values["quiet"])

    @property
    def json(self) -> Path | None:
        """Where the results go; None where the user named nothing."""
        value = self.values["json"]
        return None if value is None else Path(value)


def given_of(context: typer.Context) -> Given:
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
    given = Given(hosts, values)
    _check_files(given)
    return given


def _named(values: Mapping[str, Any]) -> Sequence[str]:
    """Return the options for making environments that were given."""
    return ["--wheels"] if values["wheels"] else []


def _check_files(given: Given) -> None:
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
        check_json(file_of(given, each), force=given.values["force"])


def file_of(given: Given, to: "Destination") -> Path:
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
