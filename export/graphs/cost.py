"""What a graph of fixed size costs to run: arithmetic, memory traffic, and memory, from its nodes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Dict, List, Set

import onnx
from onnx import TensorProto

from export.graphs.fp32_pins import is_pinned
from export.graphs.specialise import known_shapes
from runtime.spec.graphs import Shape

#: They give a tensor another shape and move nothing.
_FREE = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity")

_FLOAT_BYTES, _HALF_BYTES = 4, 2


@dataclass(frozen=True)
class Cost:
    """One run of a graph in mixed precision: FP16, and FP32 where the graph is pinned to it.

    `convolution_flop` and `product_flop` (Gram matrices and their gradients, in FP32) count an
    addition and a multiplication as two. `traffic` is the bytes that all other nodes read and
    write, if each of them does so separately; a ReLU right after a convolution costs nothing.
    `live` is the most bytes of values that must exist at the same time, beside the inputs and the
    weights; `weights` is the bytes of these, `ends` those of the inputs and outputs, in FP32.
    """

    convolution_flop: int
    product_flop: int
    traffic: int
    live: int
    weights: int
    ends: int

    @property
    def gflop(self) -> float:
        """The arithmetic of convolutions and matrix products in 10^9 operations."""
        return (self.convolution_flop + self.product_flop) / 1e9


def cost_of(model: onnx.ModelProto) -> Cost:
    """The cost of a graph whose size is fixed (`export.graphs.specialise.fixed`).

    Raises `KeyError` for a value whose shape cannot be inferred.
    """
    graph = model.graph
    shapes = known_shapes(model)
    weights = {each.name: each for each in graph.initializer}
    width = {name: _HALF_BYTES for name in weights}
    width.update({each.name: _FLOAT_BYTES for each in graph.input})
    convolution = product = traffic = 0
    made_by: Dict[str, str] = {}
    for node in graph.node:
        output = node.output[0]
        made_by[output] = node.op_type
        width[output] = _FLOAT_BYTES if is_pinned(node.name) else _HALF_BYTES
        if node.op_type in ("Conv", "ConvTranspose"):
            convolution += _convolution_flop(node, shapes)
        elif node.op_type == "MatMul":
            product += 2 * prod(shapes[output]) * shapes[node.input[0]][-1]
        elif not (node.op_type in _FREE or _is_fused(node, made_by)):
            names = [*(name for name in node.input if name), output]
            traffic += sum(prod(shapes[name]) * width[name] for name in names)
    return Cost(
        convolution_flop=convolution,
        product_flop=product,
        traffic=traffic,
        live=_most_live(graph, shapes, width),
        weights=sum(
            prod(each.dims) * _HALF_BYTES
            for each in weights.values()
            if each.data_type == TensorProto.FLOAT
        ),
        ends=sum(prod(shapes[each.name]) * _FLOAT_BYTES for each in (*graph.input, *graph.output)),
    )


def _convolution_flop(node: onnx.NodeProto, shapes: Dict[str, Shape]) -> int:
    # Of a Conv, the weights are [out, in / groups, k, k], and each value of the output takes one
    # pass over all but the first axis. A ConvTranspose is the same with input and output swapped.
    through = node.output[0] if node.op_type == "Conv" else node.input[0]
    return 2 * prod(shapes[node.input[1]][1:]) * prod(shapes[through])


def _is_fused(node: onnx.NodeProto, made_by: Dict[str, str]) -> bool:
    return node.op_type == "Relu" and made_by.get(node.input[0]) == "Conv"


def _most_live(graph: onnx.GraphProto, shapes: Dict[str, Shape], width: Dict[str, int]) -> int:
    """The largest sum of bytes of the values that are alive at the same node."""
    kept = {each.name for each in graph.output}
    last: Dict[str, int] = {}
    for index, node in enumerate(graph.node):
        last.update((name, index) for name in node.input)
    ends: List[Set[str]] = [set() for _ in graph.node]
    made = {node.output[0] for node in graph.node}
    for name in made & set(last) - kept:
        ends[last[name]].add(name)
    most = now = 0
    for index, node in enumerate(graph.node):
        # A ReLU and a change of shape work in place.
        reused = node.op_type in (*_FREE, "Relu") and node.input[0] in ends[index]
        if not reused:
            now += _bytes(node.output[0], shapes, width)
        most = max(most, now)
        for name in ends[index]:
            if not (reused and name == node.input[0]):
                now -= _bytes(name, shapes, width)
    return most


def _bytes(name: str, shapes: Dict[str, Shape], width: Dict[str, int]) -> int:
    return prod(shapes[name]) * width[name]
