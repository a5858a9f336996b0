"""Train, export and measure Fashion-MNIST classifiers for edge devices."""

__all__ = ["__version__"]

# The build reads the version from this line.
__version__ = "0.1.0"
