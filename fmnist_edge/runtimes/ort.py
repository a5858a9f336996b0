"""ONNX Runtime: `.onnx` and `.ort` files, on its execution providers (`ort_providers`)."""

from fmnist_edge.artifact import Artifact, Format
from fmnist_edge.devices import CPU
from fmnist_edge.libraries import onnxruntime as onnxruntime_library
from fmnist_edge.libraries.onnxruntime import CPU as CPU_PROVIDER
from fmnist_edge.libraries.onnxruntime import failures, onnxruntime
from fmnist_edge.runtimes import ort_providers
from fmnist_edge.runtimes.ort_device import open_on_device
from fmnist_edge.runtimes.ort_session import OrtSession, check_model, settings_for, unreadable
from fmnist_edge.session import DefaultUse, SessionOptions, check_device

FORMATS = frozenset({Format.ONNX, Format.ORT})
PACKAGE = onnxruntime_library.PACKAGE
EXTRA = onnxruntime_library.EXTRA
DEVICES = ort_providers.DEVICES
READS_MODEL = True
DEFAULT_USE = DefaultUse.ALWAYS


def load_library() -> str:
    """Import ONNX Runtime and return its version."""
    return str(onnxruntime().__version__)


def open(artifact: Artifact, options: SessionOptions) -> OrtSession:  # noqa: A001 - the contract's name
    """Open an `.onnx` or `.ort` file."""
    check_device("ONNX Runtime", options, DEVICES)
    library = onnxruntime()
    if options.device != CPU:
        return open_on_device(artifact, options)
    try:
        opened = library.InferenceSession(
            artifact.payload,
            settings_for(library, options),
            providers=[CPU_PROVIDER],
            enable_fallback=0,
        )
    except failures() as error:
        raise unreadable(artifact, error) from error
    check_model(artifact, opened, options.batch)
    return OrtSession(artifact.path, opened, options, binds=True)
