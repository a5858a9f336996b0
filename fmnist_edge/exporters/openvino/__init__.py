"""OpenVINO files, which are made from ONNX graphs."""
