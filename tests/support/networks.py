"""Networks with random weights, for what must not need a download."""

from __future__ import annotations

from typing import Dict, Tuple

import numpy as np

from export.sources.vgg import Convolution
from runtime.spec.graphs import GraphSpec, gram_name
from runtime.spec.vgg import CLASSIC, VGG19_CHANNELS, Objective


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


def gatys_feeds(graph: GraphSpec, image: np.ndarray, seed: int = 3) -> Dict[str, np.ndarray]:
    """Inputs of a classic gatys graph; targets are any numbers, symmetric as a Gram matrix is."""
    rng = np.random.default_rng(seed)
    shapes = graph.input_shapes(*image.shape[2:])
    feeds = {name: rng.uniform(0, 1, shape).astype(np.float32) for name, shape in shapes.items()}
    for layer in CLASSIC.style_layers:
        feeds[gram_name(layer)] += feeds[gram_name(layer)].T
    return {**feeds, "image": image}
