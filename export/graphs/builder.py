"""A small builder on top of `onnx.helper`: one call for each node, and unique value names."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from runtime.files import atomic_write
from runtime.spec.graphs import GraphSpec, TensorSpec

#: TensorRT 8.0's parser reads opset 13 at most, and the IR version of ONNX 1.6.
OPSET = 11
IR_VERSION = 7

#: The operators that graphs may use: the 8.0 parser supports each of them as the graphs use it
#: (onnx-tensorrt, release/8.0, docs/operators.md).
SAFE_OPERATORS = frozenset(
    [
        "Add",
        "AveragePool",
        "Cast",
        "Clip",
        "Concat",
        "Conv",
        "ConvTranspose",
        "Div",
        "Equal",
        "Gather",
        "Greater",
        "Less",
        "MatMul",
        "Max",
        "MaxPool",
        "Mul",
        "Pow",
        "ReduceMean",
        "ReduceSum",
        "Relu",
        "Reshape",
        "Resize",
        "Shape",
        "Sigmoid",
        "Slice",
        "Sqrt",
        "Sub",
        "Tanh",
        "Transpose",
        "Where",
    ]
)


class GraphBuilder:
    """Collects the nodes and initializers of one graph; `save` checks and writes it."""

    float_type = int(TensorProto.FLOAT)

    def __init__(self, spec: GraphSpec) -> None:
        self.spec = spec
        self._nodes: List[onnx.NodeProto] = []
        self._initializers: Dict[str, onnx.TensorProto] = {}
        self._names: Dict[str, int] = {}

    def constant(self, name: str, value: np.ndarray) -> str:
        """Add an initializer unless one of this name exists; returns the name."""
        if name not in self._initializers:
            self._initializers[name] = numpy_helper.from_array(np.asarray(value, order="C"), name)
        return name

    def floats(self, *values: float) -> str:
        """The name of a float32 constant of shape [len(values)]; equal ones are shared."""
        name = "float_" + "_".join(repr(float(value)) for value in values)
        return self.constant(name, np.array(values, np.float32))

    def scalar(self, value: float) -> str:
        """The name of a float32 constant without axes; equal ones are shared."""
        return self.constant(f"scalar_{float(value)!r}", np.array(value, np.float32))

    def integers(self, *values: int) -> str:
        """The name of an int64 constant of shape [len(values)]; equal ones are shared."""
        name = "int_" + "_".join(str(value) for value in values)
        return self.constant(name, np.array(values, np.int64))

    def no_roi(self) -> str:
        """The empty region of interest that `Resize` requires at opset 11."""
        return self.constant("no_roi", np.zeros(0, np.float32))

    def node(self, operator: str, inputs: Sequence[str], name: str, **attributes: object) -> str:
        """Add a node with one output; returns the output's name, `name` made unique."""
        output = self._unique(name)
        self._nodes.append(
            helper.make_node(operator, list(inputs), [output], name=output, **attributes)
        )
        return output

    def slice(
        self,
        value: str,
        name: str,
        *,
        starts: Sequence[int],
        ends: str,
        axes: Sequence[int],
        steps: Optional[Sequence[int]] = None,
    ) -> str:
        """Slice `value`; `ends` is the name of an int64 tensor, because some sizes are known only at run time."""
        inputs = [value, self.integers(*starts), ends, self.integers(*axes)]
        if steps is not None:
            inputs.append(self.integers(*steps))
        return self.node("Slice", inputs, name)

    def output(self, value: str, name: str) -> None:
        """Make `value` the graph's output `name`."""
        for node in self._nodes:
            node.input[:] = [name if each == value else each for each in node.input]
            node.output[:] = [name if each == value else each for each in node.output]

    def model(self) -> onnx.ModelProto:
        """The checked model with the inputs and outputs of the spec, opset 11, IR version 7.

        Raises `onnx.checker.ValidationError` for a graph that is not well formed.
        """
        graph = helper.make_graph(
            self._nodes,
            self.spec.name,
            [_value_info(each) for each in self.spec.inputs],
            [_value_info(each) for each in self.spec.outputs],
            list(self._initializers.values()),
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="jetbrush"
        )
        model.ir_version = IR_VERSION
        onnx.checker.check_model(model, full_check=True)
        return model

    def save(self, folder: Path) -> Path:
        """Write the model into `folder` under its spec's file name, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / self.spec.onnx_file
        with atomic_write(path) as file:
            file.write(self.model().SerializeToString())
        return path

    def _unique(self, name: str) -> str:
        count = self._names.get(name, 0)
        self._names[name] = count + 1
        return name if count == 0 else f"{name}_{count + 1}"


def _value_info(spec: TensorSpec) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(spec.name, TensorProto.FLOAT, list(spec.shape))
