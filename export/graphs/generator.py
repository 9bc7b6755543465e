"""Writes a CycleGAN generator as an ONNX graph that TensorRT 8.0 reads, for any height and width.

Two operators are replaced by simpler ones: reflection padding, because TensorRT 8.0 pads with zeros
only, and instance normalisation, because its operator is unsafe in FP16 below TensorRT 8.2. Names
of the latter's nodes contain `/norm/`, so that the engine builder can keep them in FP32.
"""

from __future__ import annotations

from pathlib import Path
from typing import List

from export.graphs.builder import GraphBuilder
from export.graphs.fp32_pins import NORM_MARK
from export.sources.generator_layouts import Convolution, Generator, Stage, load_generator
from runtime.spec.graphs import generator_graph

#: torch's default for InstanceNorm2d, with which all known generators were trained.
_EPSILON = 1e-5


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


class _Writer:
    """Adds a generator's parts to a graph builder; takes and returns names of values."""

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder

    def stage(self, value: str, stage: Stage) -> str:
        """Half a residual block, up to its last norm."""
        value = self.norm(self.padded_convolution(value, stage[0]), stage[0])
        for convolution in stage[1:]:
            value = self.norm(self.convolution(value, convolution), convolution)
        return value

    def finished(self, value: str, convolution: Convolution) -> str:
        """Add the norm and ReLU after a convolution."""
        return self.relu(self.norm(value, convolution), convolution)

    def relu(self, value: str, convolution: Convolution) -> str:
        return self.builder.node("Relu", [value], f"{convolution.name}/relu")

    def padded_convolution(self, value: str, convolution: Convolution) -> str:
        """A reflection padding and a convolution, which keep the size."""
        padding = convolution.weight.shape[2] // 2
        return self.convolution(self._reflected(value, convolution.name, padding), convolution)

    def convolution(self, value: str, convolution: Convolution, **attributes: object) -> str:
        return self.builder.node(
            "Conv",
            self._inputs(value, convolution),
            f"{convolution.name}/convolution",
            kernel_shape=list(convolution.weight.shape[2:]),
            group=convolution.groups,
            **attributes,
        )

    def doubling(self, value: str, convolution: Convolution) -> str:
        """A transposed convolution of stride 2 that doubles the size exactly."""
        return self.builder.node(
            "ConvTranspose",
            self._inputs(value, convolution),
            f"{convolution.name}/convolution",
            kernel_shape=[3, 3],
            strides=[2, 2],
            pads=[1, 1, 1, 1],
            output_padding=[1, 1],
        )

    def norm(self, value: str, convolution: Convolution) -> str:
        """Instance normalisation (Ulyanov, Vedaldi and Lempitsky 2016) over height and width.

        The variance is the mean square of the centred values: the mean square minus the squared
        mean has no correct digits where a channel is far from zero.
        """
        node, name = self.builder.node, convolution.name + NORM_MARK
        mean = node("ReduceMean", [value], name + "mean", axes=[2, 3], keepdims=1)
        centred = node("Sub", [value, mean], name + "centred")
        square = node("Mul", [centred, centred], name + "square")
        variance = node("ReduceMean", [square], name + "variance", axes=[2, 3], keepdims=1)
        padded = node("Add", [variance, self.builder.floats(_EPSILON)], name + "variance_epsilon")
        deviation = node("Sqrt", [padded], name + "deviation")
        value = node("Div", [centred, deviation], name + "normalised")
        for operator, vector, what in (
            ("Mul", convolution.scale, "scale"),
            ("Add", convolution.shift, "shift"),
        ):
            if vector is not None:
                constant = self.builder.constant(name + what, vector.reshape(1, -1, 1, 1))
                value = node(operator, [value, constant], f"{name}{what}d")
        return value

    def _inputs(self, value: str, convolution: Convolution) -> List[str]:
        name = convolution.name
        inputs = [value, self.builder.constant(f"{name}.weight", convolution.weight)]
        if convolution.bias is not None:
            inputs.append(self.builder.constant(f"{name}.bias", convolution.bias))
        return inputs

    def _reflected(self, value: str, name: str, padding: int) -> str:
        """Reflection padding: the rows next to the edge, farthest first, then the columns."""
        for axis, side in ((2, "rows"), (3, "columns")):
            before = [self._line(value, name, axis, index) for index in range(padding, 0, -1)]
            after = [self._line(value, name, axis, -2 - index) for index in range(padding)]
            value = self.builder.node(
                "Concat", [*before, value, *after], f"{name}/reflected_{side}", axis=axis
            )
        return value

    def _line(self, value: str, name: str, axis: int, index: int) -> str:
        """One row or column; a negative index counts from the end."""
        return self.builder.slice(
            value,
            f"{name}/line",
            starts=[index],
            ends=self.builder.integers(index + 1),
            axes=[axis],
        )
