"""The contract between `export`, which writes graphs, and `runtime`, which runs them.

Names, shapes, dtypes and file names of every graph are said here and nowhere else. A dimension is
a number, or `"height"` or `"width"` of the picture, or one of them halved by pooling, such as
`"height/4"`: floored at each halving, as a 2x2 pooling without padding does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Mapping, Tuple, Union

Dim = Union[int, str]
Shape = Tuple[int, ...]

ENGINES = Path(__file__).resolve().parent.parent / "engines"

POOLINGS = ("average", "max")

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
    """How many picture pixels one feature of `layer` stands for along an axis."""
    block = int(layer[len("conv")])
    return int(2 ** (block - 1))


@dataclass(frozen=True)
class Objective:
    """What a repainting is measured by: the layers that see style and the one that sees content.

    `style_gentle` and `style_strong` are the style weights, against a content weight of 1, between
    which the user's strength moves.
    """

    name: str
    style_layers: Tuple[str, ...]
    content_layer: str
    style_gentle: float
    style_strong: float

    @property
    def layers(self) -> Tuple[str, ...]:
        """The convolutions to run, the last of the wanted ones included, in order."""
        wanted = self.style_layers + (self.content_layer,)
        order = tuple(VGG19_CHANNELS)
        return order[: 1 + max(order.index(layer) for layer in wanted)]

    @property
    def stride(self) -> int:
        """Picture pixels per feature of the deepest layer: sizes divisible by it waste nothing."""
        return stride_of(self.layers[-1])


CLASSIC = Objective(
    name="classic",
    style_layers=("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"),
    content_layer="conv2_2",
    style_gentle=20.0,
    style_strong=100.0,
)
#: Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016.
DEEP = Objective(
    name="deep",
    style_layers=("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"),
    content_layer="conv4_2",
    style_gentle=20.0,
    style_strong=100.0,
)
OBJECTIVES: Mapping[str, Objective] = {each.name: each for each in (CLASSIC, DEEP)}


@dataclass(frozen=True)
class TensorSpec:
    """An input or output of a graph."""

    name: str
    shape: Tuple[Dim, ...]
    dtype: str = "float32"

    def resolve(self, height: int, width: int) -> Shape:
        """The shape for a picture of `height` x `width` pixels."""
        sizes = {"height": height, "width": width}
        return tuple(dim if isinstance(dim, int) else _resolve(dim, sizes) for dim in self.shape)


@dataclass(frozen=True)
class GraphSpec:
    """A graph: its name, and its inputs and outputs in order."""

    name: str
    inputs: Tuple[TensorSpec, ...]
    outputs: Tuple[TensorSpec, ...]

    @property
    def onnx_file(self) -> str:
        """The file name of the graph in the engines folder."""
        return self.name + ".onnx"

    def input_shapes(self, height: int, width: int) -> Dict[str, Shape]:
        """Each input's shape for a picture of `height` x `width` pixels."""
        return {each.name: each.resolve(height, width) for each in self.inputs}


def features_graph(objective: Objective, pooling: str) -> GraphSpec:
    """image -> content features and Gram matrices: the targets of `gatys_graph`.

    The image is float32 RGB in [0, 1]. A Gram matrix is F F^T / (C H W) of the rescaled features.
    """
    return GraphSpec(
        name=f"features-{objective.name}-{pooling}",
        inputs=(_IMAGE,),
        outputs=(_content(objective),) + _grams(objective),
    )


def gatys_graph(objective: Objective, pooling: str) -> GraphSpec:
    """image and targets -> loss terms and the gradient of the loss with respect to the image.

    loss = sum(style_weights * style_losses) + content_weight * content_loss, where a style loss is
    the mean squared difference of a layer's Gram matrix from its target, in `style_layers`' order,
    and the content loss the mean squared difference of the content features from theirs.
    """
    layers = len(objective.style_layers)
    return GraphSpec(
        name=f"gatys-{objective.name}-{pooling}",
        inputs=(_IMAGE, _content(objective))
        + _grams(objective)
        + (TensorSpec("style_weights", (layers,)), TensorSpec("content_weight", (1,))),
        outputs=(
            TensorSpec("style_losses", (layers,)),
            TensorSpec("content_loss", (1,)),
            TensorSpec("gradient", (1, 3, "height", "width")),
        ),
    )


def gram_name(layer: str) -> str:
    """The tensor name of a layer's Gram matrix."""
    return f"gram_{layer}"


_IMAGE = TensorSpec("image", (1, 3, "height", "width"))


def _content(objective: Objective) -> TensorSpec:
    layer = objective.content_layer
    stride = stride_of(layer)
    return TensorSpec("content", (1, VGG19_CHANNELS[layer], f"height/{stride}", f"width/{stride}"))


def _grams(objective: Objective) -> Tuple[TensorSpec, ...]:
    channels = ((layer, VGG19_CHANNELS[layer]) for layer in objective.style_layers)
    return tuple(TensorSpec(gram_name(layer), (count, count)) for layer, count in channels)


def _resolve(dim: str, sizes: Mapping[str, int]) -> int:
    name, _, divisor = dim.partition("/")
    return sizes[name] // int(divisor or 1)


def generator_graph(name: str) -> GraphSpec:
    """image -> picture: a CycleGAN generator, by its name in the catalogue.

    Both are float32 RGB in [-1, 1], of the same height and width, which are multiples of 4.
    """
    return GraphSpec(
        name=f"generator-{name}",
        inputs=(_IMAGE,),
        outputs=(TensorSpec("picture", (1, 3, "height", "width")),),
    )
