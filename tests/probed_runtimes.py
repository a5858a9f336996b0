"""A probing process whose runtimes do what runtimes do on devices that cannot be used.

It does what `python -m fmnist_edge.probe` does; the name of the runtime tells how it goes.
"""

import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact
from fmnist_edge.devices import CPU, Account, Provision, Unit
from fmnist_edge.errors import DeviceUnavailableError, MissingDependencyError
from fmnist_edge.optional import require
from fmnist_edge.probe.__main__ import main
from fmnist_edge.records import replace
from fmnist_edge.runtimes import numpy_
from fmnist_edge.session import DefaultUse, Session, SessionOptions

DEVICE: Final = "webgpu"
GPU: Final = Unit("A GPU", driver="driver 1.2", api="Vulkan 1.4.305", memory_bytes=8 << 30)
ACCOUNT: Final = Account("profile", GPU, operators=2, on_device=2, precision="float32")
SYSTEM: Final = "a driver for Vulkan"
REFUSAL: Final = DeviceUnavailableError("There is no adapter.", hint="Buy one.")


class OnGpu:
    """NumPy's session, which says that it is on a GPU.

    Args:
        session: Computes.
        account: What it says.
        factor: Its answers are right, times this.
    """

    def __init__(self, session: Session, account: Account, factor: float = 1.0) -> None:
        self.prepare, self.decode, self.close = session.prepare, session.decode, session.close
        self.input, self.output, self.used = session.input, session.output, session.used
        self.batch = session.batch
        self._run = session.run
        self._account = account
        self._factor = factor

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        return np.multiply(self._run(tensor), np.float32(self._factor))

    def account(self) -> Account:
        return self._account


def _work(artifact: Artifact, options: SessionOptions) -> Session:
    plain = numpy_.open(artifact, replace(options, device=CPU))
    return plain if options.device == CPU else OnGpu(plain, ACCOUNT)


def _err(artifact: Artifact, options: SessionOptions) -> Session:
    return OnGpu(numpy_.open(artifact, replace(options, device=CPU)), ACCOUNT, factor=2.0)


def _stay_at_home(artifact: Artifact, options: SessionOptions) -> Session:
    idle = replace(ACCOUNT, on_device=0, elsewhere=("sum_0 (Gemm) on CPU",))
    return OnGpu(numpy_.open(artifact, replace(options, device=CPU)), idle)


def _refuse(artifact: Artifact, options: SessionOptions) -> Session:  # noqa: ARG001 - the contract's
    raise REFUSAL


def _crash(artifact: Artifact, options: SessionOptions) -> Session:  # noqa: ARG001
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stderr.write("the driver is lost\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError


def _hang(artifact: Artifact, options: SessionOptions) -> Session:  # noqa: ARG001
    time.sleep(1_000)
    raise AssertionError


def _stumble(artifact: Artifact, options: SessionOptions) -> Session:  # noqa: ARG001
    raise KeyError("adapter")


def _chatter(artifact: Artifact, options: SessionOptions) -> Session:
    os.write(1, b"WARNING: this is not JSON\n" * 10_000)
    return _work(artifact, options)


class Runtime:
    """A runtime with a CPU and a GPU.

    Args:
        make: Opens a session.
        package: What it needs, on either.
        provision: What its GPU needs.
    """

    FORMATS = numpy_.FORMATS
    READS_MODEL = True
    DEFAULT_USE = DefaultUse.ALWAYS

    def __init__(
        self,
        make: Callable[[Artifact, SessionOptions], Session] = _work,
        package: str = "",
        provision: Provision | None = None,
    ) -> None:
        self.PACKAGE = package
        self.EXTRA = "litert" if package else ""
        self.DEVICES = {CPU: Provision(), DEVICE: provision or Provision(system=SYSTEM)}
        self.open = make

    def load_library(self) -> str:
        if self.PACKAGE:
            require(self.PACKAGE, extra=self.EXTRA)
        return "1.0"


class _NoLibrary(Runtime):
    def load_library(self) -> str:
        raise MissingDependencyError("Its library is of another machine.", hint="Build it.")


RUNTIMES: Final[Mapping[str, Runtime]] = {
    "working": Runtime(),
    "chattering": Runtime(_chatter),
    "refusing": Runtime(_refuse),
    "erring": Runtime(_err),
    "staying": Runtime(_stay_at_home),
    "crashing": Runtime(_crash),
    "hanging": Runtime(_hang),
    "stumbling": Runtime(_stumble),
    "unloadable": _NoLibrary(),
    "absent": Runtime(package="no_such_package"),
    "lacking": Runtime(_refuse, provision=Provision(("no-such-plugin>=2",), system=SYSTEM)),
    "excluding": Runtime(_refuse, provision=Provision(("no-such-gpu-build",), apart=True)),
    # What is missing is no matter where the answer is right without it.
    "surprising": Runtime(provision=Provision(("no-such-plugin",))),
}

if __name__ == "__main__":
    main(RUNTIMES.__getitem__)
