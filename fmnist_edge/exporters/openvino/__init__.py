"""What conversions to OpenVINO share: ONNX in, `.xml` and `.bin` out."""
