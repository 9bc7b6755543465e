"""MaxUnpool gives the same gradient as the nodes that it replaces."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from export.graphs.gatys import write_graphs
from runtime.backends.onnxrt import OnnxRuntimeBackend
from runtime.backends.ort_unpool import with_max_unpool
from runtime.errors import BackendError
from runtime.spec.graphs import UNPOOLED, gatys_graph
from runtime.spec.vgg import CLASSIC, POOLINGS
from tests.support.networks import gatys_feeds, random_vgg19
from tests.support.pictures import array


@pytest.fixture(scope="module", params=POOLINGS)
def pooling(request):
    return request.param


@pytest.fixture(scope="module")
def folder(pooling, tmp_path_factory):
    path = tmp_path_factory.mktemp("engines")
    write_graphs(CLASSIC, pooling, random_vgg19(CLASSIC), path)
    return path


def flat(height, width):
    """Flat areas, where all of a window's features are equal."""
    image = array(height, width, seed=1)
    image[:, :, height // 4 : -height // 4, : width // 2] = 1
    image[:, :, : height // 2, width // 2 :] = 0
    return image


@pytest.mark.parametrize("size", [(64, 96), (51, 66), (50, 67), (53, 71)])
@pytest.mark.parametrize("picture", [lambda *size: array(*size, seed=1), flat], ids=["any", "flat"])
def test_gives_what_the_file_gives(folder, pooling, size, picture):
    graph = gatys_graph(CLASSIC, pooling)
    feeds = gatys_feeds(graph, picture(*size))
    names = [each.name for each in graph.outputs]
    as_written = onnxruntime.InferenceSession(str(folder / graph.onnx_file))
    expected = dict(zip(names, as_written.run(names, feeds)))
    with OnnxRuntimeBackend(graph, height=size[0], width=size[1], folder=folder) as backend:
        results = backend.run(feeds)
    for name in names:
        scale = np.abs(expected[name]).max()
        np.testing.assert_allclose(results[name], expected[name], atol=1e-5 * scale, err_msg=name)


def test_leaves_little_of_the_long_ways(tmp_path):
    _, path = write_graphs(CLASSIC, "max", random_vgg19(CLASSIC), tmp_path)
    model = onnx.load_from_string(with_max_unpool(path))
    onnx.checker.check_model(model)
    ways = [node.op_type for node in model.graph.node if UNPOOLED in node.output[0]]
    assert ways == ["Shape", "MaxUnpool"] * 2


def test_a_file_that_is_no_model_is_named(folder, pooling, tmp_path):
    graph = gatys_graph(CLASSIC, pooling)
    whole = (folder / graph.onnx_file).read_bytes()
    (tmp_path / graph.onnx_file).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BackendError, match=graph.onnx_file):
        OnnxRuntimeBackend(graph, height=51, width=66, folder=tmp_path).load()
