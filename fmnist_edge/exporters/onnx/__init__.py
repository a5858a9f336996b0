"""ONNX files: precisions, uint8 inputs, tidying of graphs, and layer outputs."""
