"""Typed mixed precision: its types, and what FP16 does to the gradient and to a painting's loss."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from export.graphs.fp32_pins import NORM_MARK, is_pinned, pinned_nodes
from export.graphs.generator import build_generator
from export.graphs.mixed_precision import to_mixed
from export.graphs.specialise import fixed
from export.sources.generator_layouts import read_generator
from runtime import lbfgs
from runtime.spec.graphs import features_graph, gatys_graph, generator_graph
from runtime.spec.vgg import DEEP, MAX, OBJECTIVES, POOLINGS
from tests.support.pictures import array
from tests.support.tensorrt.half import rounded

FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16


def run(model, feeds, *, optimise=True):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if not optimise:
        # Its rewriting removes pairs of casts, and the rounding with them.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    names = [each.name for each in session.get_outputs()]
    return lambda more={}: dict(zip(names, session.run(names, {**feeds, **more})))


def cosine(a, b):
    a, b = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    return a @ b / np.sqrt((a @ a) * (b @ b))


@pytest.fixture(scope="module", params=[(o, p) for o in OBJECTIVES for p in POOLINGS], ids="-".join)
def painting(request, vgg_graphs):
    """A gatys model of fixed size, with the feeds of a half-finished picture."""
    name, pooling = request.param
    objective = OBJECTIVES[name]
    problem = vgg_graphs.why_not_trained(objective)
    if problem:
        pytest.skip(f"no {name} weights: {problem}")
    graph, features = gatys_graph(objective, pooling), features_graph(objective, pooling)
    size = (64, 48)
    model, targets = (vgg_graphs.fixed(each, size) for each in (graph, features))
    photo, style = array(*size[::-1], seed=1), array(*size[::-1], seed=7)
    of_picture = run(targets, {})
    feeds = of_picture({"image": style})
    feeds["content"] = of_picture({"image": photo})["content"]
    grams = [feeds[each.name] for each in graph.inputs if each.name.startswith("gram_")]
    weights = [20 / len(grams) / np.mean(np.square(gram)) for gram in grams]
    feeds["style_weights"] = np.array(weights, np.float32)
    feeds["content_map"] = np.ones((1, 1, *feeds["content"].shape[2:]), np.float32)
    feeds["content_weight"] = np.array([1 / np.mean(np.square(feeds["content"]))], np.float32)
    feeds["image"] = photo
    return model, feeds


def evaluator(evaluate, feeds):
    def function(image):
        terms = evaluate({"image": image})
        style = float(np.dot(feeds["style_weights"].astype(np.float64), terms["style_losses"]))
        content = float(feeds["content_weight"][0]) * float(terms["content_loss"][0])
        return style + content, terms["gradient"]

    return function


def painted(function, start, count):
    for state in lbfgs.minimise(function, start):
        if state.count >= count:
            return state
    raise AssertionError("it ended early")


@pytest.fixture(scope="module")
def evaluators(painting):
    """Loss and gradient in float32, and in FP16 with its pins."""
    model, feeds = painting
    pins = set(pinned_nodes(model))
    half = run(rounded(model, pins.__contains__), feeds, optimise=False)
    return evaluator(run(model, feeds), feeds), evaluator(half, feeds)


@pytest.mark.any_python
def test_fp16_keeps_the_gradient_of_a_half_finished_picture(painting, evaluators):
    exact, half = evaluators
    middle = painted(exact, painting[1]["image"], 10).best
    similarity = cosine(half(middle)[1], exact(middle)[1])
    assert 0.998 < similarity < 1 - 1e-9, "rounded, but only a little"


@pytest.mark.any_python
def test_fp16_reaches_the_loss_of_float32(painting, evaluators):
    exact, _ = evaluators
    if painting[0].graph.name == gatys_graph(DEEP, MAX).name:
        pytest.skip("deep-average stands for it: a painting takes seconds")
    finished, coarse = (painted(each, painting[1]["image"], 20).best for each in evaluators)
    assert exact(coarse)[0] < 1.05 * exact(finished)[0]


def test_typed_model_computes_as_the_simulation_does(painting):
    model, feeds = painting
    typed = run(to_mixed(model), feeds, optimise=False)()
    expected = run(model, feeds)()
    assert cosine(typed["gradient"], expected["gradient"]) > 0.998
    np.testing.assert_allclose(typed["content_loss"], expected["content_loss"], atol=1e-3)
    np.testing.assert_allclose(typed["style_losses"], expected["style_losses"], rtol=0.02)


def types_of(model):
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    types = {each.name: each.data_type for each in graph.initializer}
    for value in (*graph.input, *graph.output, *graph.value_info):
        types[value.name] = value.type.tensor_type.elem_type
    return types


def check_types(model):
    """Every node's float values are of the one type that its name asks for."""
    types = types_of(model)
    seen = set()
    for node in model.graph.node:
        if node.op_type in ("Cast", "Resize"):
            continue
        floats = {types[name] for name in (*node.input, *node.output)} & {FLOAT, HALF}
        assert floats == {FLOAT if is_pinned(node.name) else HALF}, node.name
        seen |= floats
    for value in (*model.graph.input, *model.graph.output):
        assert types[value.name] == FLOAT
    return seen


def test_pinned_nodes_compute_in_float32_and_all_others_in_fp16(painting):
    model, _ = painting
    typed = to_mixed(model)
    assert check_types(typed) == {FLOAT, HALF}
    assert typed.ByteSize() < 0.6 * model.ByteSize()
    assert [each.name for each in typed.graph.output] == [each.name for each in model.graph.output]


@pytest.mark.parametrize("make", ["cyclegan", "gan_compression", "affine"])
def test_generators_keep_their_norms_in_float32(make):
    pytest.importorskip("torch")
    from tests.support.export import torch_generators

    module = getattr(torch_generators, make)(*((8, 3) if make != "gan_compression" else ()))
    tensors = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
    graph = generator_graph("x")
    model = fixed(build_generator("x", read_generator(tensors)).model(), graph, (64, 48))
    typed = to_mixed(model)
    assert check_types(typed) == {FLOAT, HALF}
    assert any(NORM_MARK in node.name for node in typed.graph.node)
    image = {"image": array(48, 64, seed=0) * 2 - 1}
    got, expected = run(typed, image, optimise=False)(), run(model, image)()
    assert np.abs(got["picture"] - expected["picture"]).max() < 0.02


@pytest.mark.parametrize(
    "value, pinned", [(1.0, False), (1e-7, True), (1e6, True), (0.0, False), (6e4, False)]
)
def test_a_constant_that_fp16_cannot_hold_keeps_its_node_in_float32(value, pinned):
    constant = numpy_helper.from_array(np.array([value], np.float32), "constant")
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "constant"], ["y"], name="product")],
        "test",
        [info("x", FLOAT, [1])],
        [info("y", FLOAT, [1])],
        [constant],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)])
    model.ir_version = 7
    assert pinned_nodes(model) == (["product"] if pinned else [])
    x = np.array([0.5], np.float32)
    np.testing.assert_allclose(run(to_mixed(model), {"x": x})()["y"], x * value, rtol=1e-3)
