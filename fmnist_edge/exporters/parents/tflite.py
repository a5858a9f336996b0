"""A float `.tflite` file as the parent of quantized files."""

from typing import Any, Final

import numpy as np

from fmnist_edge.artifact import Artifact
from fmnist_edge.errors import ModelUnreadableError, ModelUnsupportedError
from fmnist_edge.exporters.parents.logits import PROBE, are_logits
from fmnist_edge.exporters.parents.parent import Parent
from fmnist_edge.exporters.tflite.interpreter import open_interpreter, spec_of
from fmnist_edge.libraries.native_output import first_line
from fmnist_edge.session import Scores, check_classifier, decode_scores, prepare_images

# A float file has no tensors of these types.
_QUANTIZED: Final = (np.int8, np.int16, np.float16)


def load(artifact: Artifact) -> Parent:
    """Load a `.tflite` file; one that is quantized already or returns logits is refused."""
    try:
        interpreter = open_interpreter(artifact.payload)
        inputs = [spec_of(each) for each in interpreter.get_input_details()]
        outputs = [spec_of(each) for each in interpreter.get_output_details()]
        tensors = interpreter.get_tensor_details()
    except (ValueError, RuntimeError) as error:
        reason = first_line(error)
        raise ModelUnreadableError(
            f"LiteRT cannot open {artifact.path}: {reason}.",
            hint="Check that it is a TFLite file, or export it again.",
        ) from error
    check_classifier(artifact, inputs, outputs)
    if any(_is_quantized(tensor) for tensor in tensors):
        raise ModelUnsupportedError(
            f"{artifact.path} is quantized already; doing it again would only lose more.",
            hint="Start from the float file or the .keras file that it was made from.",
        )
    if are_logits(_scores(interpreter)):
        raise ModelUnsupportedError(
            f"{artifact.path} gives logits, and quantizing adds no softmax.",
            hint="Start from the .keras file that it was made from, or export it with a softmax.",
        )
    return Parent(artifact)


def _scores(interpreter: Any) -> Scores:  # noqa: ANN401 - untyped
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    images = np.resize(PROBE, source["shape"])  # the batch size of the file
    interpreter.allocate_tensors()
    interpreter.set_tensor(source["index"], prepare_images(images, spec_of(source)))
    interpreter.invoke()
    return decode_scores(interpreter.get_tensor(target["index"]), spec_of(target))


def _is_quantized(tensor: Any) -> bool:  # noqa: ANN401 - LiteRT's description of a tensor
    scales = tensor["quantization_parameters"]["scales"]
    return len(scales) > 0 or tensor["dtype"] in _QUANTIZED
