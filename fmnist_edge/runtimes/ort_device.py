"""ONNX Runtime on other devices than the CPU.

ONNX Runtime runs on the CPU whatever a provider does not take, and all of it where the provider is
unknown or fails; so each step is checked.
"""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact
from fmnist_edge.devices import Account, Unit
from fmnist_edge.errors import FmnistEdgeError, ModelUnsupportedError
from fmnist_edge.libraries.native_output import collect_native_output
from fmnist_edge.libraries.onnxruntime import CPU, failures, onnxruntime
from fmnist_edge.optional import installed, require
from fmnist_edge.runtimes.ort_placement import Placement, read_assignment, read_profile
from fmnist_edge.runtimes.ort_providers import PROVIDERS, Provider
from fmnist_edge.runtimes.ort_session import (
    OrtSession,
    check_model,
    reason_of,
    settings_for,
    sized,
    spec_of,
    unreadable,
)
from fmnist_edge.session import Opening, SessionOptions, unavailable
from fmnist_edge.temporary_files import temporary_files

_RECORD: Final = "session.record_ep_graph_assignment_info"
_NO_CPU: Final = "session.disable_cpu_ep_fallback"
# NVIDIA's libraries read it when they are loaded.
_TF32: Final = "NVIDIA_TF32_OVERRIDE"
# Why a provider could not be made, as ONNX Runtime logs it before it goes on without.
_LOGGED: Final = re.compile(r"\b(Failed to (?:load|create) .+)")
_OTHERS: Final = "Other exports have other operators; with --pixels float32, none converts bytes."
_DESCRIPTION: Final = "Description"


class DeviceSession(OrtSession):
    """A session on a device, with another one that is profiled when an account is asked for."""

    def __init__(
        self,
        artifact: Artifact,
        opened: Any,  # noqa: ANN401 - untyped
        options: SessionOptions,
        profiled: Callable[[str], Any],
    ) -> None:
        super().__init__(artifact.path, opened, options, binds=False)
        self._options: Final = options
        self._provider: Final = PROVIDERS[options.device]
        self._profiled: Final = profiled

    def account(self) -> Account:
        """Return where ONNX Runtime put the nodes of the graph.

        Raises:
            ModelUnsupportedError: None of them is on the device.
        """
        is_on_cpu = self._options.opening is Opening.ON_CPU
        placement = self._placement()
        taken = placement.on(self._provider.name)
        if not taken and not is_on_cpu:
            raise ModelUnsupportedError(
                f"ONNX Runtime runs nothing of {self._path} on {self._options.device}: "
                f"{'; '.join(placement.beside(self._provider.name))}.",
                hint=_OTHERS,
            )
        floats = sorted({kind for node in taken for kind in node.floats})
        is_told = self._provider.is_type_told and not self._options.fast_math
        return Account(
            source=placement.source,
            unit=None if is_on_cpu else _unit(onnxruntime(), self._provider),
            operators=len(placement.nodes),
            on_device=len(taken),
            elsewhere=tuple(placement.beside(self._provider.name)),
            precision=", ".join(floats) if is_told else "",
        )

    def _placement(self) -> Placement:
        try:
            return _assignment(self._opened) or _profile(self._profiled, self.batch)
        except self._errors as error:
            raise self._cannot_run(error) from error


class MemorySession(DeviceSession):
    """A session that can leave its arrays on the device."""

    def bind(self, tensor: NDArray[Any], /) -> Callable[[], None]:
        """Copy an input to the device, and return a function that infers on it."""
        values, memory = onnxruntime().OrtValue, self._provider.memory
        given = values.ortvalue_from_numpy(tensor, memory, 0)
        answer = values.ortvalue_from_shape_and_type(
            sized(self.output, self.batch), np.dtype(self.output.dtype), memory, 0
        )
        binding = self._opened.io_binding()
        binding.bind_ortvalue_input(self.input.name, given)
        binding.bind_ortvalue_output(self.output.name, answer)
        infer, wait = self._opened.run_with_iobinding, binding.synchronize_outputs

        def call() -> None:
            infer(binding)
            wait()

        return call


def open_on_device(artifact: Artifact, options: SessionOptions) -> DeviceSession:
    """Open a model on another device than the CPU, or held to the CPU by the same interface.

    Raises:
        DeviceUnavailableError: This ONNX Runtime lacks the provider, or the provider its device.
        ModelUnsupportedError: Strictly, and the provider leaves nodes to the CPU.
    """
    provider = PROVIDERS[options.device]
    if provider.has_no_option_for_tf32 and not options.fast_math:
        os.environ[_TF32] = "0"

    def profiled(prefix: str) -> Any:  # noqa: ANN401 - untyped
        return _inference_session(artifact, options, profile=prefix)

    with collect_native_output() as written:
        try:
            opened = _inference_session(artifact, options)
        except failures() as error:
            raise _refusal(artifact, options, error) from error
        log = written()
    if options.opening is not Opening.ON_CPU and provider.name not in opened.get_providers():
        found = _LOGGED.search(log)
        reason = found[1].strip().rstrip(".") if found else f"{provider.name} gives up"
        raise unavailable("ONNX Runtime", options.device, provider.provision, reason)
    check_model(artifact, opened, options.batch)
    leaves = provider.memory and options.opening is not Opening.ON_CPU
    return (MemorySession if leaves else DeviceSession)(artifact, opened, options, profiled)


def _assignment(opened: Any) -> Placement | None:  # noqa: ANN401 - untyped
    """Return what ONNX Runtime recorded; None where its version or the provider does not."""
    ask = getattr(opened, "get_provider_graph_assignment_info", None)
    return None if ask is None else read_assignment(ask())


def _profile(profiled: Callable[[str], Any], batch: int) -> Placement:
    """Return what the profile of one run tells.

    Args:
        profiled: Opens a session that writes its profile to a path with this beginning.
        batch: Items per inference.
    """
    with collect_native_output(), temporary_files({}) as folder:
        opened = profiled(str(folder / "profile"))
        source = spec_of(opened.get_inputs()[0])
        opened.run(None, {source.name: np.zeros(sized(source, batch), source.dtype)})
        opened.end_profiling()
        (written,) = folder.iterdir()
        return read_profile(written.read_text())


def _inference_session(artifact: Artifact, options: SessionOptions, profile: str = "") -> Any:  # noqa: ANN401 - untyped
    library, provider = onnxruntime(), PROVIDERS[options.device]
    settings = settings_for(library, options)
    settings.add_session_config_entry(_RECORD, "1")
    if profile:
        settings.enable_profiling = True
        settings.profile_file_prefix = profile
    if options.opening is Opening.ON_CPU:
        return library.InferenceSession(
            artifact.payload, settings, providers=[CPU], enable_fallback=0
        )
    if options.opening is Opening.STRICT:
        settings.add_session_config_entry(_NO_CPU, "1")
    if provider.in_order:
        settings.enable_mem_pattern = False
        settings.execution_mode = library.ExecutionMode.ORT_SEQUENTIAL
    wanted = [(provider.name, dict(provider.options(options)))]
    if provider.name in library.get_available_providers():
        if provider.besides:
            other = PROVIDERS[provider.besides]
            wanted.append((other.name, dict(other.options(options))))
        return library.InferenceSession(
            artifact.payload, settings, providers=wanted, enable_fallback=0
        )
    if not (provider.plug_in and installed(provider.plug_in)):
        has = ", ".join(library.get_available_providers())
        reason = f"it is built without {provider.name}, but with {has}"
        raise unavailable("ONNX Runtime", options.device, provider.provision, reason)
    settings.add_provider_for_devices([_plugged_in(library, options, provider)], wanted[0][1])
    return library.InferenceSession(artifact.payload, settings, enable_fallback=0)


def _plugged_in(library: Any, options: SessionOptions, provider: Provider) -> Any:  # noqa: ANN401 - untyped
    """Return the device of a plug-in, which is registered once in a process."""
    found = _devices(library, provider)
    if not found:
        module = require(provider.plug_in, extra="")
        library.register_execution_provider_library(provider.plug_in, module.get_library_path())
        found = _devices(library, provider)
    if not found:
        library.unregister_execution_provider_library(provider.plug_in)
        reason = f"the plug-in {provider.plug_in} finds no device"
        raise unavailable("ONNX Runtime", options.device, provider.provision, reason)
    return found[0]


def _devices(library: Any, provider: Provider) -> list[Any]:  # noqa: ANN401 - untyped
    """Return what ONNX Runtime lists for a provider; nothing where its version cannot list."""
    listed: list[Any] = getattr(library, "get_ep_devices", list)()
    return [
        each for each in listed if each.ep_name == provider.name and each.device.type.name != "CPU"
    ]


def _unit(library: Any, provider: Provider) -> Unit | None:  # noqa: ANN401 - untyped
    for each in _devices(library, provider):
        if name := dict(each.device.metadata).get(_DESCRIPTION):
            return Unit(name)
    return None


def _refusal(artifact: Artifact, options: SessionOptions, error: Exception) -> FmnistEdgeError:
    """Return the error about a session that ONNX Runtime did not open."""
    try:
        _inference_session(artifact, replace(options, opening=Opening.ON_CPU))
    except failures() as cause:
        return unreadable(artifact, cause)
    if options.opening is Opening.STRICT:
        # Where it has the choice, it tells what it leaves to the CPU.
        usual = open_on_device(artifact, replace(options, opening=Opening.USUAL)).account()
        return ModelUnsupportedError(
            f"ONNX Runtime cannot run all of {artifact.path} on {options.device}: "
            f"{'; '.join(usual.elsewhere) or reason_of(error)}.",
            hint=_OTHERS,
        )
    provision = PROVIDERS[options.device].provision
    return unavailable("ONNX Runtime", options.device, provision, reason_of(error))
