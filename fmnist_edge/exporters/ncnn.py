"""A chain of Dense layers as ncnn's two files.

They are written here. ncnn's own converter, pnnx, starts from PyTorch or ONNX, is larger than ncnn,
and installs PyTorch with it, for the sake of four kinds of layers.
"""

from fmnist_edge.artifact import Precision
from fmnist_edge.exporters.conversion import Conversion, Files
from fmnist_edge.exporters.parents.dense_chain import DenseChain
from fmnist_edge.exporters.plain_chain import plain_chain
from fmnist_edge.ncnn_file import Network, Product, param_text, weights_bytes


def convert(conversion: Conversion) -> DenseChain:
    """Return the layers.

    Raises:
        ExportError: The model is no chain of Dense layers, or has another activation than relu,
            softmax and linear.
    """
    return plain_chain(conversion, "ncnn files")


def finish(chain: DenseChain, conversion: Conversion) -> Files:
    """Return the `.param` and the `.bin` file; ncnn has no room for biases of 16 bits."""
    products = tuple(
        Product(layer.kernel.shape[0], layer.kernel.shape[1], layer.activation)
        for layer in chain.layers
    )
    halved = conversion.recipe.precision is Precision.FLOAT16
    weights = b"".join(
        weights_bytes(each.kernel, each.bias, halved=halved) for each in chain.layers
    )
    text = param_text(Network(products, chain.pool), weights)
    return {".param": text.encode(), ".bin": weights}
