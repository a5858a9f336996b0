"""What each dense layer of a TFLite file answers."""

import warnings
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.exporters.tflite.interpreter import input_of, open_interpreter, spec_of
from fmnist_edge.session import Images, decode_scores, prepare_images

__all__ = ["layer_outputs"]

_LAYER: Final = "FULLY_CONNECTED"


def layer_outputs(payload: bytes, images: Images) -> tuple[NDArray[np.float32], ...]:
    """Run images through the file and read every dense layer's output.

    LiteRT's reference kernels do it, because XNNPACK keeps nothing of what lies between the ends.
    Ranges and roundings are those of the file, so that the answers of the two differ by a step.

    Args:
        payload: A TFLite file that can be resized to N images.
        images: uint8[N,28,28].

    Returns:
        float32[N,units] per layer, first to last, dequantized; after a relu that is part of the
        layer, before the softmax, which is not.

    Raises:
        MissingDependencyError: LiteRT is not installed.
    """
    with warnings.catch_warnings():
        # LiteRT warns of the memory that this takes: some hundred numbers per image here.
        warnings.filterwarnings("ignore", ".*experimental_preserve_all_tensors", UserWarning)
        interpreter = open_interpreter(payload, experimental_preserve_all_tensors=True)
    source = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(source, images.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source, prepare_images(images, input_of(interpreter)))
    interpreter.invoke()
    tensors = {each["index"]: each for each in interpreter.get_tensor_details()}
    # The only place where the interpreter tells which operator makes which tensor.
    operators = interpreter._get_ops_details()  # noqa: SLF001
    made = [int(each["outputs"][0]) for each in operators if each["op_name"] == _LAYER]
    return tuple(
        decode_scores(interpreter.get_tensor(index), spec_of(tensors[index])) for index in made
    )
