"""Layers that several networks have, from operators that TensorRT 8.0 takes.

Two are replaced by simpler ones: reflection padding, because TensorRT 8.0 pads with zeros only, and
instance normalisation, because its operator is unsafe in FP16 below TensorRT 8.2. Names of the
latter's nodes contain `/norm/`, so that the engine builder can keep them in FP32.
"""

from __future__ import annotations

from typing import List, Optional

from export.graphs.builder import GraphBuilder
from export.graphs.fp32_pins import NORM_MARK
from export.sources.generator_layouts import Convolution

#: torch's default for InstanceNorm2d, with which all known generators were trained; the transformer
#: of sketches has the same.
_EPSILON = 1e-5


class LayerWriter:
    """Adds layers to a graph builder; takes and returns names of values."""

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder

    def convolution(self, value: str, convolution: Convolution, **attributes: object) -> str:
        """A convolution; without further attributes, it does not pad."""
        return self.builder.node(
            "Conv",
            self.inputs(value, convolution),
            f"{convolution.name}/convolution",
            kernel_shape=list(convolution.weight.shape[2:]),
            group=convolution.groups,
            **attributes,
        )

    def padded_convolution(self, value: str, convolution: Convolution, **attributes: object) -> str:
        """A reflection padding and a convolution, which keep the size at a stride of 1."""
        padding = convolution.weight.shape[2] // 2
        padded = self._reflected(value, convolution.name, padding)
        return self.convolution(padded, convolution, **attributes)

    def relu(self, value: str, convolution: Convolution) -> str:
        """The ReLU after a convolution."""
        return self.builder.node("Relu", [value], f"{convolution.name}/relu")

    def instance_norm(
        self, value: str, layer: str, scale: Optional[str] = None, shift: Optional[str] = None
    ) -> str:
        """Instance normalisation (Ulyanov, Vedaldi and Lempitsky 2016) over height and width.

        `scale` and `shift` are values [1, C, 1, 1]. The variance is the mean square of the centred
        values: the mean square minus the squared mean has no correct digits where a channel is far
        from zero.
        """
        node, name = self.builder.node, layer + NORM_MARK
        mean = node("ReduceMean", [value], name + "mean", axes=[2, 3], keepdims=1)
        centred = node("Sub", [value, mean], name + "centred")
        square = node("Mul", [centred, centred], name + "square")
        variance = node("ReduceMean", [square], name + "variance", axes=[2, 3], keepdims=1)
        padded = node("Add", [variance, self.builder.floats(_EPSILON)], name + "variance_epsilon")
        deviation = node("Sqrt", [padded], name + "deviation")
        value = node("Div", [centred, deviation], name + "normalised")
        if scale is not None:
            value = node("Mul", [value, scale], name + "scaled")
        if shift is not None:
            value = node("Add", [value, shift], name + "shifted")
        return value

    def inputs(self, value: str, convolution: Convolution) -> List[str]:
        """The inputs of a convolution's node."""
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
