"""Writing ORT format, the flat files of ONNX Runtime's small builds."""
