"""ONNX graphs into TensorRT engines: planning, building, verifying."""
