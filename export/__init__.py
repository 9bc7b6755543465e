"""From published weights to ONNX graphs and TensorRT engines: `python -m export --help`."""
