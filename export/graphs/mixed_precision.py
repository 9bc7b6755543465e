"""Types a float32 ONNX model for TensorRT 11, which computes in the types that the model says.

The pinned nodes stay in float32, all others work on FP16; a `Cast` stands wherever a value crosses
from one to the other. Inputs and outputs of the graph stay float32.

Not onnxconverter-common 1.16.0 with the pins as its `node_block_list`: ONNX Runtime refuses its
gatys graphs, for it leaves `Cast` to float as it is (conv3_1/active) and makes float16 of the
scales of `Resize`. Of the horse2zebra-lite generator it makes 784 nodes with 295 casts, here 573
with 84, and it rounds constants below 1e-7 up, which are pinned here.
"""

from __future__ import annotations

from typing import Dict, List, Set

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from export.graphs.fp32_pins import pinned_nodes, typed_inputs
from export.graphs.specialise import inferred

_FLOAT, _HALF = int(TensorProto.FLOAT), int(TensorProto.FLOAT16)


def to_mixed(model: onnx.ModelProto) -> onnx.ModelProto:
    """A typed copy of a float32 `model` whose values' types can be inferred."""
    return _Typing(model).typed()


class _Typing:
    """Implements `to_mixed`."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._model = onnx.ModelProto()
        self._model.CopyFrom(model)
        self._graph = self._model.graph
        self._pinned = set(pinned_nodes(model))
        self._constants = {each.name: each for each in self._graph.initializer}
        self._floats = _float_values(model)
        self._outputs = {each.name for each in self._graph.output}
        #: The values that are FP16; every other float value is float32.
        self._halves: Set[str] = set()
        self._casts: Dict[str, str] = {}
        self._nodes: List[onnx.NodeProto] = []

    def typed(self) -> onnx.ModelProto:
        for node in self._graph.node:
            self._type(node)
        del self._graph.node[:]
        self._graph.node.extend(self._nodes)
        used = {name for node in self._nodes for name in node.input}
        constants = [each for each in self._graph.initializer if each.name in used]
        del self._graph.initializer[:]
        self._graph.initializer.extend(constants)
        del self._graph.value_info[:]
        inferred(self._model)
        return self._model

    def _type(self, node: onnx.NodeProto) -> None:
        half = node.name not in self._pinned
        if node.op_type == "Cast":
            # It takes any type; its attribute says which one it returns.
            if half and node.attribute[0].i == _FLOAT:
                node.attribute[0].i = _HALF
        else:
            typed = len(typed_inputs(node))
            for index, name in enumerate(node.input[:typed]):
                if name in self._floats and (name in self._halves) != half:
                    node.input[index] = self._other(name)
        self._nodes.append(node)
        for index, name in enumerate(node.output):
            if not half or name not in self._floats:
                continue
            if name in self._outputs:
                node.output[index] = inner = name + "/half"
                self._halves.add(inner)
                self._nodes.append(_cast(inner, name, _FLOAT))
                self._casts[name] = inner
            else:
                self._halves.add(name)

    def _other(self, name: str) -> str:
        """The same value in the other type."""
        if name not in self._casts:
            to, suffix = (_FLOAT, "/float") if name in self._halves else (_HALF, "/half")
            self._casts[name] = name + suffix
            if name in self._constants:
                values = numpy_helper.to_array(self._constants[name]).astype(np.float16)
                self._graph.initializer.append(numpy_helper.from_array(values, name + suffix))
            else:
                self._nodes.append(_cast(name, name + suffix, to))
        return self._casts[name]


def _cast(source: str, target: str, to: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [source], [target], name=target, to=to)


def _float_values(model: onnx.ModelProto) -> Set[str]:
    return {name for name, tensor in inferred(model).items() if tensor.elem_type == _FLOAT}
