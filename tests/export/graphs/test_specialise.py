"""Fixing a model's size: the same numbers, no arithmetic on shapes, nothing appended in vain."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from export.errors import ExportError
from export.graphs.builder import SAFE_OPERATORS
from export.graphs.gatys import write_graphs
from export.graphs.generator import build_generator
from export.graphs.specialise import fixed
from export.sources.generator_layouts import read_generator
from export.sources.vgg import load_vgg19
from runtime.spec.graphs import features_graph, gatys_graph, generator_graph
from runtime.spec.vgg import CLASSIC, POOLINGS

torch = pytest.importorskip("torch")
from tests.support.export import torch_generators

SIZE = (48, 32)


def graphs():
    for pooling in POOLINGS:
        yield features_graph(CLASSIC, pooling)
        yield gatys_graph(CLASSIC, pooling)


@pytest.fixture(scope="module", params=list(graphs()), ids=lambda each: each.name)
def vgg(request, vgg_graphs):
    return request.param, onnx.load(str(vgg_graphs.path(request.param)))


def results(model, feeds):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, feeds)


def random_feeds(graph, size):
    rng = np.random.default_rng(0)
    shapes = graph.input_shapes(size[1], size[0])
    return {name: rng.random(shape, dtype=np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize("size", [SIZE, (32, 64), (41, 27)], ids=str)
def test_vgg_graphs_give_the_same(vgg, size):
    graph, model = vgg
    feeds = random_feeds(graph, size)
    for got, expected in zip(results(fixed(model, graph, size), feeds), results(model, feeds)):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6 * np.abs(expected).max())


def test_no_shape_is_computed_any_more(vgg):
    graph, model = vgg
    small = fixed(model, graph, SIZE)
    assert {node.op_type for node in model.graph.node} >= {"Shape", "Div", "Sqrt"}
    assert not {node.op_type for node in small.graph.node} & {"Shape", "Div", "Sqrt"}
    assert {node.op_type for node in small.graph.node} <= SAFE_OPERATORS
    assert small.opset_import == model.opset_import and small.ir_version == model.ir_version
    width, height = SIZE
    for value in small.graph.input:
        dims = [each.dim_value for each in value.type.tensor_type.shape.dim]
        assert tuple(dims) == graph.input_shapes(height, width)[value.name]
    # The long pattern of max pooling's places is cut to size.
    assert small.ByteSize() < model.ByteSize() + 100_000


def test_even_sides_append_nothing(tmp_path):
    _, path = write_graphs(CLASSIC, "average", load_vgg19(CLASSIC), tmp_path)
    graph, model = gatys_graph(CLASSIC, "average"), onnx.load(str(path))
    even = [node.op_type for node in fixed(model, graph, (32, 32)).graph.node]
    odd = [node.op_type for node in fixed(model, graph, (31, 31)).graph.node]
    assert "Slice" not in even and even.count("Concat") == 1
    assert "Slice" in odd and odd.count("Concat") > 1


def test_the_model_itself_is_not_changed(vgg):
    graph, model = vgg
    before = model.SerializeToString()
    fixed(model, graph, SIZE)
    assert model.SerializeToString() == before


@pytest.mark.parametrize("make", ["cyclegan", "gan_compression", "affine"])
def test_generators_give_the_same(make):
    module = getattr(torch_generators, make)(*((4, 2) if make != "gan_compression" else ()))
    tensors = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
    graph, model = generator_graph("x"), build_generator("x", read_generator(tensors)).model()
    feeds = random_feeds(graph, SIZE)
    got, expected = results(fixed(model, graph, SIZE), feeds)[0], results(model, feeds)[0]
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_another_graph_is_refused(vgg):
    _, model = vgg
    if len(model.graph.input) == 1:
        pytest.skip("a features graph has a generator's input")
    with pytest.raises(ExportError, match=r"has the inputs image, content.*make onnx"):
        fixed(model, generator_graph("x"), SIZE)
