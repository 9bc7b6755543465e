"""VGG-19's first convolutions as the graphs use them, read from the quantised weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Tuple

import numpy as np

from export.sources.catalogue import WEIGHTS
from export.sources.vgg_slice import read_slice
from runtime.spec.vgg import VGG19_CHANNELS, Objective

#: The mean colour of ImageNet in RGB, which is subtracted from the picture (Simonyan and Zisserman
#: 2014; the Caffe model's BGR triple for 0..255, reversed).
MEAN_RGB = np.array([123.68, 116.779, 103.939], np.float32) / 255.0

#: The output channels of all sixteen convolutions; the graphs need none after conv5_1.
ALL_CHANNELS: Mapping[str, int] = {
    **VGG19_CHANNELS,
    **dict.fromkeys(("conv5_2", "conv5_3", "conv5_4"), 512),
}

#: Each layer's mean activation after ReLU, average pooling between the blocks, over twelve natural
#: photographs at 384 px. Any positive numbers give an equivalent network (a ReLU network stays the
#: same function when a layer is divided by a constant and the next one multiplied by it); these
#: bring every layer's mean near 1, so that FP16 holds the features and their Gram products.
MEAN_ACTIVATIONS: Mapping[str, float] = {
    "conv1_1": 18.60,
    "conv1_2": 89.65,
    "conv2_1": 86.94,
    "conv2_2": 75.23,
    "conv3_1": 60.27,
    "conv3_2": 73.72,
    "conv3_3": 155.98,
    "conv3_4": 207.47,
    "conv4_1": 181.18,
    "conv4_2": 112.79,
    "conv4_3": 59.43,
    "conv4_4": 14.20,
    "conv5_1": 8.795,
}


@dataclass(frozen=True)
class Convolution:
    """One 3x3 convolution, stride 1, zero padding 1: `weight` is float32 OIHW, `bias` float32 O."""

    name: str
    weight: np.ndarray
    bias: np.ndarray


def load_vgg19(objective: Objective, folder: Path = WEIGHTS) -> Tuple[Convolution, ...]:
    """The convolutions that `objective` needs, from the weights in `folder`.

    They take RGB in [0, 1] minus `MEAN_RGB` and give features divided by `MEAN_ACTIVATIONS`. The
    mean is subtracted by the graph and not folded into the first bias: the zero padding must stand
    for the mean colour, or a frame shows around the picture.

    Raises `WeightsMissing` when the file does not exist, `WeightsError` when it is damaged.
    """
    arrays = read_slice(folder, objective)
    convolutions = []
    incoming = 255.0
    for index, name in enumerate(objective.layers):
        weight = arrays[f"{name}.table"][arrays[f"{name}.indices"]]
        if index == 0:
            # The stored weights are for BGR.
            weight = weight[:, ::-1]
        mean = MEAN_ACTIVATIONS[name]
        weight = np.ascontiguousarray(weight * np.float32(incoming / mean), np.float32)
        bias = arrays[f"{name}.bias"] / np.float32(mean)
        convolutions.append(Convolution(name, weight, bias))
        incoming = mean
    return tuple(convolutions)
