"""One export on its way from the parent to the finished files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fmnist_edge.exporters.parents.parent import Parent
from fmnist_edge.recipes import Choices, Pixels, Recipe
from fmnist_edge.session import Images

# The files of one artifact, the main one first. The keys continue the artifact's name:
# ".tflite" alone; ".xml" and ".bin"; ".saved-model/saved_model.pb" and the files beside it.
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Stages:
    """The models that several recipes of one command start from; each is made at most once.

    Args:
        float_onnx: Makes the float32 ONNX file for either input, with an open batch axis.
        int8_onnx: Makes the statically quantized ONNX file for float32 pixels in 0..1.
        float_tflite: Makes the float32 TFLite file for the pixels of the user's choice.
    """

    float_onnx: Callable[[Pixels], bytes]
    int8_onnx: Callable[[], bytes]
    float_tflite: Callable[[], bytes]


@dataclass(frozen=True)
class Conversion:
    """Everything that one export needs.

    Args:
        parent: The classifier to convert.
        recipe: The format and the precision to make.
        choices: The options of the user.
        calibration: uint8[N,28,28] images that set the activation ranges; no image for a recipe
            that is not calibrated.
        tools: The distributions whose versions decide the bytes of the files.
        stages: The models that this export shares with others of the same command.
    """

    parent: Parent
    recipe: Recipe
    choices: Choices
    calibration: Images
    tools: tuple[str, ...]
    stages: Stages
