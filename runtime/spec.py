"""The contract between `export`, which writes graphs, and `runtime`, which runs them.

Names, shapes, dtypes and file names of every graph are said here and nowhere else. A dimension is
a number, or `"height"` or `"width"` of the picture, or one of them halved by pooling, such as
`"height/4"`: floored at each halving, as a 2x2 pooling without padding does.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Dict, Mapping, Sequence, Tuple, Union

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


#: Ends of names in gatys graphs, after that of a layer behind a pooling: what was pooled, its
#: gradient, and the first of the values by which that goes back through the pooling.
POOLED, INPUT_GRADIENT, UNPOOLED = "/pooled", "/input_gradient", "/unpooled"


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


# --- Engines: TensorRT plans of fixed sizes ---

#: Width and height in pixels, in Pillow's order.
Size = Tuple[int, int]

#: Width to height, the most frequent first: so are engines built.
ASPECTS = ((1, 1), (4, 3), (3, 4), (3, 2), (2, 3), (16, 9), (9, 16))

#: Every side of an engine's picture is a multiple of this: no pooling of VGG-19 drops a row.
SIDE_STEP = 16

#: The longer side of the pictures that the engines of a graph take.
GATYS_SIDE, GENERATOR_SIDE = 384, 512

#: Measured by the builder, useful to the next build with the same TensorRT on the same device.
TIMING_CACHE_FILE = "timing.cache"


def engine_sizes(graph: GraphSpec) -> Tuple[Size, ...]:
    """The sizes that engines of `graph` are built for, in the order of `ASPECTS`."""
    side = GENERATOR_SIDE if graph.name.startswith("generator-") else GATYS_SIDE
    return tuple(_size_of_aspect(side, *aspect) for aspect in ASPECTS)


def best_shape(width: int, height: int, sizes: Sequence[Size]) -> Size:
    """Which of `sizes` a picture of `width` x `height` fits into with the least of it left over.

    The picture is scaled until it just fits. Of equally good sizes the largest is taken. Raises
    `ValueError` for no sizes.
    """

    def filled(size: Size) -> Tuple[float, int]:
        ratio = (width * size[1]) / (height * size[0])
        return round(min(ratio, 1 / ratio), 6), size[0] * size[1]

    return max(sizes, key=filled)


def engine_stem(graph: GraphSpec, size: Size) -> str:
    """What all files of an engine begin with, such as `gatys-deep-average-384x288`."""
    return f"{graph.name}-{size[0]}x{size[1]}"


def plan_file(graph: GraphSpec, size: Size) -> str:
    """The file name of an engine in the engines folder."""
    return engine_stem(graph, size) + ".plan"


def sidecar_file(graph: GraphSpec, size: Size) -> str:
    """The file name of what is known about an engine, an `EngineRecord` as JSON."""
    return engine_stem(graph, size) + ".json"


def reference_file(graph: GraphSpec, size: Size) -> str:
    """The file name of the inputs and float32 outputs that an engine is tested against."""
    return engine_stem(graph, size) + ".reference.npz"


def planned_sizes(graph: GraphSpec, folder: Path) -> Tuple[Size, ...]:
    """The sizes for which `folder` holds a plan of `graph`, smallest first."""
    name = re.compile(re.escape(graph.name) + r"-(\d+)x(\d+)\.plan")
    matches = (name.fullmatch(path.name) for path in folder.glob("*.plan"))
    return tuple(sorted((int(each[1]), int(each[2])) for each in matches if each))


@dataclass(frozen=True)
class EngineHost:
    """What a plan is bound to: it loads under the very same versions on the same device only.

    `bindings` is the version of the Python module, empty for a plan that trtexec built;
    `library` is that of libnvinfer, such as 8201; `capability` is such as `5.3`; `l4t` is the
    Jetson's release, such as `R32.6.1`, and empty elsewhere.
    """

    bindings: str
    library: str
    capability: str
    device: str
    l4t: str

    def differences(self, here: EngineHost) -> Tuple[str, ...]:
        """What differs `here`, in words; without bindings on one side they are not compared."""
        names = [each.name for each in fields(self)]
        if not (self.bindings and here.bindings):
            names.remove("bindings")
        pairs = ((name, getattr(self, name), getattr(here, name)) for name in names)
        return tuple(f"{name} {was!r}, now {now!r}" for name, was, now in pairs if was != now)


@dataclass(frozen=True)
class EngineRecord:
    """What a sidecar says: what the plan was built from and for, and its own size and sum.

    `precision` is one of the builder's precision plans; `key` is the sum over all that the plan
    depends on; `seconds` is how long the build took.
    """

    key: str
    onnx_sha256: str
    host: EngineHost
    precision: str
    workspace_mib: int
    revision: int
    plan_bytes: int
    plan_sha256: str
    seconds: float

    def to_json(self) -> str:
        """The sidecar's text."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> EngineRecord:
        """Read a sidecar's text; raises `ValueError` for anything that `to_json` did not write."""
        values = json.loads(text)
        try:
            host = EngineHost(**values.pop("host"))
            return cls(host=host, **values)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"not an engine's sidecar: {error}") from error


def _size_of_aspect(side: int, across: int, down: int) -> Size:
    scale = side / max(across, down)
    return _stepped(across * scale), _stepped(down * scale)


def _stepped(length: float) -> int:
    return max(SIDE_STEP, round(length / SIDE_STEP) * SIDE_STEP)
