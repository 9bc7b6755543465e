"""Builds TensorRT engines from ONNX graphs, and tests them."""
