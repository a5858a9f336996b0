"""ONNX files that ONNX Runtime's quantizers make of float ONNX files."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from fmnist_edge.errors import ExportError
from fmnist_edge.exporters.onnx.bytes import last_product, moved_pixels
from fmnist_edge.exporters.onnx.graph import parse
from fmnist_edge.files import storage_errors
from fmnist_edge.libraries.native_output import first_line
from fmnist_edge.libraries.onnxruntime import failures, onnxruntime
from fmnist_edge.recipes import CALIBRATION_METHOD
from fmnist_edge.session import PIXEL_SCALE, Images, scale_pixels

_ENTROPY_BINS: Final = 2048  # the number of TensorRT (Migacz 2017, "8-bit inference with TensorRT")
_METHODS: Final[Mapping[str, str]] = {
    "minmax": "MinMax",
    "entropy": "Entropy",
    "percentile": "Percentile",
}


def quantize(
    payload: bytes,
    calibration: Images,
    method: str = CALIBRATION_METHOD,
    *,
    per_channel: bool = False,
) -> bytes:
    """Quantize weights to int8 and activations to uint8, in QDQ form.

    Activations are unsigned because ONNX Runtime computes in uint8 on x86 and would convert signed
    ones. The nodes behind the last product stay float.

    Args:
        payload: A plain float32 model whose `image` is float32[N,28,28] in 0..1.
        calibration: uint8[N,28,28] images that set the activation ranges; the range of the pixels
            is always 0..1.
        method: minmax, entropy or percentile.
        per_channel: Whether the weights of each unit get a scale of their own; docs/formats.md
            compares both.

    Returns:
        A model with the same input as the float one.

    Raises:
        ExportError: The quantizer failed, or lacks the method.
        MissingDependencyError: onnx or ONNX Runtime is not installed.
        StorageError: The temporary folder is full or not writable.
    """
    if method not in _METHODS:
        raise ExportError(
            f"ONNX Runtime's quantizer does not calibrate by {method!r}.",
            hint=f"It knows: {', '.join(_METHODS)}.",
        )
    tools = _tools()
    graph = parse(payload).graph
    pixels = {
        "quant_type": tools.QuantType.QUInt8,
        "scale": np.array(PIXEL_SCALE, np.float32),
        "zero_point": np.array(0, np.uint8),
    }
    return _through_files(
        payload,
        lambda given, made: tools.quantize_static(
            given,
            made,
            _reader(tools, calibration),
            quant_format=tools.QuantFormat.QDQ,
            activation_type=tools.QuantType.QUInt8,
            weight_type=tools.QuantType.QInt8,
            per_channel=per_channel,
            nodes_to_exclude=[node.name for node in graph.node[last_product(graph) + 1 :]],
            calibrate_method=getattr(tools.CalibrationMethod, _METHODS[method]),
            **_counted(tools, given, calibration, method),
            extra_options={"TensorQuantOverrides": {moved_pixels(graph): [pixels]}},
        ),
    )


def quantize_dynamic(payload: bytes) -> bytes:
    """Quantize weights to int8; activations are quantized while the model runs.

    Args:
        payload: A plain float32 model.

    Raises:
        ExportError: The quantizer failed.
        MissingDependencyError: onnx or ONNX Runtime is not installed.
        StorageError: The temporary folder is full or not writable.
    """
    tools = _tools()
    return _through_files(
        payload,
        lambda given, made: tools.quantize_dynamic(
            given, made, weight_type=tools.QuantType.QInt8, per_channel=False
        ),
    )


def _tools() -> Any:  # noqa: ANN401 - a module
    return onnxruntime("onnxruntime.quantization")


def _through_files(payload: bytes, convert: Callable[[Path, Path], object]) -> bytes:
    """Quantize through files, because a quantizer empties a model that it is given in memory."""
    with storage_errors(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "given.onnx", Path(folder) / "made.onnx"
        given.write_bytes(payload)
        try:
            convert(given, made)
        except failures() as error:
            raise ExportError(
                f"ONNX Runtime's quantizer failed: {first_line(error)}.",
                hint="This is worth a bug report, with the model attached.",
            ) from error
        return made.read_bytes()


def _counted(
    tools: Any,  # noqa: ANN401 - a module
    model: Path,
    calibration: Images,
    method: str,
) -> Mapping[str, Path]:
    """Compute the activation ranges that the quantizer cannot compute, and return their file.

    The quantizer calibrates by entropy in 128 bins and searches the best 128 of them, which are
    always the whole range.
    """
    if method != "entropy":
        return {}
    calibrate = onnxruntime("onnxruntime.quantization.calibrate")
    calibrator = calibrate.create_calibrator(
        model,
        augmented_model_path=str(model.with_name("augmented.onnx")),
        calibrate_method=tools.CalibrationMethod.Entropy,
        extra_options={"num_bins": _ENTROPY_BINS},
    )
    calibrator.collect_data(_reader(tools, calibration))
    cache = model.with_name("ranges.json")
    calibrate.save_tensors_data(calibrator.compute_data(), cache)
    return {"calibration_cache_path": cache}


def _reader(tools: Any, calibration: Images) -> Any:  # noqa: ANN401 - untyped
    class Reader(tools.CalibrationDataReader):  # type: ignore[misc] # the base is untyped
        def __init__(self) -> None:
            self._images: Iterator[Any] = iter(calibration)

        def get_next(self) -> dict[str, Any] | None:
            image = next(self._images, None)
            return None if image is None else {"image": scale_pixels(image[None])}

    return Reader()
