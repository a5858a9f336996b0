"""The Keras optimizers that presets name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from fmnist_edge.libraries import keras as keras_library
from fmnist_edge.training.preset import Optimizer, Schedule

# Weight decay is applied to kernels only. Biases and the scale and offset of a normalization do
# not make a function complicated.
_NOT_DECAYED: Final = ["bias", "gamma", "beta"]


def make_optimizer(
    optimizer: Optimizer, schedule: Schedule, peak_rate: float, steps_per_epoch: int
) -> Any:  # noqa: ANN401 - Keras's
    """Return a new Keras optimizer.

    Args:
        optimizer: Its name and weight decay.
        schedule: How its learning rate changes.
        peak_rate: The largest learning rate.
        steps_per_epoch: The number of steps of one epoch.

    Raises:
        MissingDependencyError: TensorFlow is not installed.
    """
    rate = learning_rate(schedule, peak_rate, steps_per_epoch * schedule.epochs)
    return _MAKERS[optimizer.name](optimizer, rate)


def _adam(_: Optimizer, rate: Any) -> Any:  # noqa: ANN401 - Keras's
    return keras_library.keras().optimizers.Adam(rate)


def _adamw(optimizer: Optimizer, rate: Any) -> Any:  # noqa: ANN401 - Keras's
    made = keras_library.keras().optimizers.AdamW(rate, weight_decay=optimizer.weight_decay)
    made.exclude_from_weight_decay(var_names=_NOT_DECAYED)
    return made


_MAKERS: Final[Mapping[str, Callable[[Optimizer, Any], Any]]] = MappingProxyType(
    {"adam": _adam, "adamw": _adamw}
)


def learning_rate(schedule: Schedule, peak_rate: float, total_steps: int) -> Any:  # noqa: ANN401 - Keras's
    """Return the learning rate: a number, or a Keras schedule that gives it for each step.

    Args:
        schedule: Its decay and warmup.
        peak_rate: The largest learning rate.
        total_steps: The number of steps of the whole schedule.
    """
    if schedule.decay == "none":
        return peak_rate
    cosine = keras_library.keras().optimizers.schedules.CosineDecay
    warmup_steps = int(schedule.warmup * total_steps)
    if not warmup_steps:
        return cosine(peak_rate, total_steps)
    return cosine(
        0.0, total_steps - warmup_steps, warmup_target=peak_rate, warmup_steps=warmup_steps
    )
