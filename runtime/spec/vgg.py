"""VGG-19 and what is measured on it: weight sets, layers, poolings, objectives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Tuple

#: The sets of weights by name: Oxford's, torchvision's, and the one that the owner fine-tunes.
VGG19, VGG19_TORCHVISION, VGG19_CALTECH101 = "vgg19", "vgg19-torchvision", "vgg19-caltech101"
WEIGHT_SETS = (VGG19, VGG19_TORCHVISION, VGG19_CALTECH101)

AVERAGE, MAX = "average", "max"
POOLINGS = (AVERAGE, MAX)

#: VGG-19's convolutions in order, with their output channels; a pooling precedes each
#: `convN_1` but the first (Simonyan and Zisserman 2014, table 1, configuration E).
VGG19_CHANNELS: Mapping[str, int] = {
    "conv1_1": 64,
    "conv1_2": 64,
    "conv2_1": 128,
    "conv2_2": 128,
    "conv3_1": 256,
    "conv3_2": 256,
    "conv3_3": 256,
    "conv3_4": 256,
    "conv4_1": 512,
    "conv4_2": 512,
    "conv4_3": 512,
    "conv4_4": 512,
    "conv5_1": 512,
}


def stride_of(layer: str) -> int:
    """The distance in picture pixels between two features of `layer`."""
    block = int(layer[len("conv")])
    return int(2 ** (block - 1))


@dataclass(frozen=True)
class Objective:
    """The layers that measure a painting's style, and the one that measures its content.

    `style_gentle` and `style_strong` are the style weights for the strengths 0 and 1; the content
    weight is 1.
    """

    name: str
    style_layers: Tuple[str, ...]
    content_layer: str
    style_gentle: float
    style_strong: float

    @property
    def layers(self) -> Tuple[str, ...]:
        """All convolutions up to the deepest of these layers, in order."""
        wanted = self.style_layers + (self.content_layer,)
        order = tuple(VGG19_CHANNELS)
        return order[: 1 + max(order.index(layer) for layer in wanted)]

    @property
    def cost(self) -> float:
        """Multiplications of the forward pass for one pixel of the picture."""
        channels = [3, *(VGG19_CHANNELS[layer] for layer in self.layers)]
        return sum(
            9 * before * after / stride_of(layer) ** 2
            for layer, before, after in zip(self.layers, channels, channels[1:])
        )

    @property
    def stride(self) -> int:
        """The stride of the deepest layer; pooling loses no pixels of sizes that it divides."""
        return stride_of(self.layers[-1])


CLASSIC = Objective(
    name="classic",
    style_layers=("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"),
    content_layer="conv2_2",
    style_gentle=20.0,
    style_strong=100.0,
)
#: Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016.
#: Painted small with the weights of `CLASSIC`, its motifs bury the subjects of busy photos.
DEEP = Objective(
    name="deep",
    style_layers=("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"),
    content_layer="conv4_2",
    style_gentle=12.0,
    style_strong=60.0,
)
OBJECTIVES: Mapping[str, Objective] = {each.name: each for each in (CLASSIC, DEEP)}
