"""How the recipe weighs its losses, and the same for our features."""

from __future__ import annotations

import numpy as np

from export.sources.vgg import MEAN_ACTIVATIONS
from runtime.spec.vgg import CLASSIC, Objective

STYLE_WEIGHT, CONTENT_WEIGHT = 1e5, 1.0
#: The shipped weights take 0..255 where torchvision's take a standard deviation of about 1:
#: every feature is that much larger, biases and all.
TORCHVISION_SCALE = 255 * 0.225


def our_weights(objective: Objective = CLASSIC) -> tuple[np.ndarray, np.ndarray]:
    """The recipe's weights restated for our features, each layer's divided by its mean."""
    ratios = {name: MEAN_ACTIVATIONS[name] / TORCHVISION_SCALE for name in objective.layers}
    style = [STYLE_WEIGHT * ratios[name] ** 4 for name in objective.style_layers]
    content = CONTENT_WEIGHT * ratios[objective.content_layer] ** 2
    return np.array(style, np.float32), np.array([content], np.float32)
