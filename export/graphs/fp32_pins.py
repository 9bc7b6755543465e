"""Which nodes of a graph stay in FP32 where the others compute in FP16.

They are marked by their names: `export.graphs.gatys` and `export.graphs.generator` name them so.
TensorRT up to 10 gets them as pins, TensorRT 11 as types, see `export.graphs.mixed_precision`.
"""

from __future__ import annotations

from typing import List

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

#: Beginnings of names in gatys graphs: Gram products, losses, and the tail of the gradient.
FP32_PREFIXES = ("style/", "content/", "tail/")

#: Part of the names of the nodes of a generator's instance norms.
NORM_MARK = "/norm/"

#: The smallest number that FP16 represents with full precision.
_LEAST_NORMAL = float(np.finfo(np.float16).tiny)
_LARGEST = float(np.finfo(np.float16).max)

#: Of these operators only the first inputs, so many, have the type of the output.
_TYPED_INPUTS = {"Resize": 1, "Slice": 1, "Reshape": 1, "Gather": 1}


def is_pinned(node: str) -> bool:
    """Whether the node of this name must compute in float32."""
    return node.startswith(FP32_PREFIXES) or NORM_MARK in node


def pinned_nodes(model: onnx.ModelProto) -> List[str]:
    """The names of the nodes of a float32 `model` that must compute in float32.

    These are the nodes that are pinned by name, and those with a constant that FP16 cannot hold
    because it overflows or is entirely subnormal.
    """
    unfit = {each.name for each in model.graph.initializer if not _fits_half(each)}
    return [
        node.name
        for node in model.graph.node
        if is_pinned(node.name) or unfit & set(typed_inputs(node))
    ]


def typed_inputs(node: onnx.NodeProto) -> List[str]:
    """The inputs of a node that have the type of its output."""
    return list(node.input[: _TYPED_INPUTS.get(node.op_type, len(node.input))])


def _fits_half(tensor: onnx.TensorProto) -> bool:
    if tensor.data_type != TensorProto.FLOAT:
        return True
    sizes = np.abs(numpy_helper.to_array(tensor))
    largest = float(sizes.max(initial=0.0))
    return largest == 0 or _LEAST_NORMAL <= largest <= _LARGEST
