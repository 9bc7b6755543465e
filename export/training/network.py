"""VGG-19 with a new head, in torch: built from a weight set, and converted back to convolutions.

The network takes pictures from `samples.network_input`. The layers of a weight set are rescaled to
mean activations of 1, the scale that randomly initialised layers and the head expect.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Dict, List, Mapping, Sequence, Tuple

import numpy as np

from export.errors import WeightsMissing
from export.sources.catalogue import WEIGHTS
from export.sources.vgg import ALL_CHANNELS, Convolution
from export.sources.vgg_sets import TORCHVISION_STD, installed_layers, load_set
from export.training.options import KEPT_LAYERS, TrainOptions

if TYPE_CHECKING:
    import torch

#: The weight sets that fine-tuning can start from, the best first: the whole network, the slice.
STARTS = ("vgg19-torchvision", "vgg19")

DROPOUT = 0.5


def default_start(folder: Path = WEIGHTS) -> str:
    """The first of `STARTS` whose weights are in `folder`; raises `WeightsMissing` for none."""
    for name in STARTS:
        if installed_layers(name, folder):
            return name
    raise WeightsMissing(
        f"{folder} has no weights of VGG-19 to start from; `git checkout export/weights` restores "
        "those that are shipped."
    )


def load_start(name: str, last_layer: str, folder: Path = WEIGHTS) -> Tuple[Convolution, ...]:
    """The convolutions of the weight set `name` up to `last_layer`, as far as it has them."""
    order = tuple(ALL_CHANNELS)
    wanted = order[: order.index(last_layer) + 1]
    installed = set(installed_layers(name, folder))
    return load_set(name, tuple(each for each in wanted if each in installed), folder)


def channels(options: TrainOptions) -> Dict[str, int]:
    """The number of output channels of each convolution of the network, in order."""
    order = tuple(ALL_CHANNELS)
    layers = order[: order.index(options.last_layer) + 1]
    return {
        name: ALL_CHANNELS[name]
        if name in KEPT_LAYERS
        else max(8, round(ALL_CHANNELS[name] * options.width))
        for name in layers
    }


def build_network(
    options: TrainOptions, classes: int, start: Sequence[Convolution]
) -> Tuple[torch.nn.Module, Tuple[str, ...]]:
    """The network, and the names of the layers that were initialised with the weights of `start`.

    The others are random (He et al. 2015), from torch's global generator. The children of the
    network have the names of the layers; the last is `head`.
    """
    import torch
    from torch import nn

    available = {conv.name: conv for conv in start}
    pretrained: List[str] = []
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    incoming = 3
    for name, count in channels(options).items():
        if incoming != 3 and name.endswith("_1"):
            parts[f"{name}_pool"] = nn.MaxPool2d(2)
        layer = nn.Conv2d(incoming, count, 3, padding=1)
        conv = available.get(name)
        if conv is not None and conv.weight.shape == (count, incoming, 3, 3):
            weight = conv.weight * _input_scale(incoming)
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(weight))
                layer.bias.copy_(torch.from_numpy(np.ascontiguousarray(conv.bias)))  # type: ignore[union-attr]
            pretrained.append(name)
        else:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        parts[name] = layer
        parts[f"{name}_relu"] = nn.ReLU(inplace=True)
        incoming = count
    scores = nn.Linear(incoming, classes)
    # Equal scores for all classes: random weights on so many features start with a large loss.
    nn.init.zeros_(scores.weight)
    nn.init.zeros_(scores.bias)
    parts["head"] = nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(DROPOUT), scores
    )
    return nn.Sequential(parts), tuple(pretrained)


def kept_tensors(network: torch.nn.Module) -> Dict[str, torch.Tensor]:
    """Copies, in main memory, of the weights and biases of `KEPT_LAYERS`."""
    state = network.state_dict()
    names = [f"{layer}.{part}" for layer in KEPT_LAYERS for part in ("weight", "bias")]
    return {name: state[name].detach().cpu().clone() for name in names}


def kept_convolutions(tensors: Mapping[str, torch.Tensor]) -> Tuple[Convolution, ...]:
    """Convert `kept_tensors` to convolutions that take RGB in [0, 1] minus `MEAN_RGB`."""
    result = []
    for layer in KEPT_LAYERS:
        weight = tensors[f"{layer}.weight"].float().numpy()
        bias = tensors[f"{layer}.bias"].float().numpy()
        result.append(Convolution(layer, weight / _input_scale(weight.shape[1]), bias))
    return tuple(result)


def _input_scale(incoming: int) -> np.ndarray:
    """The factor for the weights of a layer whose input was divided by the standard deviation."""
    return TORCHVISION_STD[:, None, None] if incoming == 3 else np.ones(1, np.float32)
