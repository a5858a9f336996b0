"""What conversions to ONNX share: graphs in their plainest form, quantized, fed with bytes."""
