from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from runtime.spec.graphs import features_graph, gatys_graph
from runtime.spec.vgg import CLASSIC, OBJECTIVES, POOLINGS
from tests.support.export.graph_checks import check_for_tensorrt_8
from tests.support.pictures import array
from tests.support.reference import loss_and_gradient, targets

SIZES = [(64, 64), (61, 75), (98, 51)]


def limit(trained):
    """The largest relative error of a gradient: 1e-4 for every network that was trained.

    Random weights, which stand in for the deep ones until they are fetched, leave so many features
    near zero and windows near ties that float32 decides otherwise than float64 in some.
    """
    return 1e-4 if trained else 2e-2


@pytest.fixture(scope="module", params=[(o, p) for o in OBJECTIVES for p in POOLINGS], ids="-".join)
def graphs(request, vgg_graphs):
    """Both graphs of an objective and a pooling, loaded, and what they were written from."""
    name, pooling = request.param
    objective = OBJECTIVES[name]
    features, gatys = (
        onnxruntime.InferenceSession(str(vgg_graphs.path(describe(objective, pooling))))
        for describe in (features_graph, gatys_graph)
    )
    return objective, pooling, vgg_graphs.network(objective), features, gatys


def run(session, feeds):
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds)))


def feeds_for(objective, features, size):
    """Inputs with targets of different pictures, the style's of another size than the photo's."""
    content = run(features, {"image": array(*size, seed=1)})
    style = run(features, {"image": array(80, 67, seed=2)})
    # Halved: a random network's deep features hardly tell two pictures apart, and the difference
    # of nearly equal numbers has no digits left in float32.
    feeds = {name: style[name] / 2 for name in style if name != "content"}
    feeds["content"] = content["content"] / 2
    # Noise, not a smooth picture: where the two largest of a pooling window differ by less than
    # float32 resolves, float32 may choose another one than the reference in float64.
    feeds["image"] = np.random.default_rng(5).random((1, 3, *size), np.float32)
    feeds["style_weights"] = np.array([3, 10, 100, 30, 1], np.float32)
    feeds["content_weight"] = np.array([0.7], np.float32)
    shape = (1, 1) + feeds["content"].shape[2:]
    feeds["content_map"] = np.random.default_rng(6).uniform(0, 4, shape).astype(np.float32)
    return feeds


def relative_error(got, expected):
    return np.linalg.norm(got - expected) / np.linalg.norm(expected)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_features_equal_torch(graphs, size):
    objective, pooling, convs, features, _ = graphs
    image = array(*size, seed=1)
    expected = targets(objective, pooling, convs, image)
    for name, got in run(features, {"image": image}).items():
        assert relative_error(got, expected[name]) < 1e-5, name


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_loss_and_gradient_equal_autograd(graphs, vgg_graphs, size):
    objective, pooling, convs, features, gatys = graphs
    feeds = feeds_for(objective, features, size)
    expected = loss_and_gradient(objective, pooling, convs, feeds)
    got = run(gatys, feeds)
    np.testing.assert_allclose(got["style_losses"], expected.style_losses, rtol=1e-4)
    np.testing.assert_allclose(got["content_loss"], [expected.content_loss], rtol=1e-4)
    assert got["gradient"].shape == (1, 3, *size)
    assert relative_error(got["gradient"], expected.gradient) < limit(
        not vgg_graphs.why_not_trained(objective)
    )


def test_gradient_of_flat_regions_equals_autograd(graphs, vgg_graphs):
    """A white sky ties all maxima of a pooling window: the first takes the gradient, as in torch."""
    objective, pooling, convs, features, gatys = graphs
    problem = vgg_graphs.why_not_trained(objective)
    if problem:
        pytest.skip(f"rounding decides flat regions of a random network, and {problem}")
    feeds = feeds_for(objective, features, (66, 65))
    feeds["image"][:, :, :40] = 1.0
    expected = loss_and_gradient(objective, pooling, convs, feeds)
    error = relative_error(run(gatys, feeds)["gradient"], expected.gradient)
    assert error < 1e-4


def test_weights_scale_their_terms_of_the_gradient(graphs):
    objective, _, _, features, gatys = graphs
    feeds = feeds_for(objective, features, (64, 48))
    alone = []
    for part in ("style_weights", "content_weight"):
        other = "content_weight" if part == "style_weights" else "style_weights"
        alone.append(run(gatys, {**feeds, other: feeds[other] * 0})["gradient"])
    both = run(gatys, feeds)["gradient"]
    assert relative_error(alone[0] + alone[1], both) < 1e-4
    assert np.linalg.norm(alone[0]) > 0 and np.linalg.norm(alone[1]) > 0


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("describe", [features_graph, gatys_graph])
def test_file_is_what_tensorrt_8_0_takes(vgg_graphs, describe, pooling):
    spec = describe(CLASSIC, pooling)
    model = onnx.load(str(vgg_graphs.path(spec)))
    onnx.checker.check_model(model, full_check=True)
    check_for_tensorrt_8(model, spec)
    image = next(each for each in model.graph.input if each.name == "image")
    assert [dim.dim_param for dim in image.type.tensor_type.shape.dim[2:]] == ["height", "width"]


def test_backward_convolutions_are_convolutions(vgg_graphs):
    """Engines have fast tactics for Conv only: one forward and one backward for each layer."""
    model = onnx.load(str(vgg_graphs.path(gatys_graph(CLASSIC, "average"))))
    operators = [node.op_type for node in model.graph.node]
    assert operators.count("Conv") == 2 * len(CLASSIC.layers)
    assert "ConvTranspose" not in operators
