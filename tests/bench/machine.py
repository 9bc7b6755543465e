"""What the figures were taken on, and the best a matrix product does there."""

from __future__ import annotations

import platform
import time
from pathlib import Path
from typing import Dict, Tuple

import numpy as np

from runtime.backends.base import available_threads

PRODUCT_SIDE = 3000
PRODUCT_REPEATS = 5
#: A GPU needs larger ones the faster it is; a slow one is done before the largest.
GPU_PRODUCT_SIDES = (512, 1024, 2048, 4096, 8192)
ENOUGH_S = 0.2


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
    """GFLOP/s of float32 matrix products on the CPU, in torch, whose BLAS is MKL."""
    import torch

    torch.set_num_threads(available_threads())
    return _product(PRODUCT_SIDE, "cpu", "float32")[0]


def gpu_peaks(device: str) -> Dict[str, float]:
    """GFLOP/s of float32 (without TF32) and float16 matrix products of the best size."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    peaks = {}
    for precision in ("float32", "float16"):
        best = 0.0
        for side in GPU_PRODUCT_SIDES:
            rate, seconds = _product(side, device, precision)
            best = max(best, rate)
            if seconds > ENOUGH_S:
                break
        peaks[precision] = round(best, 1)
    return peaks


def _product(side: int, device: str, precision: str) -> Tuple[float, float]:
    """GFLOP/s and seconds of the quickest of some products of two squares."""
    import torch

    numbers = np.random.default_rng(0).random((side, side), np.float32)
    square = torch.tensor(numbers, device=device).to(getattr(torch, precision))
    best = float("inf")
    for repeat in range(PRODUCT_REPEATS):
        if repeat > 1 and best > ENOUGH_S:
            break
        begin = time.perf_counter()
        product = square @ square
        # A GPU works on while Python goes on: a number of the result is waited for.
        product[0, 0].item()
        best = min(best, time.perf_counter() - begin)
    return 2 * side**3 / best / 1e9, best
