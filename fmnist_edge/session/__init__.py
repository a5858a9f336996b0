"""A session: one model file opened by one runtime, with fixed options.

Only `run` is timed as inference. The steps before it (`prepare`: pixels or numbers to the input
tensor) and after it (`decode`: raw output to real numbers) are the same for all runtimes; they are
in this package.
"""

from fmnist_edge.session.checks import (
    check_batch,
    check_classifier,
    check_device,
    is_image_classifier,
    single_pair,
    unavailable,
)
from fmnist_edge.session.contract import (
    Accelerated,
    DefaultUse,
    DeviceMemory,
    Opening,
    RuntimeModule,
    SelfTiming,
    Session,
    SessionOptions,
)
from fmnist_edge.session.plain import PlainSession
from fmnist_edge.session.scoring import classify
from fmnist_edge.session.tensors import (
    IMAGE_SHAPE,
    PIXEL_SCALE,
    WHITE,
    Images,
    Scores,
    decode_scores,
    prepare_images,
    scale_pixels,
    synthetic_inputs,
)

__all__ = [
    "IMAGE_SHAPE",
    "PIXEL_SCALE",
    "WHITE",
    "Accelerated",
    "DefaultUse",
    "DeviceMemory",
    "Images",
    "Opening",
    "PlainSession",
    "RuntimeModule",
    "Scores",
    "SelfTiming",
    "Session",
    "SessionOptions",
    "check_batch",
    "check_classifier",
    "check_device",
    "classify",
    "decode_scores",
    "is_image_classifier",
    "prepare_images",
    "scale_pixels",
    "single_pair",
    "synthetic_inputs",
    "unavailable",
]
