"""Our descent on the reference recipe's objective, until its loss is reached."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import List, Tuple

import numpy as np

from runtime import lbfgs
from runtime.backends import backend_class
from runtime.gatys.descent import loss_of
from runtime.imaging.colour import match_colours
from runtime.spec.graphs import features_graph, gatys_graph, gram_name
from runtime.spec.vgg import CLASSIC, VGG19_CHANNELS, stride_of
from tests.bench.weights import our_weights

POOLING = "max"
MOST_EVALUATIONS = 400


@dataclass(frozen=True)
class Descent:
    """Seconds and evaluations to the target, and how the seconds divide."""

    seconds: float
    evaluations: int
    reached: bool
    graph_seconds: float

    @property
    def per_evaluation(self) -> float:
        """Seconds of one loss and gradient."""
        return self.graph_seconds / self.evaluations

    @property
    def own_per_evaluation(self) -> float:
        """Seconds of the optimiser's own arithmetic for one evaluation."""
        return (self.seconds - self.graph_seconds) / self.evaluations


def descend(
    backend: str, folder: Path, content: np.ndarray, style: np.ndarray, target: float
) -> Descent:
    """Descend from the content in the style's colours until the loss is at most `target`."""
    kind = backend_class(backend)
    height, width = content.shape[2:]

    def features(picture: np.ndarray) -> dict[str, np.ndarray]:
        graph = features_graph(CLASSIC, POOLING)
        rows, columns = picture.shape[2:]
        with kind(graph, height=rows, width=columns, folder=folder) as loaded:
            return loaded.run({"image": picture})

    of_style = features(style)
    style_weights, content_weight = our_weights()
    feeds = {gram_name(layer): of_style[gram_name(layer)] for layer in CLASSIC.style_layers}
    feeds["content"] = features(content)["content"]
    feeds["content_map"] = np.ones((1, 1, *feeds["content"].shape[2:]), np.float32)
    feeds.update(style_weights=style_weights, content_weight=content_weight)
    spent: List[float] = []
    with kind(gatys_graph(CLASSIC, POOLING), height=height, width=width, folder=folder) as loaded:
        evaluate = loss_of(loaded, feeds)

        def timed(image: np.ndarray) -> Tuple[float, np.ndarray]:
            begin = time.perf_counter()
            result = evaluate(image)
            spent.append(time.perf_counter() - begin)
            return result

        begin = time.perf_counter()
        for state in lbfgs.minimise(timed, match_colours(content, style)):
            if state.best_loss <= target or state.count >= MOST_EVALUATIONS:
                break
        seconds = time.perf_counter() - begin
    return Descent(seconds, state.count, state.best_loss <= target, sum(spent))


def gflop(height: int, width: int) -> float:
    """GFLOP of one evaluation: two convolutions a layer, two Gram-sized products a style layer."""
    total, incoming = 0.0, 3
    for name in CLASSIC.layers:
        channels, stride = VGG19_CHANNELS[name], stride_of(name)
        pixels = (height // stride) * (width // stride)
        total += 2 * (2 * 9 * incoming * channels * pixels)
        if name in CLASSIC.style_layers:
            total += 2 * (2 * channels * channels * pixels)
        incoming = channels
    return total / 1e9
