"""Weights into ONNX graphs, and graphs into what an engine is built from."""
