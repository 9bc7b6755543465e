"""VGG-19 with a new head, in torch: built from a set of weights, and back into convolutions.

The network takes pictures as `train_samples.network_input` makes them. The layers of the start are
rescaled to mean activations of 1, in which random layers and a head find what they expect.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Dict, List, Mapping, Sequence, Tuple

import numpy as np

from export.errors import WeightsMissing
from export.sources.vgg import ALL_CHANNELS, Convolution
from export.sources.vgg_sets import TORCHVISION_STD, installed_layers, load_set
from export.sources.vgg_slice import WEIGHTS
from export.training.options import KEPT_LAYERS, TrainOptions

if TYPE_CHECKING:
    import torch

#: What fine-tuning starts from, the best first: whole networks before slices of one.
STARTS = ("vgg19-torchvision", "vgg19")

DROPOUT = 0.5


def best_start(folder: Path = WEIGHTS) -> str:
    """The first of `STARTS` whose weights are in `folder`; raises `WeightsMissing` for none."""
    for name in STARTS:
        if installed_layers(name, folder):
            return name
    raise WeightsMissing(
        f"{folder} has no weights of VGG-19 to start from; `git checkout export/weights` brings "
        "back those that are shipped."
    )


def load_start(name: str, last_layer: str, folder: Path = WEIGHTS) -> Tuple[Convolution, ...]:
    """The set's convolutions up to `last_layer`, as far as it has them."""
    order = tuple(ALL_CHANNELS)
    wanted = order[: order.index(last_layer) + 1]
    there = set(installed_layers(name, folder))
    return load_set(name, tuple(each for each in wanted if each in there), folder)


def channels(options: TrainOptions) -> Dict[str, int]:
    """The layers of the network and their output channels."""
    order = tuple(ALL_CHANNELS)
    layers = order[: order.index(options.last_layer) + 1]
    return {
        name: ALL_CHANNELS[name]
        if name in KEPT_LAYERS
        else max(8, round(ALL_CHANNELS[name] * options.width))
        for name in layers
    }


def build(
    options: TrainOptions, classes: int, start: Sequence[Convolution]
) -> Tuple[torch.nn.Module, Tuple[str, ...]]:
    """The network, and the names of the layers that begin with the weights of `start`.

    The others begin at random (He et al. 2015), from torch's generator. Children of the network
    are called after the layers; the last is `head`.
    """
    import torch
    from torch import nn

    given = {conv.name: conv for conv in start}
    pretrained: List[str] = []
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    incoming = 3
    for name, count in channels(options).items():
        if incoming != 3 and name.endswith("_1"):
            parts[f"{name}_pool"] = nn.MaxPool2d(2)
        layer = nn.Conv2d(incoming, count, 3, padding=1)
        conv = given.get(name)
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
    # All classes alike at first: random scores of so many features begin far off.
    nn.init.zeros_(scores.weight)
    nn.init.zeros_(scores.bias)
    parts["head"] = nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(DROPOUT), scores
    )
    return nn.Sequential(parts), tuple(pretrained)


def kept_tensors(network: torch.nn.Module) -> Dict[str, torch.Tensor]:
    """Copies, in the machine's memory, of the weights and biases of the layers that are kept."""
    state = network.state_dict()
    names = [f"{layer}.{part}" for layer in KEPT_LAYERS for part in ("weight", "bias")]
    return {name: state[name].detach().cpu().clone() for name in names}


def kept_convolutions(tensors: Mapping[str, torch.Tensor]) -> Tuple[Convolution, ...]:
    """The same as convolutions for RGB in [0, 1] minus `MEAN_RGB`."""
    result = []
    for layer in KEPT_LAYERS:
        weight = tensors[f"{layer}.weight"].float().numpy()
        bias = tensors[f"{layer}.bias"].float().numpy()
        result.append(Convolution(layer, weight / _input_scale(weight.shape[1]), bias))
    return tuple(result)


def _input_scale(incoming: int) -> np.ndarray:
    """What the weights of a layer are multiplied by for inputs divided by the deviation."""
    return TORCHVISION_STD[:, None, None] if incoming == 3 else np.ones(1, np.float32)
