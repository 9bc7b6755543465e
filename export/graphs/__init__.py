"""Writes weights as ONNX graphs, and prepares graphs for building engines."""
