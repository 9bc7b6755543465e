"""The benchmark on a CUDA GPU: `python -m tests.bench.gpu`."""
