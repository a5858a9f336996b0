"""`fmnist-edge devices`: which runtime can be used on which device of this machine."""

from typing import Annotated

import typer

from fmnist_edge_cli import render
from fmnist_edge_cli.options import (
    EnvironmentOption,
    JsonOption,
    QuietOption,
    VerboseOption,
    check_json,
    limit_option,
)


def _devices() -> list[str]:
    """Return the names that a shell completes."""
    from fmnist_edge.devices import DEVICES

    return list(DEVICES)


def devices(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DEVICE",
            help="Try these devices only; all by default.",
            autocompletion=_devices,
        ),
    ] = None,
    limit: Annotated[float | None, limit_option("a probe", "15")] = None,
    environment: EnvironmentOption = None,
    json: JsonOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Show on which devices of this machine each runtime can be used.

    Each pair of runtime and device is tried in a process of its own: it opens a small model, runs
    it, and compares the answer with the right one. What cannot be used says why, or what to
    install. The exit code is 26 if you name devices and none of them can be used.

    \b
    Examples:
      fmnist-edge devices
      fmnist-edge devices webgpu vulkan
      fmnist-edge devices cuda --json -
      fmnist-edge devices --environment . --environment webgpu
    """
    from fmnist_edge import __version__
    from fmnist_edge.errors import DeviceUnavailableError
    from fmnist_edge.pipeline.devices import SECONDS, probe_devices, usable
    from fmnist_edge.pipeline.environments import find_environments
    from fmnist_edge.result import DeviceStates

    check_json(json, force=False)
    wanted = tuple(dict.fromkeys(names or ()))
    states = probe_devices(
        wanted,
        environments=find_environments(environment or ()),
        seconds=SECONDS if limit is None else limit,
        progress=render.progress_display(quiet=quiet, verbose=verbose),
    )
    if json is None or not render.json_answer(DeviceStates(__version__, states), json):
        render.devices(states)
    if wanted and not usable(states):
        raise DeviceUnavailableError(
            f"No runtime can be used on {', '.join(wanted)} here.",
            hint="The lines above say why, and what would help."
            if json is None
            else "The states in the JSON say why, and what would help.",
        )
