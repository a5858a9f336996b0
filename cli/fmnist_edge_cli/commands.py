"""The table of commands, each of which is imported when it is asked for.

`fmnist-edge --help` shows what stands here and imports no command; a test holds each sentence
against the docstring that it repeats.
"""

from typing import Any, Final, NamedTuple

from typer import Typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group


class Entry(NamedTuple):
    """Where a command is, and what the list of commands says about it.

    Args:
        module: A module of this package.
        name: In that module: the function that is the command, or a `Typer` with commands below it.
        help: The first sentence of its docstring.
    """

    module: str
    name: str
    help: str


# In the order of their usual use.
COMMANDS: Final = {
    "data": Entry("data", "data", "Find or fetch Fashion-MNIST, and verify all four files."),
    "study": Entry(
        "study",
        "study",
        "Train and compare the models of the study: majority, smallest, study, default.",
    ),
    "train": Entry("train", "train", "Train a dense Fashion-MNIST classifier."),
    "evaluate": Entry(
        "evaluate",
        "evaluate",
        "Evaluate the accuracy, the calibration and the mistakes of a model.",
    ),
    "export": Entry("export", "export", "Convert a trained model to files for a device."),
    "predict": Entry("predict", "predict", "Classify images: a label with probabilities for each."),
    "bundle": Entry("bundle", "bundle", "Pack models and test images into one file."),
    "devices": Entry(
        "devices", "devices", "Show on which devices of this machine each runtime can be used."
    ),
    "doctor": Entry(
        "doctor",
        "doctor",
        "Tell whether this machine is ready to measure, and what would help.",
    ),
    "bench": Entry("bench", "bench", "Measure accuracy and latency of model files."),
    "report": Entry("report", "report", "Show everything in results files, or write it as a page."),
    "compare": Entry(
        "compare",
        "compare",
        "Tell what became slower or faster between two runs, and what is only chance.",
    ),
    "diverge": Entry(
        "diverge",
        "diverge",
        "Tell which images change label between two models, runtimes or machines, and why.",
    ),
    "environment": Entry("environment", "app", "Keep other runtimes and versions beside this one."),
    "wheelhouse": Entry(
        "wheelhouse", "wheelhouse", "Gather the wheels that a machine without network needs."
    ),
}


def load(name: str) -> Any:  # noqa: ANN401 - a command of click's, which Typer keeps to itself
    """Import the command called `name`, a key of `COMMANDS`, and return it."""
    from fmnist_edge.optional import own_module

    entry = COMMANDS[name]
    found = getattr(own_module(f"{__package__}.{entry.module}"), entry.name)
    if isinstance(found, Typer):
        command = get_group(found)
        command.name = name
        return command
    alone = Typer(add_completion=False, rich_markup_mode=None)
    alone.command(name)(found)
    return get_command(alone)


class LazyGroup(TyperGroup):
    """Lists the commands of the table; imports the one that is run or completed."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - as in the base
        super().__init__(**settings)
        self.commands = {
            name: TyperCommand(name, help=entry.help) for name, entry in COMMANDS.items()
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - as in the base
        """Find the command that the arguments begin with, for the base, and import it."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, load(name) if name else None, rest
