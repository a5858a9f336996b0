"""TensorFlow on NVIDIA's GPUs: where its operators run, and what keeps it from the GPU."""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from typing import Any, Final

from fmnist_edge.devices import CPU, Account, Provision, Unit
from fmnist_edge.libraries.keras import EXTRA, tensorflow
from fmnist_edge.libraries.native_output import collect_native_output
from fmnist_edge.optional import require
from fmnist_edge.session import Opening, SessionOptions, unavailable

DEVICE: Final = "cuda"
PROVISION: Final = Provision(("tensorflow[and-cuda]",), system="on Linux NVIDIA's driver")
_PLACES: Final = {False: "/GPU:0", True: "/CPU:0"}
# Operators that compute nothing: ends and constants of graphs, and calls of other graphs.
_NO_WORK: Final = frozenset(
    {
        *("Arg", "Const", "Identity", "NoOp", "PartitionedCall", "Placeholder"),
        *("ReadVariableOp", "Retval", "StatefulPartitionedCall", "_Arg", "_Retval"),
    }
)
# Kernels for any device are registered under this name.
_RUNS_ON_GPUS: Final = frozenset({"DEFAULT", "GPU"})
_NO_CUDA: Final = re.compile(r"failed call to cuInit: (?:[A-Z_]+: )?(.+)")


def check_gpu() -> None:
    """Check that TensorFlow has a GPU.

    Raises:
        DeviceUnavailableError: It finds none.
    """
    tf = tensorflow()
    with collect_native_output() as written:
        found = tf.config.list_physical_devices("GPU")
        cause = _NO_CUDA.search(written())
    if not found:
        reason = "it finds no GPU" + (f" ({cause[1].strip()})" if cause else "")
        raise unavailable("TensorFlow", DEVICE, PROVISION, reason)


def configure(options: SessionOptions) -> Mapping[str, str]:
    """Set threads, the precision and how strictly operators keep to the GPU; return what holds.

    TensorFlow accepts the threads only before its first computation in a process.
    """
    settings = tensorflow().config
    with suppress(RuntimeError):
        settings.threading.set_intra_op_parallelism_threads(options.threads)
        settings.threading.set_inter_op_parallelism_threads(1)
    # TF32, which is on by default, multiplies float32 with 10 bits behind the point.
    settings.experimental.enable_tensor_float_32_execution(options.fast_math)
    settings.set_soft_device_placement(options.opening is not Opening.STRICT)
    told = {"device": CPU.upper() if _is_on_cpu(options) else "GPU"}
    if settings.threading.get_intra_op_parallelism_threads() == options.threads:
        told["threads"] = str(options.threads)
    return told


def placed(options: SessionOptions) -> AbstractContextManager[Any]:
    """Return a block in which TensorFlow creates variables and computes on the device."""
    block: AbstractContextManager[Any] = tensorflow().device(_PLACES[_is_on_cpu(options)])
    return block


def account_of(function: Any, options: SessionOptions) -> Account:  # noqa: ANN401 - untyped
    """Return which operators of a traced function have code for GPUs; the others run on the CPU."""
    graph = function.graph.as_graph_def()
    bodies = [graph.node, *(body.node_def for body in graph.library.function)]
    nodes = [node for body in bodies for node in body if node.op not in _NO_WORK]
    left = [node for node in nodes if _is_on_cpu(options) or not _runs_on_gpus(node.op)]
    return Account(
        source="registered kernels",
        unit=None if _is_on_cpu(options) else _unit(),
        operators=len(nodes),
        on_device=len(nodes) - len(left),
        elsewhere=tuple(f"{node.name} ({node.op}) on CPU" for node in left),
        precision="" if options.fast_math else "float32",
    )


def _is_on_cpu(options: SessionOptions) -> bool:
    return options.opening is Opening.ON_CPU


def _runs_on_gpus(operator: str) -> bool:
    kernels = require("tensorflow.python.framework.kernels", extra=EXTRA)
    registered = kernels.get_registered_kernels_for_op(operator).kernel
    return any(kernel.device_type in _RUNS_ON_GPUS for kernel in registered)


def _unit() -> Unit | None:
    settings = tensorflow().config
    for each in settings.list_physical_devices("GPU"):
        if name := settings.experimental.get_device_details(each).get("device_name"):
            return Unit(name)
    return None
