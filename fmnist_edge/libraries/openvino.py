"""OpenVINO: imported in one way, wherever it is needed."""

import sys
from typing import Any, Final

from fmnist_edge.optional import require

PACKAGE: Final = "openvino"
EXTRA: Final = "openvino"
_TELEMETRY: Final = "openvino_telemetry"
# OpenVINO's sentences come wrapped in where in its source they were raised.
_WRAPPING: Final = ("Exception from ", "Check ", "FrontEnd API failed with ")


def openvino() -> Any:  # noqa: ANN401 - the module is untyped
    """Import OpenVINO without its telemetry.

    It would write an id into `~/intel` and report every import and conversion to Google Analytics.
    Where the package that does so cannot be imported, OpenVINO goes on with a stub of its own.

    Raises:
        MissingDependencyError: it is not installed.
    """
    # None makes an import fail: https://docs.python.org/3/reference/import.html#the-module-cache
    sys.modules.setdefault(_TELEMETRY, None)  # type: ignore[arg-type] # documented, not typed
    return require(PACKAGE, extra=EXTRA)


def plain_reason(error: Exception) -> str:
    """What an exception of OpenVINO says, in one line and without a full stop."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line for line in lines if line and not line.startswith(_WRAPPING)]
    return (said or [type(error).__name__])[0].rstrip(".")
