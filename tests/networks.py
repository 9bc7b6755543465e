"""Networks with random weights, for what must not need a download."""

from __future__ import annotations

from typing import Tuple

import numpy as np

from export.vgg import Convolution
from runtime.spec import VGG19_CHANNELS, Objective


def random_vgg19(objective: Objective, seed: int = 0) -> Tuple[Convolution, ...]:
    """VGG-19's layers with weights that keep the mean activation near 1 (He et al. 2015)."""
    rng = np.random.default_rng(seed)
    convolutions, incoming = [], 3
    for name in objective.layers:
        channels = VGG19_CHANNELS[name]
        weight = rng.standard_normal((channels, incoming, 3, 3)) * np.sqrt(2 / (9 * incoming))
        bias = rng.standard_normal(channels) * 0.1
        convolutions.append(Convolution(name, weight.astype(np.float32), bias.astype(np.float32)))
        incoming = channels
    return tuple(convolutions)
