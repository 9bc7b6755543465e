"""FP16 as an engine with pins computes it: rounds what the layers that are not pinned give."""

from __future__ import annotations

from typing import Callable, Dict

import onnx
from onnx import TensorProto, helper, numpy_helper

from export.graphs.specialise import inferred

#: What FP16 cannot hold becomes an infinity, as on a GPU.
_HALF, _FLOAT = int(TensorProto.FLOAT16), int(TensorProto.FLOAT)


def rounded(model: onnx.ModelProto, is_pinned: Callable[[str], bool]) -> onnx.ModelProto:
    """A copy of a float32 `model` in which the nodes that are not pinned work on FP16 values.

    Their inputs, weights among them, and their outputs are rounded to FP16; the arithmetic inside
    a node stays float32, as in the accumulators of a GPU. `is_pinned` is asked by node name.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    types = _float_values(model)
    weights = {each.name: each for each in graph.initializer}
    nodes, half = [], {}
    for node in graph.node:
        if not is_pinned(node.name):
            skipped = {"Resize": 1, "Slice": 1, "Reshape": 1, "Gather": 1}.get(node.op_type, 99)
            for index, name in enumerate(node.input):
                if index < skipped and types.get(name):
                    if name not in half:
                        half[name] = _rounding(name, f"{name}/half_{len(half)}", weights, graph)
                        nodes.extend(half[name][1])
                    node.input[index] = half[name][0]
        nodes.append(node)
        if not is_pinned(node.name):
            for index, name in enumerate(node.output):
                if types.get(name):
                    node.output[index] = f"{name}/exact"
                    nodes.extend(_casts(f"{name}/exact", name))
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    return result


def _rounding(name: str, target: str, weights: Dict[str, onnx.TensorProto], graph):
    if name in weights:
        values = numpy_helper.to_array(weights[name]).astype("float16").astype("float32")
        graph.initializer.append(numpy_helper.from_array(values, target))
        return target, []
    return target, _casts(name, target)


def _casts(source: str, target: str):
    return [
        helper.make_node("Cast", [source], [f"{target}/narrow"], to=_HALF),
        helper.make_node("Cast", [f"{target}/narrow"], [target], to=_FLOAT),
    ]


def _float_values(model: onnx.ModelProto) -> Dict[str, bool]:
    return {name: tensor.elem_type == _FLOAT for name, tensor in inferred(model).items()}
