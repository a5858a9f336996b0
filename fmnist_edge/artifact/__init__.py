"""An artifact: one model file plus the manifest (`FILE.json`) that says what it is.

The manifest is written last and holds the file's SHA-256, so an artifact is either whole or not
there. A bare model file without a manifest (somebody else's) is an `Artifact` too; it just has less
to tell.
"""

from fmnist_edge.artifact.manifest import (
    SAVED_MODEL_FILE,
    SCHEMA_VERSION,
    Artifact,
    Calibration,
    Format,
    LayerFidelity,
    Manifest,
    PairedAccuracy,
    Parity,
    Precision,
    Quantization,
    TensorSpec,
    Training,
    display_name,
    utc_now,
)
from fmnist_edge.artifact.store import (
    find_artifacts,
    find_models,
    format_of,
    manifest_path,
    open_artifact,
    read_manifest,
    refuse_to_replace,
    write_artifact,
)

__all__ = [
    "SAVED_MODEL_FILE",
    "SCHEMA_VERSION",
    "Artifact",
    "Calibration",
    "Format",
    "LayerFidelity",
    "Manifest",
    "PairedAccuracy",
    "Parity",
    "Precision",
    "Quantization",
    "TensorSpec",
    "Training",
    "display_name",
    "find_artifacts",
    "find_models",
    "format_of",
    "manifest_path",
    "open_artifact",
    "read_manifest",
    "refuse_to_replace",
    "utc_now",
    "write_artifact",
]
