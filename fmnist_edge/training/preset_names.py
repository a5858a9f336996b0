"""What presets are called. Importing this imports nothing: a command line's help needs it."""

from typing import Final

# From the baseline that every model must beat to the largest; the teacher is a training aid.
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
# The story of the study, in its order.
STUDY: Final = PRESET_NAMES[:4]
PRESET_SUFFIX: Final = ".toml"
