"""The named exports.

A recipe is data with a decodable name, `<format>-<precision>`: `tflite-int8` is a TFLite file that
computes in int8. Every recipe starts from a trained Keras model.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from fmnist_edge.artifact import Format, Precision
from fmnist_edge.errors import UsageError

__all__ = ["RECIPES", "Recipe", "select"]


@dataclass(frozen=True)
class Recipe:
    """One way to make one kind of file.

    Args:
        format: What comes out.
        precision: What it computes in.
        calibration_images: Images of train that the quantizer may look at; 0 for float recipes.
        min_agreement: The least share of held-back images that must keep their label.
        max_difference: The largest difference of a class score that is no sign of a defect.
    """

    format: Format
    precision: Precision
    calibration_images: int = 0
    min_agreement: float = 0.999
    max_difference: float = 1e-5

    @property
    def name(self) -> str:
        """The name that decodes to this recipe."""
        return f"{self.format}-{self.precision}"


def _int8(target: Format) -> Recipe:
    # int8 moves a score by a few hundredths; a conversion that lost its weights agrees on 10 %.
    return Recipe(
        target, Precision.INT8, calibration_images=500, min_agreement=0.95, max_difference=0.5
    )


RECIPES: Final = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            Recipe(Format.NPZ, Precision.FLOAT32),
            Recipe(Format.TFLITE, Precision.FLOAT32),
            _int8(Format.TFLITE),
            Recipe(Format.ONNX, Precision.FLOAT32),
            _int8(Format.ONNX),
        )
    }
)


def select(
    formats: tuple[Format, ...] = (), precisions: tuple[Precision, ...] = ()
) -> tuple[Recipe, ...]:
    """The recipes of the given formats and precisions; all of either where none is named.

    Raises:
        UsageError: a named format cannot be made in any of the named precisions.
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
            f"There is no recipe for {what}.",
            hint=f"The recipes are: {', '.join(RECIPES)}.",
        )
    return tuple(chosen)
