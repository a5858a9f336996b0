"""Looking into a TFLite file with LiteRT's interpreter."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fmnist_edge.artifact import Quantization, TensorSpec
from fmnist_edge.exporters.tflite.sharing import EXTRA
from fmnist_edge.optional import require

__all__ = ["input_of", "open_interpreter", "spec_of"]


def open_interpreter(payload: bytes, **options: Any) -> Any:  # noqa: ANN401 - untyped
    """An interpreter with LiteRT's reference kernels and no delegate.

    The optimized kernels of LiteRT 2.3 compute 4-bit weights wrongly on processors with AVX-512
    VNNI, where no delegate takes their place; the reference kernels are the same everywhere.

    Args:
        payload: The whole file.
        options: Further ones of `ai_edge_litert.interpreter.Interpreter`.

    Raises:
        MissingDependencyError: LiteRT is not installed.
        ValueError: it is no TFLite file, or a damaged one.
        RuntimeError: the same, noticed later.
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
    """The first input."""
    return spec_of(interpreter.get_input_details()[0])


def spec_of(details: Mapping[str, Any]) -> TensorSpec:
    """A tensor as the interpreter describes it; a scale of 0 is how it says "not quantized"."""
    scale, zero_point = details["quantization"]
    return TensorSpec(
        name=details["name"],
        shape=tuple(None if size < 0 else int(size) for size in details["shape_signature"]),
        dtype=np.dtype(details["dtype"]).name,
        quantization=Quantization(float(scale), int(zero_point)) if scale else None,
    )
