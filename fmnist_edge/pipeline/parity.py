"""The comparison of an exported file with its parent, before the file is written."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from fmnist_edge import dataset, runtimes
from fmnist_edge.artifact import Artifact, Format, LayerFidelity, PairedAccuracy, Parity, Precision
from fmnist_edge.errors import MissingDependencyError, ParityError
from fmnist_edge.exporters import Parent
from fmnist_edge.exporters.onnx import layers as onnx_layers
from fmnist_edge.exporters.parents.dense_chain import layer_outputs
from fmnist_edge.exporters.tflite import layers as tflite_layers
from fmnist_edge.optional import install_command, installed
from fmnist_edge.recipes import Choices, Recipe
from fmnist_edge.records import replace
from fmnist_edge.session import (
    Images,
    Scores,
    Session,
    SessionOptions,
    classify,
    scale_pixels,
)
from fmnist_edge.stats.classification import as_probabilities, mcnemar_p_value

Labels = NDArray[np.uint8]
Thoroughness = Literal["full", "fast", "none"]
# From uint8[N,28,28] images to float32[N,units] per layer of a file, dequantized, before the
# softmax.
LayerReader = Callable[[bytes, Images], Sequence[NDArray[np.float32]]]
_LAYER_READERS: Final[dict[Format, LayerReader]] = {
    Format.TFLITE: tflite_layers.layer_outputs,
    Format.ONNX: onnx_layers.layer_outputs,
}
LAYER_READERS: Final[Mapping[Format, LayerReader]] = MappingProxyType(_LAYER_READERS)

_FAST_IMAGES: Final = 1_000
_LAYER_IMAGES: Final = 500
_SEED: Final = 0  # of the choice of images
_BATCH: Final = 250  # few calls, and little memory
_FLOATS: Final = frozenset({Precision.FLOAT32, Precision.FLOAT16})
# Activations are quantized by the range of the whole batch, so that scores depend on its size.
_RANGED_BY_BATCH: Final = frozenset({Precision.INT8_DYNAMIC, Precision.INT4})


@dataclass(frozen=True)
class ParityReference:
    """The images, labels and scores that exported files are compared with.

    Args:
        parent: The parent of the files.
        images: uint8[N,28,28] that neither training nor calibration used.
        labels: uint8[N], the true labels.
        expected: float32[N,10], the parent's probabilities.
        max_drop: The percentage points of accuracy that a file may lose.
    """

    parent: Parent
    images: Images
    labels: Labels
    expected: Scores
    max_drop: float


def reference_of(
    parent: Parent, data: dataset.Dataset, thoroughness: Thoroughness, max_drop: float
) -> ParityReference | None:
    """Return the parent's scores of all test images or of 1,000 of validation; None for "none".

    Test images may serve for this, because nothing is chosen by the result.
    """
    if thoroughness == "none":
        return None
    split = data.test
    if thoroughness == "fast":
        split = dataset.stratified(data.validation, _FAST_IMAGES, _SEED)
    expected = _expected(parent, split.images)
    return ParityReference(parent, split.images, split.labels, expected, max_drop)


def _expected(parent: Parent, images: Images) -> Scores:
    if parent.scores is not None:
        return parent.scores(images)
    session, _ = _open(parent.artifact, SessionOptions())
    return classify(session, images)


def runtime_for(artifact: Artifact) -> str:
    """Return the name of the first installed runtime that opens this format.

    Raises:
        MissingDependencyError: No such runtime is installed.
    """
    able = runtimes.reading(artifact.format)
    for name in able:
        package = runtimes.get(name).PACKAGE
        if not package or installed(package):
            return name
    extra = runtimes.get(able[0]).EXTRA
    raise MissingDependencyError(
        f"{artifact.path.name} cannot be opened: {able[0]} is not installed.",
        hint=f"Install it with: {install_command(extra)}",
    )


def _open(artifact: Artifact, options: SessionOptions) -> tuple[Session, str]:
    name = runtime_for(artifact)
    runtime = runtimes.get(name)
    version = runtime.load_library()
    return runtime.open(artifact, options), f"{name} {version}"


def open_and_compare(
    candidate: Artifact, recipe: Recipe, choices: Choices, reference: ParityReference | None
) -> tuple[Session, Parity | None]:
    """Open a file in its runtime, and refuse it if it differs too much from its parent.

    Returns:
        The session of the batch size that the user asked for, and the result of the comparison;
        None without a reference.

    Raises:
        ParityError: The file differs too much.
    """
    session, runtime = _open(candidate, SessionOptions(batch=choices.batch or 1))
    if reference is None:
        return session, None
    wide = _widened(candidate, session, recipe, reference.parent)
    given = as_probabilities(classify(wide, reference.images), choices.scores)
    parity = compare(reference.expected, given, reference.labels, runtime)
    parity = replace(parity, layers=_layers(candidate, reference))
    check(candidate.path.name, parity, recipe, reference.max_drop)
    return session, parity


def _widened(candidate: Artifact, session: Session, recipe: Recipe, parent: Parent) -> Session:
    """Return a session that takes many images per call, if the file gives the same scores then."""
    many = min(_BATCH, parent.batch)
    if session.input.shape[0] is not None or recipe.precision in _RANGED_BY_BATCH or many == 1:
        return session
    return _open(candidate, SessionOptions(batch=many))[0]


def _layers(candidate: Artifact, reference: ParityReference) -> tuple[LayerFidelity, ...]:
    """Return the fidelity of each layer, where the layers of both models can be read."""
    read, chain = LAYER_READERS.get(candidate.format), reference.parent.chain
    if read is None or chain is None:
        return ()
    some = reference.images[:_LAYER_IMAGES]
    given = read(candidate.payload, some)
    expected = layer_outputs(chain, scale_pixels(some))
    if len(given) != len(expected):
        return ()
    return fidelity([layer.name for layer in chain.layers], expected, given)


def compare(expected: Scores, given: Scores, labels: NDArray[np.uint8], runtime: str) -> Parity:
    """Compare class probabilities image by image.

    Args:
        expected: float32[N,10], the probabilities of the parent.
        given: float32[N,10], the probabilities of the exported file.
        labels: uint8[N], the true labels.
        runtime: The runtime that executed the exported file, with its version.
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
    """Return the signal-to-quantization-noise ratio in decibel; None where nothing differs.

    The ratio is 10 log10(sum signal^2 / sum (signal - noisy)^2), over all images and units.
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
    """Return the signal-to-quantization-noise ratio of each layer's output, first to last."""
    return tuple(
        LayerFidelity(name, sqnr_db(signal, noisy))
        for name, signal, noisy in zip(names, expected, given, strict=True)
    )


def check(name: str, parity: Parity, recipe: Recipe, max_drop: float) -> None:
    """Refuse a file that differs from its parent by more than its precision explains.

    Args:
        name: The name of the file.
        parity: The result of the comparison.
        recipe: The recipe, which sets the limits.
        max_drop: The percentage points of accuracy that the file may lose.

    Raises:
        ParityError: The file differs by more, or loses more accuracy.
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
    # Of counts, because the difference of two shares is rounded and may exceed a limit it equals.
    drop = 100 * (accuracy.lost - accuracy.gained) / parity.images
    if drop <= max_drop:
        return
    raise ParityError(
        f"{name} loses {drop:.2f} points of accuracy ({accuracy.parent:.2%} to {accuracy.own:.2%}, "
        f"p = {accuracy.p_value:.2g}); {max_drop:g} are allowed.{_blame(parity)}",
        hint=f"{_cure(recipe)} --max-drop allows more.",
    )


def _cure(recipe: Recipe) -> str:
    """Return the advice for a file that differs too much from its parent."""
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
    """Name the layer with the least fidelity, where the layers could be read."""
    measured = [layer for layer in parity.layers if layer.sqnr_db is not None]
    worst = min(measured, key=lambda layer: layer.sqnr_db or 0.0, default=None)
    return f" Worst layer: {worst.layer} ({worst.sqnr_db:.1f} dB)." if worst else ""
