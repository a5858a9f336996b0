"""The table of runtimes, and the two runtimes that need nothing installed."""

import io
import zipfile

import numpy as np
import pytest

from fmnist_edge import runtimes
from fmnist_edge.artifact import Format, TensorSpec
from fmnist_edge.errors import (
    DeviceUnavailableError,
    ModelUnreadableError,
    UsageError,
)
from fmnist_edge.runtimes import null, numpy_
from fmnist_edge.runtimes.tflite_quantization import quantizations
from fmnist_edge.session import SessionOptions, classify
from tests.examples import bare, npz, npz_model

_ZEROS = np.zeros((784, 10), np.float32)
_BIAS = np.zeros(10, np.float32)


def test_an_unknown_runtime_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="There is no runtime called 'tvm'") as caught:
        runtimes.get("tvm")
    assert caught.value.hint.startswith("Known are: null, numpy, litert, onnxruntime, openvino, ")


def test_a_format_is_read_by_runtimes_that_compute() -> None:
    assert runtimes.reading(Format.NPZ) == ("numpy",)
    assert runtimes.reading(Format.TFLITE)[:2] == ("litert", "openvino")
    assert runtimes.reading(Format.ONNX)[:2] == ("onnxruntime", "openvino")
    assert runtimes.reading(Format.NCNN) == ("ncnn",)
    assert runtimes.reading(Format.SAVED_MODEL) == ("tensorflow",)
    assert runtimes.reading(Format.KERAS) == ("tensorflow", "keras-predict")


def test_the_null_runtime_always_says_the_first_class() -> None:
    session = null.open(bare(b"anything"), SessionOptions(batch=2))
    scores = classify(session, np.zeros((3, 28, 28), np.uint8))
    assert scores.tolist() == np.full((3, 10), 0.1, np.float32).tolist()


def test_the_numpy_runtime_computes_what_the_arrays_say() -> None:
    # Two hidden units: twice the first pixel, and one minus it, below zero cut off.
    hidden = np.zeros((784, 2), np.float32)
    hidden[0] = 2, -1
    model = {
        "activations": np.array(["relu", "linear"]),
        "kernel_0": hidden,
        "bias_0": np.array([0, 0.5], np.float32),
        "kernel_1": np.eye(2, 10, dtype=np.float32),
        "bias_1": np.arange(10, dtype=np.float32),
    }
    session = numpy_.open(bare(npz(model)), SessionOptions(batch=2))
    images = np.zeros((2, 28, 28), np.uint8)
    images[1, 0, 0] = 255
    assert classify(session, images).tolist() == [
        [0, 1.5, 2, 3, 4, 5, 6, 7, 8, 9],
        [2, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    ]


def test_softmax_does_not_overflow() -> None:
    model = {"activations": np.array(["softmax"]), "kernel_0": _ZEROS, "bias_0": 1e30 + _BIAS}
    session = numpy_.open(bare(npz(model)), SessionOptions())
    scores = classify(session, np.zeros((1, 28, 28), np.uint8))
    np.testing.assert_allclose(scores, np.full((1, 10), 0.1), rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"kernel_0": None}, "it lacks the array 'kernel_0'"),
        ({"bias_0": None}, "it lacks the array 'bias_0'"),
        ({"activations": None}, "it lacks the array 'activations'"),
        ({"activations": np.array([], str)}, "it has no layers"),
        ({"activations": np.array("relu")}, "its activations are not a list"),
        ({"activations": np.array([["relu"]])}, "its activations are not a list"),
        ({"activations": np.array(["gelu"])}, "layer 0 has the unknown activation 'gelu'"),
        ({"activations": np.array(["relu", "relu"])}, "it lacks the array 'kernel_1'"),
        ({"kernel_0": _ZEROS.astype(np.float64)}, "layer 0 is not a float32 matrix"),
        ({"kernel_0": _ZEROS[0]}, "layer 0 is not a float32 matrix"),
        ({"bias_0": _BIAS[:9]}, "the bias of layer 0 does not fit its kernel"),
    ],
)
def test_arrays_that_are_no_model_are_refused(
    changes: dict[str, np.ndarray | None], problem: str
) -> None:
    model = {"activations": np.array(["relu"]), "kernel_0": _ZEROS, "bias_0": _BIAS} | changes
    payload = npz({name: array for name, array in model.items() if array is not None})
    with pytest.raises(ModelUnreadableError, match=f"model.npz is not .*: {problem}"):
        numpy_.open(bare(payload), SessionOptions())


def test_layers_that_do_not_fit_together_are_refused() -> None:
    model = {
        "activations": np.array(["relu", "softmax"]),
        "kernel_0": _ZEROS,
        "bias_0": _BIAS,
        "kernel_1": _ZEROS,
        "bias_1": _BIAS,
    }
    with pytest.raises(ModelUnreadableError, match="layer 1 does not fit the one before it"):
        numpy_.open(bare(npz(model)), SessionOptions())


def test_a_model_of_another_task_is_computed_too() -> None:
    kernel = np.zeros((3, 2), np.float32)
    kernel[:, 1] = 1, 2, 4
    model = {"activations": np.array(["linear"]), "kernel_0": kernel, "bias_0": _BIAS[:2]}
    session = numpy_.open(bare(npz(model)), SessionOptions(batch=2))
    assert session.input == TensorSpec("image", (None, 3), "float32")
    assert session.output == TensorSpec("scores", (None, 2), "float32")
    rows = np.array([[1.0, 0.0, -1.0], [0.5, 0.5, 0.5], [0.0, 0.0, 1.0]])
    assert classify(session, rows).tolist() == [[0, -3], [0, 3.5], [0, 4]]


def test_a_device_that_is_not_used_is_no_device_to_measure() -> None:
    with pytest.raises(DeviceUnavailableError, match="NumPy does not run on cuda, but on cpu"):
        numpy_.open(bare(npz_model()), SessionOptions(device="cuda"))


@pytest.mark.parametrize("payload", [b"", b"I am no model", bytes(100), b"\xff" * 100])
def test_the_quantization_of_what_is_no_tflite_file_is_not_told(payload: bytes) -> None:
    with pytest.raises(ValueError, match="its tables point outside of the file"):
        quantizations(payload)


def test_an_array_whose_header_is_garbled_is_refused() -> None:
    garbled = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(npz({"kernel_0": _ZEROS}))) as source,
        zipfile.ZipFile(garbled, "w") as target,
    ):
        array = source.read("kernel_0.npy")
        target.writestr("kernel_0.npy", array.replace(b"(784, 10)", b")784, 10)"))
    with pytest.raises(ModelUnreadableError):
        numpy_.open(bare(garbled.getvalue()), SessionOptions())


def test_nothing_is_unpickled() -> None:
    stream = io.BytesIO()
    np.savez(stream, activations=np.array(["softmax"], dtype=object), kernel_0=_ZEROS, bias_0=_BIAS)
    with pytest.raises(ModelUnreadableError, match="allow_pickle=False"):
        numpy_.open(bare(stream.getvalue()), SessionOptions())
