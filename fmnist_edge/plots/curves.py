"""A figure of learning curves: loss and accuracy by epoch."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Final

from fmnist_edge.libraries.matplotlib import matplotlib
from fmnist_edge.plots.figures import (
    ACCENT,
    BLUE,
    ORANGE,
    Axes,
    Figure,
    clean,
    legend_below,
    new_figure,
)

History = Mapping[str, Sequence[float]]

# The metric, the label of its axis, and the factor of its values.
_PANELS: Final = (
    ("loss", "loss", 1),
    ("accuracy", "accuracy, %", 100),
    ("learning_rate", "learning rate", 1),
)
# The metrics that decide on the best epoch; 1 if a larger value is better, -1 if a smaller one is.
_JUDGES: Final = (("val_accuracy", 1), ("val_loss", -1))
_VALIDATION: Final = "val_"
_FEW: Final = 30  # epochs whose values are marked one by one


def best_epoch(history: History) -> int | None:
    """Return the epoch that validated best, counted from 1; the first of several.

    The validation accuracy decides, or the validation loss if there is no accuracy. The result is
    None if nothing was validated.
    """
    for metric, better in _JUDGES:
        values = history.get(metric, ())
        finite = [epoch for epoch, value in enumerate(values, 1) if isfinite(value)]
        if finite:
            return max(finite, key=lambda epoch: better * values[epoch - 1])
    return None


def learning_curves(history: History, title: str) -> Figure:
    """Draw loss and accuracy by epoch on train and validation, and mark the best epoch.

    Args:
        history: One value per epoch: `loss`, `accuracy`, `val_loss`, `val_accuracy`,
            `learning_rate`. Each may be missing, and those of validation may be fewer.
        title: The title of the figure.

    Raises:
        MissingDependencyError: Matplotlib is not installed.
    """
    panels = [panel for panel in _PANELS if _values(history, panel[0])] or [_PANELS[0]]
    best = best_epoch(history)
    figure = new_figure(1.0 + 4.4 * len(panels), 4.6, title, _subtitle(history, best))
    drawn = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (metric, name, factor) in zip(drawn, panels, strict=True):
        _panel(axes, history, metric, factor)
        axes.set(xlabel="epoch", ylabel=name, xlim=(0.5, max(1, _epochs(history)) + 0.5))
        clean(axes, grid="y")
        if best is not None:
            axes.axvline(best, color=ACCENT, lw=1, ls="--", zorder=0, label="best epoch")
    legend_below(figure, drawn[0])
    return figure


def _epochs(history: History) -> int:
    return max((len(values) for values in history.values()), default=0)


def _values(history: History, metric: str) -> bool:
    return bool(history.get(metric) or history.get(_VALIDATION + metric))


def _panel(axes: Axes, history: History, metric: str, factor: float) -> None:
    if metric == "learning_rate":
        axes.set_yscale("log")
    # Epochs are whole numbers.
    axes.xaxis.set_major_locator(matplotlib("ticker").MaxNLocator(integer=True, min_n_ticks=1))
    for start, label, colour in (("", "train", BLUE), (_VALIDATION, "validation", ORANGE)):
        values = [factor * value for value in history.get(start + metric, ())]
        if values:
            marker = "o" if len(values) <= _FEW else ""
            epochs = range(1, len(values) + 1)
            axes.plot(
                epochs, values, color=colour, label=label, marker=marker, markersize=3.5, lw=1.6
            )


def _subtitle(history: History, best: int | None) -> str:
    """Return the number of epochs, and the best one with its metrics."""
    epochs = _epochs(history)
    ran = f"{epochs} {'epoch' if epochs == 1 else 'epochs'}"
    if best is None:
        return f"{ran}, without validation"
    reached = [
        wording.format(history[metric][best - 1])
        for metric, wording in (("val_accuracy", "accuracy {:.2%}"), ("val_loss", "loss {:.4f}"))
        if len(history.get(metric, ())) >= best
    ]
    return f"{ran}; the best one on validation is {best}: {', '.join(reached)}"
