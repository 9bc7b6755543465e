"""The ONNX operators of our graphs in torch, which `pyt` imports and passes in.

Semantics as in onnx/docs/Operators.md at opset 11, for the attributes that `export` writes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Mapping, Sequence, Tuple

Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """The torch module, the device, and the dtype of convolutions."""

    torch: Any
    device: Any
    precision: Any


@dataclass(frozen=True)
class Node:
    """A node with one output."""

    operator: str
    inputs: Tuple[str, ...]
    output: str
    attributes: Attributes = field(default_factory=dict)


def is_known(operator: str) -> bool:
    """Whether `apply` can run `operator`."""
    return operator in _ANY_TYPE or operator in _FLOAT32 or operator in CONVOLUTIONS


def apply(place: Place, node: Node, inputs: Sequence[Any]) -> Any:
    """Run one node on tensors.

    Convolutions compute in `place.precision`. Operators that only move numbers keep their dtype. All
    other floating-point arithmetic is in float32, as Gram products and norms overflow FP16.
    """
    if node.operator in CONVOLUTIONS:
        inputs = [each.to(place.precision) for each in inputs]
        return CONVOLUTIONS[node.operator](place, inputs, node.attributes)
    if node.operator in _ANY_TYPE:
        return _ANY_TYPE[node.operator](place, inputs, node.attributes)
    inputs = [each.float() if each.is_floating_point() else each for each in inputs]
    return _FLOAT32[node.operator](place, inputs, node.attributes)


def _convolution(place: Place, inputs: Sequence[Any], attributes: Attributes) -> Any:
    functional, padding = place.torch.nn.functional, _padding(attributes)
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    if (top, left) != (bottom, right):
        inputs = [functional.pad(inputs[0], [left, right, top, bottom]), *inputs[1:]]
        padding = [0, 0]
    return functional.conv2d(
        *inputs,
        stride=attributes.get("strides", 1),
        padding=padding,
        groups=attributes.get("group", 1),
    )


def _transposed(place: Place, inputs: Sequence[Any], attributes: Attributes) -> Any:
    return place.torch.nn.functional.conv_transpose2d(
        *inputs,
        stride=attributes["strides"],
        padding=_padding(attributes),
        output_padding=attributes["output_padding"],
    )


def _padding(attributes: Attributes) -> Any:
    """The padding of height and width, the same on opposite sides of a picture."""
    return attributes.get("pads", [0, 0])[:2]


def _average_pool(place: Place, inputs: Sequence[Any], attributes: Attributes) -> Any:
    return place.torch.nn.functional.avg_pool2d(
        inputs[0], attributes["kernel_shape"], attributes["strides"]
    )


def _max_pool(place: Place, inputs: Sequence[Any], attributes: Attributes) -> Any:
    return place.torch.nn.functional.max_pool2d(
        inputs[0], attributes["kernel_shape"], attributes["strides"]
    )


def _slice(place: Place, inputs: Sequence[Any], attributes: Attributes) -> Any:
    value, starts, ends, axes = inputs
    cuts = [slice(None)] * value.dim()
    for start, end, axis in zip(starts.tolist(), ends.tolist(), axes.tolist()):
        cuts[axis] = slice(start, end)
    return value[tuple(cuts)]


def _shape(place: Place, inputs: Sequence[Any], attributes: Attributes) -> Any:
    # Sizes stay on the CPU: reading one from a GPU would wait for its queue.
    return place.torch.tensor(inputs[0].shape, dtype=place.torch.int64)


def _gather(place: Place, inputs: Sequence[Any], attributes: Attributes) -> Any:
    return inputs[0].index_select(attributes.get("axis", 0), inputs[1])


def _to_float(place: Place, inputs: Sequence[Any], attributes: Attributes) -> Any:
    return inputs[0].to(place.device, place.torch.float32)


def _mean(place: Place, inputs: Sequence[Any], attributes: Attributes) -> Any:
    return inputs[0].mean(attributes["axes"], keepdim=bool(attributes.get("keepdims", 1)))


def _resize(place: Place, inputs: Sequence[Any], attributes: Attributes) -> Any:
    """Nearest neighbours at whole factors, as our graphs have."""
    factors = [round(each) for each in inputs[-1].tolist()[2:]]
    value = inputs[0]
    for axis, factor in zip((2, 3), factors):
        value = value.repeat_interleave(factor, axis)
    return value


_Operator = Callable[[Place, Sequence[Any], Attributes], Any]

CONVOLUTIONS: Mapping[str, _Operator] = {"Conv": _convolution, "ConvTranspose": _transposed}

_ANY_TYPE: Dict[str, _Operator] = {
    "AveragePool": _average_pool,
    "Cast": _to_float,
    "Concat": lambda place, inputs, attributes: place.torch.cat(inputs, attributes["axis"]),
    "Gather": _gather,
    "MaxPool": _max_pool,
    "Relu": lambda place, inputs, attributes: inputs[0].relu(),
    "Resize": _resize,
    "Reshape": lambda place, inputs, attributes: inputs[0].reshape(inputs[1].tolist()),
    "Shape": _shape,
    "Slice": _slice,
    "Transpose": lambda place, inputs, attributes: inputs[0].permute(attributes["perm"]),
}

_FLOAT32: Dict[str, _Operator] = {
    "Add": lambda place, inputs, attributes: inputs[0] + inputs[1],
    "Clip": lambda place, inputs, attributes: inputs[0].clamp(float(inputs[1]), float(inputs[2])),
    "Div": lambda place, inputs, attributes: inputs[0] / inputs[1],
    "MatMul": lambda place, inputs, attributes: inputs[0] @ inputs[1],
    "Mul": lambda place, inputs, attributes: inputs[0] * inputs[1],
    "ReduceMean": _mean,
    "Sigmoid": lambda place, inputs, attributes: inputs[0].sigmoid(),
    "Sqrt": lambda place, inputs, attributes: inputs[0].sqrt(),
    "Sub": lambda place, inputs, attributes: inputs[0] - inputs[1],
    "Tanh": lambda place, inputs, attributes: inputs[0].tanh(),
}
