"""The outputs of the dense layers of a TFLite file."""

import warnings
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.exporters.tflite.interpreter import input_of, open_interpreter, spec_of
from fmnist_edge.session import Images, decode_scores, prepare_images

_LAYER: Final = "FULLY_CONNECTED"


def layer_outputs(payload: bytes, images: Images) -> tuple[NDArray[np.float32], ...]:
    """Run images through the file and return the output of every dense layer.

    LiteRT's reference kernels run the file, because XNNPACK does not keep the tensors between input
    and output. Both use the ranges of the file, and their outputs differ by one quantization step
    at most.

    Args:
        payload: A TFLite file that can be resized to N images.
        images: uint8[N,28,28].

    Returns:
        float32[N,units] per layer, first to last, dequantized; after the relu that is part of the
        layer, and before the softmax, which is not.

    Raises:
        MissingDependencyError: LiteRT is not installed.
    """
    with warnings.catch_warnings():
        # LiteRT warns of the memory that this takes, which is a few kilobytes per image here.
        warnings.filterwarnings("ignore", ".*experimental_preserve_all_tensors", UserWarning)
        interpreter = open_interpreter(payload, experimental_preserve_all_tensors=True)
    source = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(source, images.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source, prepare_images(images, input_of(interpreter)))
    interpreter.invoke()
    tensors = {each["index"]: each for each in interpreter.get_tensor_details()}
    # No public method tells which operator makes which tensor.
    operators = interpreter._get_ops_details()  # noqa: SLF001
    made = [int(each["outputs"][0]) for each in operators if each["op_name"] == _LAYER]
    return tuple(
        decode_scores(interpreter.get_tensor(index), spec_of(tensors[index])) for index in made
    )
