"""OpenVINO, imported without its telemetry."""

import sys
from typing import Any, Final

from fmnist_edge.optional import require

PACKAGE: Final = "openvino"
EXTRA: Final = "openvino"
_TELEMETRY: Final = "openvino_telemetry"
# These lines of a message name the place in OpenVINO's source, not the cause.
_WRAPPING: Final = ("Exception from ", "Check ", "FrontEnd API failed with ")


def openvino() -> Any:  # noqa: ANN401 - the module is untyped
    """Import OpenVINO without its telemetry and return it.

    The telemetry would write an id to `~/intel` and report every import and conversion to Google
    Analytics. If its package cannot be imported, OpenVINO uses a stub.

    Raises:
        MissingDependencyError: OpenVINO is not installed.
    """
    # None makes an import fail: https://docs.python.org/3/reference/import.html#the-module-cache
    sys.modules.setdefault(_TELEMETRY, None)  # type: ignore[arg-type] # documented, not typed
    return require(PACKAGE, extra=EXTRA)


def plain_reason(error: Exception) -> str:
    """Return the cause that an exception of OpenVINO names, in one line, without a full stop."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line for line in lines if line and not line.startswith(_WRAPPING)]
    return (said or [type(error).__name__])[0].rstrip(".")
