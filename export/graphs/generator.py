"""Writes a CycleGAN generator as an ONNX graph that TensorRT 8.0 reads, for any height and width."""

from __future__ import annotations

from pathlib import Path

from export.graphs.builder import GraphBuilder
from export.graphs.fp32_pins import NORM_MARK
from export.graphs.layers import LayerWriter
from export.sources.generator_layouts import Convolution, Generator, Stage, load_generator
from runtime.spec.graphs import generator_graph


def write_generator(name: str, checkpoint: Path, folder: Path) -> Path:
    """Write the generator in `checkpoint` to `folder` as the graph `generator_graph(name)`.

    The graph takes `image`, float32 RGB [1, 3, height, width] in [-1, 1], where height and width
    are multiples of 4, and gives `picture`, the same shape and range. Returns the file's path.

    Raises `CheckpointError` if the checkpoint cannot be read or holds something else.
    """
    return build_generator(name, load_generator(checkpoint)).save(folder)


def build_generator(name: str, generator: Generator) -> GraphBuilder:
    """The graph of a generator; see `write_generator`."""
    writer = _Writer(GraphBuilder(generator_graph(name)))
    value = writer.padded_convolution("image", generator.stem)
    value = writer.relu(writer.norm(value, generator.stem), generator.stem)
    for convolution in generator.down:
        value = writer.finished(
            writer.convolution(value, convolution, strides=[2, 2], pads=[1, 1, 1, 1]), convolution
        )
    for first, second in generator.blocks:
        inner = writer.relu(writer.stage(value, first), first[-1])
        outer = writer.stage(inner, second)
        value = writer.builder.node("Add", [value, outer], f"{second[-1].name}/residual")
    for convolution in generator.up:
        value = writer.finished(writer.doubling(value, convolution), convolution)
    value = writer.padded_convolution(value, generator.head)
    value = writer.builder.node("Tanh", [value], f"{generator.head.name}/tanh")
    writer.builder.output(value, "picture")
    return writer.builder


class _Writer(LayerWriter):
    """Adds a generator's parts to a graph builder; takes and returns names of values."""

    def stage(self, value: str, stage: Stage) -> str:
        """Half a residual block, up to its last norm."""
        value = self.norm(self.padded_convolution(value, stage[0]), stage[0])
        for convolution in stage[1:]:
            value = self.norm(self.convolution(value, convolution), convolution)
        return value

    def finished(self, value: str, convolution: Convolution) -> str:
        """Add the norm and ReLU after a convolution."""
        return self.relu(self.norm(value, convolution), convolution)

    def doubling(self, value: str, convolution: Convolution) -> str:
        """A transposed convolution of stride 2 that doubles the size exactly."""
        return self.builder.node(
            "ConvTranspose",
            self.inputs(value, convolution),
            f"{convolution.name}/convolution",
            kernel_shape=[3, 3],
            strides=[2, 2],
            pads=[1, 1, 1, 1],
            output_padding=[1, 1],
        )

    def norm(self, value: str, convolution: Convolution) -> str:
        """The instance norm after a convolution, with its scale and shift if it has them."""
        vectors = ((convolution.scale, "scale"), (convolution.shift, "shift"))
        name = convolution.name + NORM_MARK
        scale, shift = (
            None
            if vector is None
            else self.builder.constant(name + what, vector.reshape(1, -1, 1, 1))
            for vector, what in vectors
        )
        return self.instance_norm(value, convolution.name, scale, shift)
