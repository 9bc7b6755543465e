"""Gatys' loss in plain torch: what the graphs and backends are compared with."""

from __future__ import annotations

from typing import Dict, NamedTuple, Sequence

import numpy as np
import torch
from torch.nn import functional

from export.sources.vgg import MEAN_RGB, Convolution
from runtime.spec.graphs import gram_name
from runtime.spec.vgg import Objective


class LossAndGradient(NamedTuple):
    style_losses: np.ndarray
    content_loss: float
    gradient: np.ndarray


def targets(
    objective: Objective, pooling: str, convs: Sequence[Convolution], image: np.ndarray
) -> Dict[str, np.ndarray]:
    """What the features graph gives, in float64."""
    features = _features(pooling, convs, torch.tensor(image, dtype=torch.float64))
    grams = {gram_name(layer): _gram(features[layer]) for layer in objective.style_layers}
    tensors = {"content": features[objective.content_layer], **grams}
    return {name: value.numpy() for name, value in tensors.items()}


def loss_and_gradient(
    objective: Objective,
    pooling: str,
    convs: Sequence[Convolution],
    feeds: Dict[str, np.ndarray],
) -> LossAndGradient:
    """What the gatys graph gives, by autograd in float64."""
    image = torch.tensor(feeds["image"], dtype=torch.float64, requires_grad=True)
    features = _features(pooling, convs, image)
    style = []
    for layer in objective.style_layers:
        target = torch.tensor(feeds[gram_name(layer)], dtype=torch.float64)
        style.append((_gram(features[layer]) - target).square().mean())
    away = features[objective.content_layer] - torch.tensor(feeds["content"])
    content = (away.square() * torch.tensor(feeds["content_map"])).mean()
    weights = torch.tensor(feeds["style_weights"], dtype=torch.float64)
    loss = (torch.stack(style) * weights).sum() + content * float(feeds["content_weight"][0])
    loss.backward()  # type: ignore[no-untyped-call]
    losses = np.array([each.item() for each in style])
    assert image.grad is not None
    return LossAndGradient(losses, content.item(), image.grad.numpy())


def _features(
    pooling: str, convs: Sequence[Convolution], image: torch.Tensor
) -> Dict[str, torch.Tensor]:
    pool = {"average": functional.avg_pool2d, "max": functional.max_pool2d}[pooling]
    value = image - torch.tensor(MEAN_RGB).view(1, 3, 1, 1)
    features = {}
    for conv in convs:
        if conv.name.endswith("_1") and features:
            value = pool(value, 2)
        weight, bias = torch.tensor(conv.weight).double(), torch.tensor(conv.bias).double()
        value = functional.relu(functional.conv2d(value, weight, bias, padding=1))
        features[conv.name] = value
    return features


def _gram(features: torch.Tensor) -> torch.Tensor:
    rows = features.flatten(2)[0]
    return rows @ rows.T / rows.numel()
