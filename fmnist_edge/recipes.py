"""The named exports.

A recipe is data with a decodable name, `<format>-<precision>`: `tflite-int8` is a TFLite file that
computes in int8.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from fmnist_edge.artifact import Format, Precision
from fmnist_edge.errors import UsageError

# The trials in docs/formats.md chose these values.
CALIBRATION_SAMPLES: Final = 200
CALIBRATION_METHOD: Final = "minmax"

# From 13 on, every operator of a quantized graph has its present form; tf2onnx 1.17 ends at 18.
OPSETS: Final = range(13, 19)

ScoreKind = Literal["probabilities", "logits"]
# The input of a graph: the camera's bytes 0..255, or float32 pixels in 0..1.
Pixels = Literal["uint8", "float32"]


@dataclass(frozen=True)
class Recipe:
    """A file format in one precision, with the limits of its parity check.

    Args:
        format: The format of the file.
        precision: The arithmetic of the file.
        calibrated: Whether the quantizer needs images.
        min_agreement: The least share of images that must keep the parent's label, 0..1.
        max_difference: The largest difference of a class probability that is no sign of a defect;
            1 where no difference is one.
    """

    format: Format
    precision: Precision
    calibrated: bool = False
    min_agreement: float = 0.999
    max_difference: float = 1e-5

    @property
    def name(self) -> str:
        """Return the name of the recipe: format and precision."""
        return f"{self.format}-{self.precision}"


@dataclass(frozen=True)
class Choices:
    """The options of an export that apply to every recipe.

    Args:
        batch: The number of images per inference; None leaves the axis open. ONNX, ORT and
            SavedModel files leave it open for a batch of 1 too, ncnn and npz files for any.
        scores: Whether the scores are probabilities or logits.
        opset: The version of the ONNX operator set, one of `OPSETS`.
        calibration_method: How activation ranges are computed from the calibration images.
        metadata: Whether a file carries the facts of its manifest, where its format has room.
        pixels: What the input holds; ncnn and npz files, and those that TFLite quantizes with fixed
            ranges, have their own.
    """

    batch: int | None = 1
    scores: ScoreKind = "probabilities"
    opset: int = 18
    calibration_method: str = CALIBRATION_METHOD
    metadata: bool = True
    pixels: Pixels = "uint8"


def check_opset(opset: int) -> None:
    """Refuse a version of the ONNX operator set that no file can be written in.

    Raises:
        UsageError: The version is not one of `OPSETS`.
    """
    if opset not in OPSETS:
        raise UsageError(
            f"ONNX opset {opset} cannot be written; {OPSETS.start} to {OPSETS.stop - 1} can.",
            hint=f"Leave out --opset for {Choices().opset}.",
        )


def _float(target: Format) -> Recipe:
    return Recipe(target, Precision.FLOAT32)


def _float16(target: Format) -> Recipe:
    return Recipe(target, Precision.FLOAT16, min_agreement=0.995, max_difference=0.02)


def _quantized(target: Format, precision: Precision, *, calibrated: bool = True) -> Recipe:
    # int8 changes a score by a few hundredths; a conversion that lost its weights agrees on 10 %.
    # A single score is no criterion: in a tiny network it may change fully on one image of 10,000.
    return Recipe(target, precision, calibrated, min_agreement=0.95, max_difference=1.0)


RECIPES: Final = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            _float(Format.NPZ),
            _float(Format.TFLITE),
            _float16(Format.TFLITE),
            _quantized(Format.TFLITE, Precision.INT8),
            _quantized(Format.TFLITE, Precision.INT8_FLOAT_IO),
            _quantized(Format.TFLITE, Precision.INT8_DYNAMIC, calibrated=False),
            _quantized(Format.TFLITE, Precision.INT16X8),
            _quantized(Format.TFLITE, Precision.INT4, calibrated=False),
            _float(Format.ONNX),
            _float16(Format.ONNX),
            _quantized(Format.ONNX, Precision.INT8),
            _quantized(Format.ONNX, Precision.INT8_DYNAMIC, calibrated=False),
            _float(Format.ORT),
            _quantized(Format.ORT, Precision.INT8),
            _float(Format.OPENVINO),
            _float16(Format.OPENVINO),
            _quantized(Format.OPENVINO, Precision.INT8),
            _float(Format.NCNN),
            _float16(Format.NCNN),
            _float(Format.SAVED_MODEL),
        )
    }
)


def select(
    formats: tuple[Format, ...] = (), precisions: tuple[Precision, ...] = ()
) -> tuple[Recipe, ...]:
    """Return the recipes of the given formats and precisions; all of either where none is named.

    Raises:
        UsageError: A named format cannot be made in any of the named precisions.
    """
    chosen = [
        recipe
        for recipe in RECIPES.values()
        if (not formats or recipe.format in formats)
        and (not precisions or recipe.precision in precisions)
    ]
    missing = sorted(set(formats) - {recipe.format for recipe in chosen})
    if missing or not chosen:
        what = " in ".join(filter(None, (", ".join(missing), ", ".join(precisions))))
        raise UsageError(
            f"There is no recipe for {what}.", hint=f"The recipes are: {', '.join(RECIPES)}."
        )
    return tuple(chosen)
