"""The names of the presets. This module imports nothing, because `--help` needs it."""

from typing import Final

# They go from the baseline that every model must beat to the largest; the teacher is not deployed.
PRESET_NAMES: Final = (
    "majority",
    "smallest",
    "study",
    "default",
    "nano",
    "tiny",
    "small",
    "large",
    "best",
    "teacher",
)
# The presets of the study, in its order.
STUDY: Final = PRESET_NAMES[:4]
PRESET_SUFFIX: Final = ".toml"
