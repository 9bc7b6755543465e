"""The reference recipe in plain torch: what most repositories of Gatys' method run.

The classic layers, autograd, `torch.optim.LBFGS` with default settings, the image clamped in the
closure, a start from the content image, max pooling, Gram / (C H W), mean squared errors, a style
weight of 1e5 and a content weight of 1, on features of the size that torchvision's have.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Dict, List, Sequence

import numpy as np
import torch
from torch.nn import functional

from export.sources.vgg import MEAN_ACTIVATIONS, MEAN_RGB, Convolution
from runtime.backends.base import available_threads
from runtime.spec.vgg import CLASSIC
from tests.bench.weights import CONTENT_WEIGHT, STYLE_WEIGHT, TORCHVISION_SCALE

CLOSURES = 200


@dataclass(frozen=True)
class Run:
    """Seconds of the descent alone, and the loss at each evaluation."""

    seconds: float
    losses: List[float]

    @property
    def evaluations(self) -> int:
        """How often the closure was called."""
        return len(self.losses)

    @property
    def loss(self) -> float:
        """The lowest seen. The last one is none to be measured by: the recipe diverges now and
        then, and with it the loss jumps by factors of ten to a thousand."""
        return min(self.losses)


class Recipe:
    """The recipe for one pair of pictures, float32 [1, 3, H, W] in [0, 1]."""

    def __init__(
        self,
        convs: Sequence[Convolution],
        content: np.ndarray,
        style: np.ndarray,
        *,
        device: str = "cpu",
    ) -> None:
        torch.set_num_threads(available_threads())
        self._layers = [
            (name, weight.to(device), bias.to(device))
            for name, weight, bias in (_unscaled(conv) for conv in convs)
        ]
        self._mean = torch.tensor(MEAN_RGB, device=device).view(1, 3, 1, 1)
        self._start = torch.tensor(content, device=device)
        with torch.no_grad():
            self._content = self._features(self._start)[CLASSIC.content_layer]
            of_style = self._features(torch.tensor(style, device=device))
            self._grams = {name: _gram(of_style[name]) for name in CLASSIC.style_layers}

    def run(self) -> Run:
        """Descend for `CLOSURES` calls of the closure."""
        image = self._start.clone().requires_grad_()
        optimizer = torch.optim.LBFGS([image])
        losses: List[float] = []

        def closure() -> torch.Tensor:
            with torch.no_grad():
                image.clamp_(0, 1)
            optimizer.zero_grad()
            loss = self.loss(image)
            loss.backward()  # type: ignore[no-untyped-call]
            losses.append(loss.item())
            return loss

        begin = time.perf_counter()
        while len(losses) < CLOSURES:
            optimizer.step(closure)
        seconds = time.perf_counter() - begin
        return Run(seconds, losses)

    def autograd_seconds(self, repeats: int = 10) -> List[float]:
        """The time of one loss and gradient without the optimiser, `repeats` times."""
        times = []
        for _ in range(repeats):
            image = self._start.clone().requires_grad_()
            begin = time.perf_counter()
            self.loss(image).backward()  # type: ignore[no-untyped-call]
            # The GPU works on while Python goes on: its last number is waited for.
            image.grad[0, 0, 0, 0].item()  # type: ignore[index]
            times.append(time.perf_counter() - begin)
        return times

    def loss(self, image: torch.Tensor) -> torch.Tensor:
        """The recipe's loss."""
        features = self._features(image)
        style = sum(
            functional.mse_loss(_gram(features[name]), gram) for name, gram in self._grams.items()
        )
        content = functional.mse_loss(features[CLASSIC.content_layer], self._content)
        return STYLE_WEIGHT * style + CONTENT_WEIGHT * content

    def _features(self, image: torch.Tensor) -> Dict[str, torch.Tensor]:
        value = image - self._mean
        features: Dict[str, torch.Tensor] = {}
        for name, weight, bias in self._layers:
            if name.endswith("_1") and features:
                value = functional.max_pool2d(value, 2)
            value = functional.relu(functional.conv2d(value, weight, bias, padding=1))
            features[name] = value
        return features


def _unscaled(conv: Convolution) -> tuple[str, torch.Tensor, torch.Tensor]:
    """The convolution on features of torchvision's size instead of ours."""
    names = list(CLASSIC.layers)
    index = names.index(conv.name)
    outgoing = MEAN_ACTIVATIONS[conv.name] / TORCHVISION_SCALE
    incoming = MEAN_ACTIVATIONS[names[index - 1]] / TORCHVISION_SCALE if index else 1.0
    weight = torch.tensor(conv.weight) * (outgoing / incoming)
    return conv.name, weight, torch.tensor(conv.bias) * outgoing


def _gram(features: torch.Tensor) -> torch.Tensor:
    rows = features.flatten(2)[0]
    return rows @ rows.T / rows.numel()
