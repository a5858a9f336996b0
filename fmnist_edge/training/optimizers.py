"""Keras's optimizers, as presets name them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from fmnist_edge.libraries import keras as keras_library
from fmnist_edge.training.preset import Optimizer, Schedule

# Weight decay is for kernels: what shifts or scales a unit is no sign of a complicated function.
_UNDECAYED: Final = ["bias", "gamma", "beta"]


def optimizer_for(wanted: Optimizer, schedule: Schedule, highest: float, steps: int) -> Any:  # noqa: ANN401 - Keras's
    """A new Keras optimizer.

    Args:
        wanted: Its name and weight decay.
        schedule: How its step size changes.
        highest: The largest step size.
        steps: Of one epoch.

    Raises:
        MissingDependencyError: TensorFlow is not installed.
    """
    rate = step_size(schedule, highest, steps * schedule.epochs)
    return _MAKERS[wanted.name](wanted, rate)


def _adam(_: Optimizer, rate: Any) -> Any:  # noqa: ANN401 - Keras's
    return keras_library.keras().optimizers.Adam(rate)


def _adamw(wanted: Optimizer, rate: Any) -> Any:  # noqa: ANN401 - Keras's
    optimizer = keras_library.keras().optimizers.AdamW(rate, weight_decay=wanted.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=_UNDECAYED)
    return optimizer


_MAKERS: Final[Mapping[str, Callable[[Optimizer, Any], Any]]] = MappingProxyType(
    {"adam": _adam, "adamw": _adamw}
)


def step_size(schedule: Schedule, highest: float, total: int) -> Any:  # noqa: ANN401 - Keras's
    """The step size: a number, or a Keras schedule that gives it for the number of a step.

    Args:
        schedule: Its decay and warmup.
        highest: The largest step size.
        total: Steps of the whole training.
    """
    if schedule.decay == "none":
        return highest
    cosine = keras_library.keras().optimizers.schedules.CosineDecay
    rising = int(schedule.warmup * total)
    if not rising:
        return cosine(highest, total)
    return cosine(0.0, total - rising, warmup_target=highest, warmup_steps=rising)
