"""LiteRT's interpreter, for reading the tensors of a TFLite file."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fmnist_edge.artifact import Quantization, TensorSpec
from fmnist_edge.exporters.tflite.sharing import EXTRA
from fmnist_edge.optional import require


def open_interpreter(payload: bytes, **options: Any) -> Any:  # noqa: ANN401 - untyped
    """Open a file with LiteRT's reference kernels and without a delegate.

    The optimized kernels of LiteRT 2.3 compute 4-bit weights wrongly on processors with AVX-512
    VNNI, where no delegate takes their place; the reference kernels are the same everywhere.

    Args:
        payload: The bytes of the file.
        options: Further options of `ai_edge_litert.interpreter.Interpreter`.

    Raises:
        MissingDependencyError: LiteRT is not installed.
        ValueError: The file is no TFLite file, or it is damaged.
        RuntimeError: The file is damaged in a way that LiteRT notices later.
    """
    litert = require("ai_edge_litert.interpreter", extra=EXTRA)
    interpreter = litert.Interpreter(
        model_content=payload,
        experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF,
        **options,
    )
    interpreter.allocate_tensors()
    return interpreter


def input_of(interpreter: Any) -> TensorSpec:  # noqa: ANN401 - untyped
    """Return the description of the first input."""
    return spec_of(interpreter.get_input_details()[0])


def spec_of(details: Mapping[str, Any]) -> TensorSpec:
    """Return the description of a tensor; a scale of 0 means that it is not quantized."""
    scale, zero_point = details["quantization"]
    return TensorSpec(
        name=details["name"],
        shape=tuple(None if size < 0 else int(size) for size in details["shape_signature"]),
        dtype=np.dtype(details["dtype"]).name,
        quantization=Quantization(float(scale), int(zero_point)) if scale else None,
    )
