"""Which of two ways to compute the same takes less of the processor.

Having bfloat16 does not make a processor faster with it: an Intel Xeon with `avx512_bf16` but
without AMX takes 1.4 to 1.8 times as long for an evaluation as in float32, while a Zen 4 with the
same instructions gains by them. No list of features tells the two apart, so a backend measures one
convolution in both precisions, once in a process.
"""

from __future__ import annotations

import time
from typing import Callable

#: The square picture [1, CHANNELS, SIDE, SIDE] and the 3x3 convolution of the measurement.
CHANNELS, SIDE = 128, 24

_REPEATS = 20
#: Noise and what surrounds the convolution leave nothing of a smaller gain.
_LEAST_GAIN = 0.1


def is_faster(new: Callable[[], object], old: Callable[[], object]) -> bool:
    """Whether a call of `new` takes at least a tenth less processor time than one of `old`.

    Both are called in turn some 20 times, and the least time of each counts. Time on the clock
    would depend on what else runs on the machine.
    """
    new_seconds = old_seconds = float("inf")
    for _ in range(_REPEATS):
        new_seconds = min(new_seconds, _seconds(new))
        old_seconds = min(old_seconds, _seconds(old))
    return new_seconds < (1 - _LEAST_GAIN) * old_seconds


def _seconds(call: Callable[[], object]) -> float:
    begin = time.process_time()
    call()
    return time.process_time() - begin
