"""The models one can ask for by name: architecture and training recipe, as data."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from fmnist_edge.tables import look_up

__all__ = ["PRESETS", "Preset", "get"]


@dataclass(frozen=True)
class Preset:
    """A dense classifier and how it is trained: one-hot labels, cross-entropy, Adam.

    Args:
        name: What it is called on the command line.
        summary: What it is for.
        hidden: Units of each hidden Dense + ReLU layer.
        dropout: Share of hidden units dropped while training.
        l2: Weight of the L2 penalty on each hidden kernel.
        learning_rate: Adam's step size.
        batch_size: Images per step.
        epochs: Epochs at most.
        patience: Epochs without a better validation accuracy after which training stops.
    """

    name: str
    summary: str
    hidden: tuple[int, ...]
    dropout: float
    l2: float
    learning_rate: float = 1e-3
    batch_size: int = 256
    epochs: int = 40
    patience: int = 5


PRESETS: Final = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            # The best on validation data of six variants of width, depth, dropout, L2 and batch
            # size; with one seed each, the first four were within a quarter of a point.
            Preset("default", "the model to start from", (256, 128), dropout=0.3, l2=1e-5),
            Preset("small", "a quarter of the size", (64, 64), dropout=0.1, l2=1e-5),
        )
    }
)


def get(name: str) -> Preset:
    """The preset called `name`.

    Raises:
        UsageError: there is none.
    """
    return look_up(PRESETS, name, "preset")
