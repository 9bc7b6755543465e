"""The contract between `export`, which writes graphs, and `runtime`, which runs them.

The kinds, inputs, outputs and file names of all graphs are defined here and nowhere else. A
dimension is a number, or `"height"` or `"width"` of the picture, or one of them halved by pooling,
such as `"height/4"`: each halving rounds down, as a 2x2 pooling without padding does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Dict, Mapping, Optional, Tuple, Union

from runtime.spec.vgg import VGG19, VGG19_CHANNELS, Objective, stride_of

Dim = Union[int, str]
Shape = Tuple[int, ...]

#: In gatys graphs, the suffixes of value names of a layer that follows a pooling: the pooling's
#: output, the gradient with respect to it, and the prefix that all values of the pooling's backward
#: pass share.
POOLED, INPUT_GRADIENT, UNPOOLED = "/pooled", "/input_gradient", "/unpooled"


class GraphKind(Enum):
    """What a graph computes: targets, a loss with its gradient, a picture, a style, or faces."""

    FEATURES = "features"
    GATYS = "gatys"
    GENERATOR = "generator"
    FACES = "faces"
    STYLE_VECTOR = "style-vector"
    SKETCH = "sketch"


#: By how many numbers the network for sketches knows a style, and the side of the square picture
#: that they are predicted from.
STYLE_NUMBERS, STYLE_SIDE = 100, 256


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
    """A graph: what it computes, with which weights, and its inputs and outputs in order.

    `weights` is one of `WEIGHT_SETS`, or the name of a generator or a face detector. Those two have
    no objective and no pooling.
    """

    kind: GraphKind
    weights: str
    inputs: Tuple[TensorSpec, ...]
    outputs: Tuple[TensorSpec, ...]
    objective: Optional[Objective] = None
    pooling: Optional[str] = None

    @property
    def name(self) -> str:
        """The start of its file names, such as `gatys-deep-average-vgg19`; it is never parsed."""
        parts = [self.kind.value, self.weights]
        if self.objective is not None and self.pooling is not None:
            parts[1:1] = [self.objective.name, self.pooling]
        return "-".join(parts)

    @property
    def onnx_file(self) -> str:
        """The file name of the graph in the engines folder."""
        return self.name + ".onnx"

    def input_shapes(self, height: int, width: int) -> Dict[str, Shape]:
        """Each input's shape for a picture of `height` x `width` pixels."""
        return {each.name: each.resolve(height, width) for each in self.inputs}


def features_graph(objective: Objective, pooling: str, weights: str = VGG19) -> GraphSpec:
    """image -> content features and Gram matrices: the targets of `gatys_graph`.

    The image is float32 RGB in [0, 1]. A Gram matrix is F F^T / (C H W) of the rescaled features.
    """
    return GraphSpec(
        kind=GraphKind.FEATURES,
        weights=weights,
        inputs=(_IMAGE,),
        outputs=(_content(objective),) + _grams(objective),
        objective=objective,
        pooling=pooling,
    )


def gatys_graph(objective: Objective, pooling: str, weights: str = VGG19) -> GraphSpec:
    """image and targets -> loss terms and the gradient of the loss with respect to the image.

    loss = sum(style_weights * style_losses) + content_weight * content_loss, where a style loss is
    the mean squared difference of a layer's Gram matrix from its target, in `style_layers`' order,
    and the content loss the mean squared difference of the content features from theirs, each
    position multiplied by the content map, which is 1 where nothing else is wanted. The gradient
    takes Gram targets to be symmetric, as Gram matrices are.

    The map is the spatial control of Gatys et al., "Controlling Perceptual Factors in Neural Style
    Transfer", CVPR 2017, applied to the content.
    """
    layers = len(objective.style_layers)
    return GraphSpec(
        kind=GraphKind.GATYS,
        weights=weights,
        inputs=(_IMAGE, _content(objective), _content_map(objective))
        + _grams(objective)
        + (TensorSpec("style_weights", (layers,)), TensorSpec("content_weight", (1,))),
        outputs=(
            TensorSpec("style_losses", (layers,)),
            TensorSpec("content_loss", (1,)),
            TensorSpec("gradient", (1, 3, "height", "width")),
        ),
        objective=objective,
        pooling=pooling,
    )


def targets_graph(graph: GraphSpec) -> GraphSpec:
    """The features graph whose outputs are the targets of `graph`, a gatys graph."""
    assert graph.objective is not None and graph.pooling is not None, f"{graph.name} has no targets"
    return features_graph(graph.objective, graph.pooling, graph.weights)


def generator_graph(name: str) -> GraphSpec:
    """image -> picture: a CycleGAN generator, by its name in the catalogue.

    Both are float32 RGB in [-1, 1], of the same height and width, which are multiples of 4.
    """
    return GraphSpec(
        kind=GraphKind.GENERATOR,
        weights=name,
        inputs=(_IMAGE,),
        outputs=(TensorSpec("picture", (1, 3, "height", "width")),),
    )


def faces_graph() -> GraphSpec:
    """image -> where faces are: the detector CenterFace, at a quarter of the height and width.

    The image is float32 RGB in [0, 1], of sides that are multiples of 32. `heat` is high, of at
    most 1, where the centre of a face is. `log_sizes` has the logarithms of that face's height and
    width in units of 4 pixels, `offsets` how far, in the same units, its centre is below and to the
    right of the middle of its cell.
    """
    cells = ("height/4", "width/4")
    return GraphSpec(
        kind=GraphKind.FACES,
        weights="centerface",
        inputs=(_IMAGE,),
        outputs=(
            TensorSpec("heat", (1, 1, *cells)),
            TensorSpec("log_sizes", (1, 2, *cells)),
            TensorSpec("offsets", (1, 2, *cells)),
        ),
    )


def style_vector_graph() -> GraphSpec:
    """image -> the style of a picture, as the numbers that `sketch_graph` takes.

    The image is float32 RGB in [0, 1], of `STYLE_SIDE` pixels in height and width.
    """
    return GraphSpec(
        kind=GraphKind.STYLE_VECTOR,
        weights=_MAGENTA,
        inputs=(TensorSpec("image", (1, 3, STYLE_SIDE, STYLE_SIDE)),),
        outputs=(_STYLE,),
    )


def sketch_graph() -> GraphSpec:
    """image and style -> the picture repainted in that style in one pass.

    Both pictures are float32 RGB in [0, 1], of the same height and width, which are multiples of 4.
    Styles mix by the weighted mean of their numbers.
    """
    return GraphSpec(
        kind=GraphKind.SKETCH,
        weights=_MAGENTA,
        inputs=(_IMAGE, _STYLE),
        outputs=(TensorSpec("picture", (1, 3, "height", "width")),),
    )


def generators_in(folder: Path) -> Tuple[str, ...]:
    """The names of the generators whose graphs are in `folder`, sorted.

    The owner may install a generator under any name, so this reads the names from the files. It is
    the only place that takes a file name apart.
    """
    pattern = generator_graph("*").onnx_file
    prefix, suffix = pattern.split("*")
    files = (path.name for path in folder.glob(pattern))
    return tuple(sorted(name[len(prefix) : -len(suffix)] for name in files))


def gram_name(layer: str) -> str:
    """The tensor name of a layer's Gram matrix."""
    return f"gram_{layer}"


_IMAGE = TensorSpec("image", (1, 3, "height", "width"))
_STYLE = TensorSpec("style", (1, STYLE_NUMBERS, 1, 1))
_MAGENTA = "magenta"


def _content(objective: Objective) -> TensorSpec:
    layer = objective.content_layer
    stride = stride_of(layer)
    return TensorSpec("content", (1, VGG19_CHANNELS[layer], f"height/{stride}", f"width/{stride}"))


def _content_map(objective: Objective) -> TensorSpec:
    return TensorSpec("content_map", (1, 1) + _content(objective).shape[2:])


def _grams(objective: Objective) -> Tuple[TensorSpec, ...]:
    channels = ((layer, VGG19_CHANNELS[layer]) for layer in objective.style_layers)
    return tuple(TensorSpec(gram_name(layer), (count, count)) for layer, count in channels)


def _resolve(dim: str, sizes: Mapping[str, int]) -> int:
    name, _, divisor = dim.partition("/")
    return sizes[name] // int(divisor or 1)
