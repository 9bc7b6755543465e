"""A face detector in the published file's layout, with few random weights."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OUTPUTS = {"heat": 1, "sizes": 2, "offsets": 2, "landmarks": 10}


class _Network:
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.constants = [], []

    def constant(self, *shape, low=-1.0, high=1.0):
        values = self.rng.uniform(low, high, shape).astype(np.float32)
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def node(self, operator, *inputs, output="", **attributes):
        output = output or f"{operator}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def convolution(
        self, value, incoming, outgoing, kernel=1, stride=1, group=1, gain=1.0, output=""
    ):
        scale = gain * (3 * group / (incoming * kernel * kernel)) ** 0.5
        weight = self.constant(outgoing, incoming // group, kernel, kernel, low=-scale, high=scale)
        return self.node(
            "Conv",
            value,
            weight,
            self.constant(outgoing),
            output=output,
            dilations=[1, 1],
            group=group,
            kernel_shape=[kernel, kernel],
            pads=[kernel // 2] * 4,
            strides=[stride, stride],
        )

    def doubled(self, value, incoming, outgoing):
        value = self.node(
            "ConvTranspose",
            value,
            self.constant(incoming, outgoing, 2, 2),
            dilations=[1, 1],
            group=1,
            kernel_shape=[2, 2],
            pads=[0, 0, 0, 0],
            strides=[2, 2],
        )
        norm = [self.constant(outgoing) for _ in range(3)]
        variance = self.constant(outgoing, low=0.1, high=2)
        value = self.node("BatchNormalization", value, *norm, variance, epsilon=1e-3, momentum=0.9)
        return self.node("Relu", value)


def small_face_detector(seed=0):
    """The model: opset 9, fixed sizes, and its constants among its inputs."""
    net = _Network(seed)
    value = net.node("Relu", net.convolution("picture", 3, 8, kernel=3, stride=2, gain=1 / 255))
    value = net.node("Relu", net.convolution(value, 8, 8, kernel=3, stride=2, group=8))
    quarter = net.convolution(value, 8, 6)
    eighth = net.convolution(quarter, 6, 6, kernel=3, stride=2)
    eighth = net.node("Add", eighth, net.convolution(eighth, 6, 6))
    across = net.node("Relu", net.convolution(quarter, 6, 5))
    value = net.node("Add", net.doubled(eighth, 6, 5), across)
    net.node("Sigmoid", net.convolution(value, 5, 1, gain=0.1), output="heat")
    for name in ("sizes", "offsets", "landmarks"):
        net.convolution(value, 5, OUTPUTS[name], output=name)
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        net.nodes,
        "small",
        [info("picture", TensorProto.FLOAT, [10, 3, 32, 32])]
        + [info(each.name, TensorProto.FLOAT, list(each.dims)) for each in net.constants],
        [info(name, TensorProto.FLOAT, [10, count, 8, 8]) for name, count in OUTPUTS.items()],
        net.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)])
    model.ir_version = 4
    onnx.checker.check_model(model)
    return model


def of_any_size(model):
    """A copy of a published model that takes pictures of any size."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    constants = {each.name for each in result.graph.initializer}
    for value in (*result.graph.input, *result.graph.output):
        if value.name not in constants:
            dims = value.type.tensor_type.shape.dim
            for axis in (0, 2, 3):
                dims[axis].dim_param = f"{value.name}_{axis}"
    return result
