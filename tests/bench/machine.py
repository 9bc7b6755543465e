"""What the figures were taken on, and the best a matrix product does there."""

from __future__ import annotations

import platform
import time
from pathlib import Path
from typing import Dict

import numpy as np

from runtime.backends.base import available_threads

PRODUCT_SIDE = 3000
PRODUCT_REPEATS = 5


def describe() -> Dict[str, object]:
    """The processor, the threads used, the versions, and the measured peak in GFLOP/s."""
    import onnxruntime
    import openvino
    import torch

    return {
        "processor": _processor(),
        "threads": available_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "onnxruntime": onnxruntime.__version__,
        "openvino": openvino.__version__,
        "peak_gflops": round(_peak(), 1),
    }


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.processor()


def _peak() -> float:
    """GFLOP/s of float32 matrix products, the best of some, in torch, whose BLAS is MKL."""
    import torch

    torch.set_num_threads(available_threads())
    square = torch.tensor(np.random.default_rng(0).random((PRODUCT_SIDE,) * 2, np.float32))
    best = float("inf")
    for _ in range(PRODUCT_REPEATS):
        begin = time.perf_counter()
        square @ square
        best = min(best, time.perf_counter() - begin)
    return 2 * PRODUCT_SIDE**3 / best / 1e9
