"""Does an exported file compute what its parent computes?"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import LayerFidelity, PairedAccuracy, Parity, Precision
from fmnist_edge.errors import ParityError
from fmnist_edge.recipes import Recipe
from fmnist_edge.session import Scores
from fmnist_edge.stats.classification import mcnemar_p_value

__all__ = ["check", "compare", "fidelity", "sqnr_db"]


_FLOATS: Final = frozenset({Precision.FLOAT32, Precision.FLOAT16})


def compare(expected: Scores, given: Scores, labels: NDArray[np.uint8], runtime: str) -> Parity:
    """Compare class probabilities image by image.

    Args:
        expected: float32[N,10] of the parent.
        given: float32[N,10] of the exported file.
        labels: uint8[N], the true ones.
        runtime: What executed the exported file.
    """
    before, after = expected.argmax(axis=1), given.argmax(axis=1)
    # A score that is no number must not pass as "no difference".
    difference = np.nan_to_num(np.abs(expected - given), nan=np.inf)
    limit = np.finfo(np.float32).max
    return Parity(
        runtime=runtime,
        images=len(expected),
        agreement=float((before == after).mean()),
        max_abs_difference=float(min(difference.max(), limit)),
        mean_abs_difference=float(min(difference.mean(dtype=np.float64), limit)),
        accuracy=_paired(before == labels, after == labels),
    )


def _paired(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> PairedAccuracy:
    lost, gained = int(np.sum(before & ~after)), int(np.sum(~before & after))
    return PairedAccuracy(
        parent=float(before.mean()),
        own=float(after.mean()),
        lost=lost,
        gained=gained,
        p_value=mcnemar_p_value(lost, gained),
    )


def sqnr_db(signal: NDArray[np.float32], noisy: NDArray[np.float32]) -> float | None:
    """Signal-to-quantization-noise ratio in decibel; None where nothing differs.

    10 log10(sum signal^2 / sum (signal - noisy)^2), over all images and units.
    """
    noise = float(np.sum((signal - noisy).astype(np.float64) ** 2))
    power = float(np.sum(signal.astype(np.float64) ** 2))
    if noise == 0:
        return None
    return 10 * math.log10(power / noise) if power > 0 else -math.inf


def fidelity(
    names: Sequence[str],
    expected: Sequence[NDArray[np.float32]],
    given: Sequence[NDArray[np.float32]],
) -> tuple[LayerFidelity, ...]:
    """How much of each layer's output survives, first layer to last."""
    return tuple(
        LayerFidelity(name, sqnr_db(signal, noisy))
        for name, signal, noisy in zip(names, expected, given, strict=True)
    )


def check(name: str, parity: Parity, recipe: Recipe, max_drop: float) -> None:
    """Refuse a file that strays further than its precision explains.

    Args:
        name: The file's.
        parity: What was found out about it.
        recipe: What it was to become.
        max_drop: Percentage points of accuracy that it may lose.

    Raises:
        ParityError: it does.
    """
    if parity.agreement < recipe.min_agreement or parity.max_abs_difference > recipe.max_difference:
        raise ParityError(
            f"{name} gives {parity.agreement:.1%} of {parity.images:,} images the label of its "
            f"parent, and scores differ by up to {parity.max_abs_difference:.3g}; {recipe.name} "
            f"must reach {recipe.min_agreement:.1%} within {recipe.max_difference:.3g}."
            f"{_blame(parity)}",
            hint=_cure(recipe),
        )
    if parity.accuracy is not None:
        _check_drop(name, parity, parity.accuracy, recipe, max_drop)


def _check_drop(
    name: str, parity: Parity, accuracy: PairedAccuracy, recipe: Recipe, max_drop: float
) -> None:
    drop = 100 * (accuracy.parent - accuracy.own)
    if drop <= max_drop:
        return
    raise ParityError(
        f"{name} loses {drop:.2f} points of accuracy ({accuracy.parent:.2%} to {accuracy.own:.2%}, "
        f"p = {accuracy.p_value:.2g}); {max_drop:g} are allowed.{_blame(parity)}",
        hint=f"{_cure(recipe)} --max-drop allows more.",
    )


def _cure(recipe: Recipe) -> str:
    """What to do about a file that is too far from its parent."""
    if recipe.precision in _FLOATS:
        return "Nothing was written. This is worth a bug report, with the model attached."
    calibration = (
        "calibration images like those of train, --calibration-samples 1000, another "
        "--calibration-method, "
        if recipe.calibrated
        else ""
    )
    return (
        f"Nothing was written. Try {calibration}a wider precision, or quantization-aware training."
    )


def _blame(parity: Parity) -> str:
    """The layer whose output suffers most, where the layers could be looked into."""
    measured = [layer for layer in parity.layers if layer.sqnr_db is not None]
    worst = min(measured, key=lambda layer: layer.sqnr_db or 0.0, default=None)
    return f" Worst layer: {worst.layer} ({worst.sqnr_db:.1f} dB)." if worst else ""
