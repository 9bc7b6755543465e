"""Every graph, built ahead of time by the real TensorRT-RTX builder, which needs no GPU for it.

Its API is that of TensorRT 11: what it parses and builds here, typed mixed precision included, is
what the builder hands to the real one.
"""

from __future__ import annotations

import onnx
import pytest

from export.engines import builder as engine_builder
from export.engines.driver import workspaces_mib
from export.engines.job import FLOAT32, TYPED, Job
from export.engines.step import WORKSPACE_REFUSED
from export.graphs.cost import cost_of
from export.graphs.faces import write_faces
from export.graphs.fp32_pins import is_pinned
from export.graphs.generator import build_generator
from export.graphs.mixed_precision import to_mixed
from export.graphs.sketch import write_sketch
from export.graphs.specialise import fixed
from export.sources.generator_layouts import read_generator
from runtime.backends.trt_session import logger_of
from runtime.spec.graphs import (
    faces_graph,
    features_graph,
    gatys_graph,
    generator_graph,
    sketch_graph,
    style_vector_graph,
)
from runtime.spec.vgg import CLASSIC, DEEP, OBJECTIVES, POOLINGS

trt = pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")

CAPABILITIES = ("SM86", "SM120")
BOTH = (TYPED, FLOAT32)
SIZE, FACES_SIZE = (64, 48), (96, 64)

# It has no timing cache, but its calls are there, and those of TensorRT 11 do something.
pytestmark = pytest.mark.filterwarnings("ignore:.*Timing cache operations are no-ops")

VGG_GRAPHS = {
    graph.name: graph
    for objective in OBJECTIVES.values()
    for pooling in POOLINGS
    for graph in (features_graph(objective, pooling), gatys_graph(objective, pooling))
}
SKETCH_GRAPHS = {graph.name: graph for graph in (style_vector_graph(), sketch_graph())}
GENERATORS = {"cyclegan": (4, 3), "gan_compression": ((4, 6, 8), (5, 7)), "affine": (4, 3)}


@pytest.fixture
def for_capability(monkeypatch):
    """Lets the builder's own code build for a GPU that is not there."""
    configured = engine_builder._configured

    def choose(name):
        def configure(module, builder, job):
            config = configured(module, builder, job)
            config.num_compute_capabilities = 1
            assert config.set_compute_capability(getattr(trt.ComputeCapability, name), 0)
            return config

        monkeypatch.setattr(engine_builder, "_configured", configure)

    return choose


@pytest.fixture(
    scope="module", params=[*VGG_GRAPHS, *GENERATORS, *SKETCH_GRAPHS, faces_graph().name]
)
def graph_and_model(request, vgg_graphs, tmp_path_factory):
    name = request.param
    if name == faces_graph().name:
        path = write_faces(
            request.getfixturevalue("published_faces"), tmp_path_factory.mktemp("faces")
        )
        return faces_graph(), fixed(onnx.load(str(path)), faces_graph(), FACES_SIZE)
    if name in SKETCH_GRAPHS:
        folder = tmp_path_factory.mktemp("sketch")
        write_sketch(request.getfixturevalue("published_sketch"), folder)
        graph = SKETCH_GRAPHS[name]
        return graph, fixed(onnx.load(str(folder / graph.onnx_file)), graph, SIZE)
    if name in VGG_GRAPHS:
        return VGG_GRAPHS[name], vgg_graphs.fixed(VGG_GRAPHS[name], SIZE)
    pytest.importorskip("torch")
    from tests.support.export import torch_generators

    module = getattr(torch_generators, name)(*GENERATORS[name])
    tensors = {key: tensor.numpy() for key, tensor in module.state_dict().items()}
    graph = generator_graph(name)
    return graph, fixed(build_generator(name, read_generator(tensors)).model(), graph, SIZE)


def job_for(folder, graph, model, precision, workspace_mib=256):
    job = Job(graph, SIZE, str(folder), "", precision, workspace_mib)
    prepared = to_mixed(model) if precision == TYPED else model
    job.prepared.write_bytes(prepared.SerializeToString())
    return job


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_builds_in_mixed_precision(graph_and_model, for_capability, tmp_path, capability):
    graph, model = graph_and_model
    for_capability(capability)
    plan = engine_builder.build(trt, job_for(tmp_path, graph, model, TYPED))
    assert len(plan) > 10_000


def test_builds_in_float32_with_more_bytes(graph_and_model, for_capability, tmp_path):
    graph, model = graph_and_model
    if "-deep-" in graph.name:
        pytest.skip("classic stands for it: the same operators in four times the bytes")
    for_capability(CAPABILITIES[0])
    plans = {p: engine_builder.build(trt, job_for(tmp_path, graph, model, p)) for p in BOTH}
    assert len(plans[TYPED]) < len(plans[FLOAT32])


def test_pinned_layers_stay_in_float32_and_convolutions_do_not(graph_and_model):
    """As the parser types them: what the builder may not change."""
    _, model = graph_and_model
    logger = logger_of(trt)
    network = trt.Builder(logger).create_network(0)
    parser = trt.OnnxParser(network, logger)
    assert parser.parse(to_mixed(model).SerializeToString())
    layers = {layer.name: layer for layer in map(network.get_layer, range(network.num_layers))}
    for node in model.graph.node:
        # Layers go by their nodes' names: on this the pins for older versions rest.
        layer = layers[node.name]
        floats = {layer.get_output(0).dtype} & {trt.DataType.FLOAT, trt.DataType.HALF}
        if floats:
            expected = trt.DataType.FLOAT if is_pinned(node.name) else trt.DataType.HALF
            assert floats == {expected}, node.name
    convolutions = [each for each in layers.values() if each.type == trt.LayerType.CONVOLUTION]
    assert {each.get_output(0).dtype for each in convolutions} == {trt.DataType.HALF}
    for index in range(network.num_outputs):
        assert network.get_output(index).dtype == trt.DataType.FLOAT


def test_a_graph_that_is_refused_is_told_with_the_parser_s_words(tmp_path, graph_and_model):
    graph, model = graph_and_model
    job = job_for(tmp_path, graph, model, FLOAT32)
    job.prepared.write_bytes(b"nonsense")
    with pytest.raises(engine_builder.BuildFailed, match="cannot read the ONNX file"):
        engine_builder.build(trt, job)


@pytest.mark.parametrize(
    "objective, size",
    [(DEEP, (240, 176)), (DEEP, (288, 160)), (CLASSIC, (768, 384)), (CLASSIC, (1280, 960))],
)
def test_first_workspace_of_the_ladder_holds_a_painting_s_activations(
    vgg_graphs, for_capability, tmp_path, objective, size
):
    graph = gatys_graph(objective, "average")
    model = vgg_graphs.fixed(graph, size)
    for_capability(CAPABILITIES[0])
    live = cost_of(model).live / 2**20
    first = workspaces_mib(TYPED, live)[0]
    assert len(engine_builder.build(trt, job_for(tmp_path, graph, model, TYPED, first))) > 10_000


def test_workspace_that_is_too_small_is_told_from_other_failures(
    vgg_graphs, for_capability, tmp_path
):
    graph = gatys_graph(CLASSIC, "average")
    model = vgg_graphs.fixed(graph, (768, 384))
    for_capability(CAPABILITIES[0])
    with pytest.raises(engine_builder.BuildFailed) as failure:
        engine_builder.build(trt, job_for(tmp_path, graph, model, TYPED, 64))
    assert engine_builder.exit_code_of(failure.value) == WORKSPACE_REFUSED
