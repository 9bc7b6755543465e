"""The contract between `export`, which writes graphs, and `runtime`, which runs them.

Names, shapes, dtypes and file names of every graph are said here and nowhere else. A dimension is
a number, or `"height"` or `"width"` of the picture, or one of them halved by pooling, such as
`"height/4"`: floored at each halving, as a 2x2 pooling without padding does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Mapping, Tuple, Union

from runtime.spec.vgg import CLASSIC, DEEP, POOLINGS, VGG19_CHANNELS, Objective, stride_of

Dim = Union[int, str]
Shape = Tuple[int, ...]

#: Ends of names in gatys graphs, after that of a layer behind a pooling: what was pooled, its
#: gradient, and the first of the values by which that goes back through the pooling.
POOLED, INPUT_GRADIENT, UNPOOLED = "/pooled", "/input_gradient", "/unpooled"


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
    and the content loss the mean squared difference of the content features from theirs. The
    gradient takes Gram targets to be symmetric, as Gram matrices are.
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


def is_of_targets(graph: GraphSpec) -> bool:
    """Whether `graph` is a `features_graph`, whose outputs are the targets of a `gatys_graph`."""
    return graph.name.startswith("features-")


def has_way_back_of_max(graph: GraphSpec) -> bool:
    """Whether `graph` is a `gatys_graph` with max pooling."""
    return graph.name.startswith("gatys-") and graph.name.endswith("-max")


def best_objective(folder: Path) -> Objective:
    """`DEEP` where its graphs are in `folder` (the engines folder), else `CLASSIC`."""
    deep = folder / gatys_graph(DEEP, POOLINGS[0]).onnx_file
    return DEEP if deep.exists() else CLASSIC


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
