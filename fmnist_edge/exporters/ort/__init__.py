"""ORT files, which ONNX Runtime's minimal builds read."""
