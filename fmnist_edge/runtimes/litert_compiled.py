"""LiteRT's compiled models: `.tflite` files on GPUs, through WebGPU or, on macOS, Metal.

Only what the GPU's delegate writes to stderr names the GPU, and the operators that it leaves to the
CPU (`litert_log`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, TensorSpec
from fmnist_edge.devices import Account, Provision
from fmnist_edge.errors import ModelUnreadableError, ModelUnsupportedError
from fmnist_edge.libraries.native_output import collect_native_output
from fmnist_edge.optional import require
from fmnist_edge.runtimes.litert_log import Log, last_line, read_log
from fmnist_edge.session import Opening, PlainSession, SessionOptions, check_batch, unavailable

EXTRA: Final = "litert"
_PACKAGE: Final = "ai_edge_litert"
_ACCELERATORS: Final = {
    Opening.USUAL: ("GPU", "CPU"),
    Opening.STRICT: ("GPU",),
    Opening.ON_CPU: ("CPU",),
}
_MOST_TOLD: Final = 3
# The loader is stricter than that of the interpreter.
_NOT_LOADED: Final = "Failed to load model"

Pair = tuple[TensorSpec, TensorSpec]


def open_compiled(
    artifact: Artifact, specs: Pair, options: SessionOptions, provision: Provision
) -> "CompiledSession":
    """Compile a model for a GPU.

    Args:
        artifact: A TFLite file.
        specs: Its input and its output.
        options: Options of the session.
        provision: What the device needs.

    Raises:
        DeviceUnavailableError: There is no GPU that LiteRT can use.
        ModelUnreadableError: The file is one that only the interpreter loads.
        ModelUnsupportedError: The GPU cannot run this model, or not with these options.
    """
    check_batch(artifact, specs[0], options.batch)
    module = _module("compiled_model")
    with collect_native_output() as written:
        environment = module.Environment.create()
        try:
            model = module.CompiledModel.from_buffer(
                artifact.payload, environment=environment, options=_options(module, options)
            )
            opened = CompiledSession(artifact, specs, options, model, read_log(written()))
        except (RuntimeError, ValueError) as error:
            environment.close()
            log = read_log(written())
            if _NOT_LOADED in str(error):
                raise ModelUnreadableError(
                    f"LiteRT's compiled models cannot load {artifact.path}.",
                    hint="Its signature may name tensors that its graph lacks; export it again.",
                ) from error
            if log.no_gpu or (log.unit is None and options.opening is not Opening.ON_CPU):
                reason = log.no_gpu or last_line(error)
                raise unavailable("LiteRT", options.device, provision, reason) from error
            raise _refusal(artifact, specs[0], options, log, error) from error
    opened.check(artifact, options)
    return opened


class CompiledSession(PlainSession):
    """A compiled model with a buffer of its own for the input and one for the output."""

    def __init__(
        self,
        artifact: Artifact,
        specs: Pair,
        options: SessionOptions,
        model: Any,  # noqa: ANN401 - untyped
        log: Log,
    ) -> None:
        super().__init__(*specs, options.batch)
        accelerators = ", ".join(_ACCELERATORS[options.opening])
        self.used: Mapping[str, str] = {
            "threads": str(options.threads),
            "accelerators": accelerators,
            # Of the shorter type that it uses where it may, LiteRT does not tell.
            **({} if options.fast_math else {"precision": "float32"}),
        }
        self._path: Final[Path] = artifact.path
        self._payload: Final = artifact.payload
        self._is_on_cpu: Final = options.opening is Opening.ON_CPU
        self._log: Final = log
        self._model: Final = model
        self._is_whole: Final = model.is_fully_accelerated()
        (self._takes,) = model.create_input_buffers(0)
        (self._gives,) = model.create_output_buffers(0)
        self._shape: Final = tuple(self._takes.get_tensor_details()["shape"])
        self._answer: Final = tuple(self._gives.get_tensor_details()["shape"])
        self._dtype: Final = np.dtype(self.input.dtype)
        self._size: Final = int(np.prod(self._answer))
        self._gives_dtype: Final = np.dtype(self.output.dtype)

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        """Run one inference; the output is read, because the GPU works on when LiteRT returns.

        Raises:
            ModelUnsupportedError: The GPU cannot run it, or the tensor is not one that `prepare`
                returns: LiteRT would take its bytes for those of another type.
        """
        if tensor.shape != self._shape or tensor.dtype != self._dtype:
            raise ModelUnsupportedError(
                f"{self._path} takes {self._dtype}{list(self._shape)}, "
                f"not {tensor.dtype}{list(tensor.shape)}.",
                hint="Give it what prepare() returns for as many images as the session's batch.",
            )
        try:
            self._takes.write(tensor)
            self._model.run_by_index(0, [self._takes], [self._gives])
            output: NDArray[Any] = self._gives.read(self._size, self._gives_dtype)
        except (RuntimeError, ValueError) as error:
            raise ModelUnsupportedError(
                f"LiteRT cannot run {self._path}: {last_line(error)}.",
                hint="Export it again, or update LiteRT.",
            ) from error
        return output.reshape(self._answer)

    def account(self) -> Account:
        """Return how many of the file's operators the delegate took, and why it left the others."""
        operators = _operators(self._payload)
        on_gpu = operators if self._is_whole else self._log.on_gpu
        on_device = 0 if self._is_on_cpu else on_gpu
        refused = () if self._is_on_cpu else self._log.refused
        named = [f"{kind} on CPU ({reason})" for kind, reason in refused]
        unnamed = operators - on_device - len(named)
        return Account(
            source="is_fully_accelerated and the delegate's log",
            unit=self._log.unit,
            operators=operators,
            on_device=on_device,
            elsewhere=(*named, *([f"{unnamed} without name on CPU"] if unnamed > 0 else ())),
            precision=self.used.get("precision", ""),
        )

    def check(self, artifact: Artifact, options: SessionOptions) -> None:
        """Check that the model runs on the device at all, and with this batch.

        Raises:
            ModelUnsupportedError: It does not.
        """
        problem: ModelUnsupportedError | None = None
        if self._shape[0] != options.batch:
            problem = _open_axis(artifact)
        elif not (self._is_on_cpu or self._is_whole) and (
            options.opening is Opening.STRICT or not self._log.on_gpu
        ):
            problem = _left_out(artifact, options, self._log)
        if problem is not None:
            self.close()
            raise problem

    def close(self) -> None:
        """Release the buffers and the model; LiteRT writes about each part that it releases."""
        with collect_native_output():
            self._takes.destroy()
            self._gives.destroy()
            self._model.close()
            self._model.environment.close()


def _module(name: str) -> Any:  # noqa: ANN401 - a module
    return require(f"{_PACKAGE}.{name}", extra=EXTRA)


def _options(module: Any, options: SessionOptions) -> Any:  # noqa: ANN401 - untyped
    settings = module.Options.create()
    kinds = module.HardwareAccelerator
    settings.hardware_accelerators = kinds(
        sum(kinds[name] for name in _ACCELERATORS[options.opening])
    )
    settings.cpu_options.num_threads = options.threads
    settings.gpu_options.enforce_f32 = not options.fast_math
    return settings


def _operators(payload: bytes) -> int:
    graph = _module("schema_py_generated").Model.GetRootAs(payload).Subgraphs(0)
    return int(graph.OperatorsLength())


def _refusal(
    artifact: Artifact, source: TensorSpec, options: SessionOptions, log: Log, error: Exception
) -> ModelUnsupportedError:
    """Return the cause that LiteRT named for not compiling a model."""
    # It writes about open sizes only once in a process.
    if log.wants_fixed_sizes or (source.shape[0] is None and not log.refused):
        return _open_axis(artifact)
    if log.refused:
        return _left_out(artifact, options, log)
    return ModelUnsupportedError(
        f"LiteRT cannot compile {artifact.path} for {options.device}: {last_line(error)}.",
        hint="Export it again, or update LiteRT.",
    )


def _open_axis(artifact: Artifact) -> ModelUnsupportedError:
    return ModelUnsupportedError(
        f"{artifact.path} leaves sizes open, its batch or others, and LiteRT compiles only fixed "
        "sizes for GPUs.",
        hint="Export it again for as many images as one call is to take: --batch N.",
    )


def _left_out(artifact: Artifact, options: SessionOptions, log: Log) -> ModelUnsupportedError:
    extent = "all of" if log.on_gpu else "anything of"
    told = [f"{kind}: {reason}" for kind, reason in log.refused[:_MOST_TOLD]]
    if more := len(log.refused) - len(told):
        told.append(f"and {more} more")
    return ModelUnsupportedError(
        f"LiteRT cannot run {extent} {artifact.path} on {options.device} "
        f"({'; '.join(told) or 'it does not tell why'}).",
        hint="Its other exports, such as float32, may have other operators.",
    )
