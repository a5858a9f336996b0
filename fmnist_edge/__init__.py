"""Train, export and measure Fashion-MNIST classifiers for edge devices."""

from typing import Final

__all__ = ["__version__"]

__version__: Final = "0.1.0"
