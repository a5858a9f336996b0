"""The last step of an ORT export: the flat file that ONNX Runtime's minimal builds read."""

import tempfile
from pathlib import Path
from typing import Any, Final

from fmnist_edge.errors import ExportError
from fmnist_edge.exporters.conversion import Conversion, Files
from fmnist_edge.exporters.onnx.finish import finished
from fmnist_edge.exporters.onnx.graph import Model
from fmnist_edge.exporters.ort.order import ordered
from fmnist_edge.files import storage_errors
from fmnist_edge.libraries.native_output import first_line
from fmnist_edge.libraries.onnxruntime import CPU, ONLY_ERRORS, failures, onnxruntime

_QUANTIZER: Final = "DequantizeLinear"


def finish(model: Model, conversion: Conversion) -> Files:
    """Return the `.ort` file of an ONNX model, finished as an `.onnx` file is.

    Raises:
        ExportError: The graph is not valid ONNX, or ONNX Runtime cannot convert it.
        MissingDependencyError: ONNX Runtime is not installed.
        StorageError: The temporary folder is full or not writable.
    """
    return {conversion.recipe.format.suffix: save(finished(model, conversion))}


def save(model: Model) -> bytes:
    """Return the model as the bytes of an `.ort` file, metadata included.

    ONNX Runtime does not optimize such a file when it opens the file, so the operators that it will
    run are decided here. A float graph stays as it is, for any processor. In a quantized graph the
    quantizers are fused into the products, because the file would be four times slower otherwise;
    the fused operators are ONNX Runtime's own and run on all processors too. Layouts that suit one
    processor only are never used.

    Raises:
        ExportError: ONNX Runtime cannot convert the model.
        MissingDependencyError: ONNX Runtime is not installed.
        StorageError: The temporary folder is full or not writable.
    """
    library = onnxruntime()
    levels = library.GraphOptimizationLevel
    quantized = any(node.op_type == _QUANTIZER for node in model.graph.node)
    with storage_errors(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made.ort"
        options = _options(library, made)
        options.graph_optimization_level = (
            levels.ORT_ENABLE_EXTENDED if quantized else levels.ORT_ENABLE_BASIC
        )
        try:
            library.InferenceSession(model.SerializeToString(), options, providers=[CPU])
        except failures() as error:
            raise ExportError(
                f"ONNX Runtime cannot convert the graph: {first_line(error)}.",
                hint="This is worth a bug report, with the model attached.",
            ) from error
        return ordered(made.read_bytes())


def _options(library: Any, made: Path) -> Any:  # noqa: ANN401 - untyped
    options = library.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = ONLY_ERRORS
    options.optimized_model_filepath = str(made)
    options.add_session_config_entry("session.save_model_format", "ORT")
    return options
