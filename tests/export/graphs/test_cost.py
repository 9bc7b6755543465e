"""The counter of arithmetic and memory, against sums made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from export.graphs.cost import cost_of
from runtime.spec.graphs import features_graph, gatys_graph
from runtime.spec.vgg import CLASSIC, VGG19_CHANNELS, stride_of

SIZE = (64, 48)
PIXELS = SIZE[0] * SIZE[1]


def model_of(nodes, inputs, outputs, weights):
    def info(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes,
        "by hand",
        [info(*each) for each in inputs.items()],
        [info(*each) for each in outputs.items()],
        [numpy_helper.from_array(np.ones(s, np.float32), name) for name, s in weights.items()],
    )
    return helper.make_model(graph, ir_version=7, opset_imports=[helper.make_opsetid("", 11)])


def node(operator, inputs, output, **attributes):
    return helper.make_node(operator, inputs, [output], name=output, **attributes)


def test_convolution_with_relu_costs_its_products_and_no_traffic():
    nodes = [
        node("Conv", ["x", "w"], "sum", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("Relu", ["sum"], "y"),
    ]
    model = model_of(nodes, {"x": [1, 3, 8, 8]}, {"y": [1, 16, 8, 8]}, {"w": [16, 3, 3, 3]})
    found = cost_of(model)
    assert found.convolution_flop == 2 * 9 * 3 * 16 * 64
    assert (found.product_flop, found.traffic) == (0, 0)
    assert found.weights == 2 * 16 * 3 * 9
    # The ReLU works in place.
    assert found.live == 2 * 16 * 64


def test_transposed_convolution_counts_by_its_input():
    nodes = [node("ConvTranspose", ["x", "w"], "y", kernel_shape=[3, 3], strides=[2, 2])]
    model = model_of(nodes, {"x": [1, 4, 5, 5]}, {"y": [1, 2, 11, 11]}, {"w": [4, 2, 3, 3]})
    assert cost_of(model).convolution_flop == 2 * 9 * 2 * 4 * 25


def test_pinned_node_moves_four_bytes_a_number_and_others_two():
    nodes = [node("Mul", ["x", "x"], "half"), node("Add", ["half", "x"], "style/whole")]
    model = model_of(nodes, {"x": [10]}, {"style/whole": [10]}, {})
    found = cost_of(model)
    assert found.traffic == 10 * (4 + 4 + 2) + 10 * (2 + 4 + 4)
    assert found.ends == 10 * 4 + 10 * 4


def test_value_is_alive_until_its_last_use():
    nodes = [
        node("Mul", ["x", "x"], "a"),
        node("Mul", ["a", "a"], "b"),
        node("Mul", ["b", "b"], "c"),
        node("Mul", ["c", "b"], "y"),
    ]
    model = model_of(nodes, {"x": [10]}, {"y": [10]}, {})
    # b, c and y; a is gone by then.
    assert cost_of(model).live == 3 * 10 * 2


def gflop_by_hand(passes):
    total, incoming = 0, 3
    for name in CLASSIC.layers:
        channels = VGG19_CHANNELS[name]
        pixels = PIXELS // stride_of(name) ** 2
        total += passes * 2 * 9 * incoming * channels * pixels
        if name in CLASSIC.style_layers:
            total += passes * 2 * channels * channels * pixels
        incoming = channels
    return total / 1e9


@pytest.mark.parametrize("graph_of, passes", [(features_graph, 1), (gatys_graph, 2)])
def test_vgg_graph_costs_one_pass_forward_and_one_backward(vgg_graphs, graph_of, passes):
    found = cost_of(vgg_graphs.fixed(graph_of(CLASSIC, "average"), SIZE))
    assert found.gflop == pytest.approx(gflop_by_hand(passes))
    assert found.traffic > 0 and found.live > 2 * 64 * PIXELS


def test_cost_grows_with_the_pixels(vgg_graphs):
    graph = gatys_graph(CLASSIC, "average")
    small, large = (
        cost_of(vgg_graphs.fixed(graph, (SIZE[0] * times, SIZE[1]))) for times in (1, 2)
    )
    assert large.gflop == pytest.approx(2 * small.gflop)
    assert large.live == pytest.approx(2 * small.live, rel=0.3)
    assert large.weights == pytest.approx(small.weights, rel=0.01)
