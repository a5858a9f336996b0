"""Models that other people might bring: `python tests/strangers.py FOLDER` writes them.

It runs as a process of its own, because it needs TensorFlow.
"""

import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fmnist_edge import ncnn_file
from fmnist_edge.exporters.ort import finish as ort_finish
from fmnist_edge.libraries.keras import keras, tensorflow
from fmnist_edge.libraries.openvino import openvino

_GENERATOR = np.random.default_rng(0)
# Name, shape of one image, scores, inputs: no Fashion-MNIST classifier, each for one reason.
_SHAPES: Sequence[tuple[str, tuple[int, ...], int, int]] = (
    ("larger-images", (32, 32), 10, 1),
    ("seven-scores", (28, 28), 7, 1),
    ("two-inputs", (28, 28), 10, 2),
)
# What only runtimes open, in a folder of its own: exporters are not asked about it.
ANY = "any"
_ANY_SHAPES: Sequence[tuple[str, tuple[int, ...], int, int]] = (
    *_SHAPES,
    ("table-rows", (5,), 3, 1),
)


def _kernel(pixels: int, scores: int) -> NDArray[np.float32]:
    return _GENERATOR.normal(0, 0.1, (pixels, scores)).astype(np.float32)


def _tflite(
    image: tuple[int, ...], scores: int, inputs: int = 1, *, batch: int = 1, rows: int = -1
) -> bytes:
    tf = tensorflow()
    pixels = int(np.prod(image))
    kernel = tf.constant(_kernel(pixels, scores))

    def serve(*images: Any) -> Any:  # noqa: ANN401 - tensors
        return tf.nn.softmax(tf.matmul(tf.reshape(sum(images), [rows, pixels]), kernel))

    signature = [tf.TensorSpec((batch, *image), tf.float32) for _ in range(inputs)]
    traced = tf.function(serve, input_signature=signature).get_concrete_function()
    converted: bytes = tf.lite.TFLiteConverter.from_concrete_functions([traced]).convert()
    return converted


def _onnx(  # noqa: PLR0913 - each is a way to be unusual
    image: tuple[int, ...],
    scores: int,
    inputs: int = 1,
    *,
    batch: int | str = "N",
    rows: int = -1,
    dtype: int = TensorProto.FLOAT,
) -> bytes:
    pixels = int(np.prod(image))
    names = [f"image_{i}" for i in range(inputs)]
    nodes = [helper.make_node("Reshape", [name, "flat_shape"], [f"{name}_flat"]) for name in names]
    nodes += [
        helper.make_node("Sum", [f"{name}_flat" for name in names], ["flat"]),
        helper.make_node("Cast", ["flat"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["real", "kernel"], ["linear"]),
        helper.make_node("Softmax", ["linear"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "stranger",
        [helper.make_tensor_value_info(name, dtype, [batch, *image]) for name in names],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch, scores])],
        [
            numpy_helper.from_array(_kernel(pixels, scores), "kernel"),
            numpy_helper.from_array(np.array([rows, pixels]), "flat_shape"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    written: bytes = model.SerializeToString()
    return written


def _ort(payload: bytes) -> bytes:
    return ort_finish.save(onnx.ModelProto.FromString(payload))


def _save_openvino(path: Path) -> None:
    library = openvino()
    made = library.convert_model(path.with_suffix(".onnx"))
    library.save_model(made, path, compress_to_fp16=False)


def _save_saved_model(path: Path, image: tuple[int, ...], scores: int, inputs: int) -> None:
    tf = tensorflow()
    kernel = tf.constant(_kernel(int(np.prod(image)), scores))
    module = tf.Module()

    def serve(*images: Any) -> Any:  # noqa: ANN401 - tensors
        flat = tf.reshape(sum(images), [-1, kernel.shape[0]])
        return {"scores": tf.nn.softmax(tf.matmul(flat, kernel))}

    signature = [tf.TensorSpec((None, *image), tf.float32, f"image_{i}") for i in range(inputs)]
    module.serve = tf.function(serve, input_signature=signature)
    tf.saved_model.save(module, str(path), signatures=module.serve)


def _save_npz(path: Path, image: tuple[int, ...], scores: int) -> None:
    kernel = _kernel(int(np.prod(image)), scores)
    np.savez(path, activations=["softmax"], kernel_0=kernel, bias_0=np.zeros(scores, np.float32))


def _save_ncnn(path: Path, image: tuple[int, ...], scores: int, inputs: int) -> None:
    pixels = int(np.prod(image))
    bias = np.zeros(scores, np.float32)
    weights = ncnn_file.weights_bytes(_kernel(pixels, scores), bias, halved=False)
    product = ncnn_file.Product(pixels, scores, "softmax")
    text = ncnn_file.param_text(ncnn_file.Network((product,)), weights)
    if inputs > 1:  # and nothing takes the first one
        magic, _, *layers = text.splitlines()
        other = f"Input other 0 1 other 0={pixels}"
        text = "\n".join([magic, *[f"{len(layers) + 1} {len(layers) + 1}"], other, *layers, ""])
    path.write_text(text)
    path.with_suffix(".bin").write_bytes(weights)


def _save_keras(path: Path, image: tuple[int, ...], scores: int, inputs: int) -> None:
    library = keras()
    images = [library.Input(image, name=f"image_{i}") for i in range(inputs)]
    summed = images[0] if inputs == 1 else library.layers.Add()(images)
    flat = library.layers.Flatten()(summed)
    answer = library.layers.Dense(scores, activation="softmax")(flat)
    library.Model(images if inputs > 1 else images[0], answer).save(path)


def _quantized_tflite(image: tuple[int, ...], scores: int, dtype: str, batch: int | None) -> bytes:
    tf = tensorflow()
    kernel = tf.constant(_kernel(int(np.prod(image)), scores))

    def serve(images: Any) -> Any:  # noqa: ANN401 - tensors
        return tf.nn.softmax(tf.matmul(tf.reshape(images, [-1, kernel.shape[0]]), kernel))

    signature = [tf.TensorSpec((batch, *image), tf.float32)]
    traced = tf.function(serve, input_signature=signature).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    # Neither symmetric around zero nor in 0..1.
    samples = _GENERATOR.uniform(-1, 3, (50, 1, *image)).astype(np.float32)
    converter.representative_dataset = lambda: ([sample] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.dtypes.as_dtype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about statistics for inputs, which it then takes
        converted: bytes = converter.convert()
    return converted


def _hard_on_gpus() -> Mapping[str, bytes]:
    """Models that a GPU runs in part, not at all, or would if it knew the size of the batch."""
    tf = tensorflow()
    first, last = tf.constant(_kernel(28 * 28, 16)), tf.constant(_kernel(16, 10))

    def remainders(images: Any) -> Any:  # noqa: ANN401 - tensors
        sums = tf.matmul(tf.reshape(images, [1, 28 * 28]), first)
        kept = tf.cast(tf.math.floormod(tf.cast(sums * 100, tf.int64), 7), tf.float32)
        return tf.nn.softmax(tf.matmul(kept, last))

    def wide_remainders(numbers: Any) -> Any:  # noqa: ANN401 - tensors
        return tf.math.floormod(numbers, 7)

    def own_size(images: Any) -> Any:  # noqa: ANN401 - tensors
        rows = tf.reshape(images, [tf.shape(images)[0], 28 * 28])
        return tf.nn.softmax(tf.matmul(tf.matmul(rows, first), last))

    def converted(serve: Any, shape: tuple[int | None, ...], dtype: Any) -> bytes:  # noqa: ANN401
        traced = tf.function(serve, input_signature=[tf.TensorSpec(shape, dtype)])
        functions = [traced.get_concrete_function()]
        payload: bytes = tf.lite.TFLiteConverter.from_concrete_functions(functions).convert()
        return payload

    return {
        "remainders": converted(remainders, (1, 28, 28), tf.float32),
        "wide-remainders": converted(wide_remainders, (1, 5), tf.int64),
        "own-size": converted(own_size, (None, 28, 28), tf.float32),
    }


def _two_outputs_tflite() -> bytes:
    tf = tensorflow()
    signature = [tf.TensorSpec((1, 5), tf.float32)]
    traced = tf.function(lambda row: (row * 2, row + 1), input_signature=signature)
    functions = [traced.get_concrete_function()]
    converted: bytes = tf.lite.TFLiteConverter.from_concrete_functions(functions).convert()
    return converted


def _onnx_graph(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, tuple[int, Sequence[int | str]]],
    outputs: Mapping[str, tuple[int, Sequence[int | str]]],
    **constants: NDArray[Any],
) -> bytes:
    graph = helper.make_graph(
        nodes,
        "stranger",
        [helper.make_tensor_value_info(name, *each) for name, each in inputs.items()],
        [helper.make_tensor_value_info(name, *each) for name, each in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    written: bytes = model.SerializeToString()
    return written


def _unusual_onnx() -> Mapping[str, bytes]:
    """Inputs and outputs of every other kind."""
    node = helper.make_node
    real, text, index = TensorProto.FLOAT, TensorProto.STRING, TensorProto.INT64
    row = {"row": (real, ["N", 5])}
    doubled = node("Add", ["row", "row"], ["doubled"])
    table = _kernel(6, 2)
    return {
        "flat": _onnx((784,), 10),
        "channel-first": _onnx((1, 28, 28), 10),
        "channel-last": _onnx((28, 28, 1), 10),
        "no-inputs": _onnx_graph(
            [node("Identity", ["table"], ["told"])], {}, {"told": (real, [6, 2])}, table=table
        ),
        "two-outputs": _onnx_graph(
            [doubled, node("Abs", ["row"], ["absolute"])],
            row,
            {"doubled": (real, ["N", 5]), "absolute": (real, ["N", 5])},
        ),
        "three-inputs": _onnx((28, 28), 10, 3),
        "open-height": _onnx_graph(
            [node("ReduceMean", ["image"], ["mean"], keepdims=0)],
            {"image": (real, [1, "height", 28])},
            {"mean": (real, [])},
        ),
        "words": _onnx_graph(
            [node("Identity", ["word"], ["same"])],
            {"word": (text, ["N", 1])},
            {"same": (text, ["N", 1])},
        ),
        "lone-number": _onnx_graph(
            [node("Abs", ["number"], ["absolute"])],
            {"number": (real, [])},
            {"absolute": (real, [])},
        ),
        "indices": _onnx_graph(
            [node("Gather", ["table", "index"], ["found"])],
            {"index": (index, ["N", 4])},
            {"found": (real, ["N", 4, 2])},
            table=table,
        ),
        # How many there are, only the data tells.
        "open-answer": _onnx_graph(
            [node("NonZero", ["row"], ["places"])], row, {"places": (index, [2, "found"])}
        ),
        # It gives twice as many rows as it takes.
        "more-rows": _onnx_graph(
            [node("Reshape", ["wide", "shape"], ["narrow"])],
            {"wide": (real, ["N", 4])},
            {"narrow": (real, ["N", 2])},
            shape=np.array([-1, 2]),
        ),
        # It declares another number of scores than it gives.
        "wrong-answer": _onnx_graph([doubled], row, {"doubled": (real, ["N", 4])}),
    }


def _save_any(folder: Path) -> None:
    folder.mkdir()
    for name, *shape in _ANY_SHAPES:
        (folder / f"{name}.tflite").write_bytes(_tflite(*shape))
        (folder / f"{name}.onnx").write_bytes(_onnx(*shape))
        (folder / f"{name}.ort").write_bytes(_ort(_onnx(*shape)))
        _save_openvino(folder / f"{name}.xml")
        _save_saved_model(folder / f"{name}.saved-model", *shape)
        _save_keras(folder / f"{name}.keras", *shape)
        image, scores, inputs = shape
        _save_ncnn(folder / f"{name}.ncnn.param", *shape)
        if inputs == 1:
            _save_npz(folder / f"{name}.npz", image, scores)
    for name, payload in _unusual_onnx().items():
        (folder / f"{name}.onnx").write_bytes(payload)
    for name, payload in {
        "int8-images": _quantized_tflite((32, 32), 10, "int8", 1),
        "colour-bytes": _quantized_tflite((8, 8, 3), 10, "uint8", None),
        "channel-last": _tflite((28, 28, 1), 10),
        **_hard_on_gpus(),
        "two-outputs": _two_outputs_tflite(),
    }.items():
        (folder / f"{name}.tflite").write_bytes(payload)


def _save_keras_models(folder: Path) -> None:
    library = keras()
    layers = library.layers

    def save(name: str, image: Any, *stack: Any) -> None:  # noqa: ANN401 - Keras objects
        values = image
        for layer in (layers.Flatten(), *stack, layers.Dense(10, activation="softmax")):
            values = layer(values)
        library.Model(image, values).save(folder / f"{name}.keras")

    usual = library.Input((28, 28))
    twice = layers.Dense(16, activation="relu")
    save("larger-images", library.Input((32, 32)))
    save("with-channel", library.Input((28, 28, 1)))
    save("without-bias", usual, layers.Dense(16, activation="relu", use_bias=False))
    # The order of its layers is not the order of its computation.
    save("layer-used-twice", usual, layers.Dense(16), twice, twice)
    save("foreign-layer", usual, layers.Rescaling(1 / 255))
    save("unusual-activation", usual, layers.Dense(16, activation="gelu"))
    save("code-inside", usual, layers.Lambda(lambda values: values * 2, output_shape=(784,)))


def main(folder: Path) -> None:
    """Write all of them."""
    for name, image, scores, inputs in _SHAPES:
        (folder / f"{name}.tflite").write_bytes(_tflite(image, scores, inputs))
        (folder / f"{name}.onnx").write_bytes(_onnx(image, scores, inputs))
        (folder / f"{name}.ort").write_bytes(_ort(_onnx(image, scores, inputs)))
        _save_openvino(folder / f"{name}.xml")
        _save_saved_model(folder / f"{name}.saved-model", image, scores, inputs)
        if inputs == 1:
            _save_npz(folder / f"{name}.npz", image, scores)
    usual = ((28, 28), 10)
    (folder / "four-at-once.tflite").write_bytes(_tflite(*usual, batch=4, rows=4))
    (folder / "four-at-once.onnx").write_bytes(_onnx(*usual, batch=4))
    (folder / "one-at-a-time.onnx").write_bytes(_onnx(*usual, rows=1))
    (folder / "wide-numbers.onnx").write_bytes(_onnx(*usual, dtype=TensorProto.DOUBLE))
    _save_keras_models(folder)
    _save_any(folder / ANY)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
