"""What an engines folder holds: graphs of several weight sets, generators, and the recorded set."""

from __future__ import annotations

import pytest

from runtime.errors import GraphMismatch
from runtime.spec.folder import (
    WEIGHTS_FILE,
    best_objective,
    graphs_in,
    record_weights,
    recorded_weights,
)
from runtime.spec.graphs import (
    GraphKind,
    faces_graph,
    features_graph,
    gatys_graph,
    generator_graph,
    generators_in,
    sketch_graph,
    style_vector_graph,
    targets_graph,
)
from runtime.spec.vgg import CLASSIC, DEEP, OBJECTIVES, POOLINGS, VGG19, WEIGHT_SETS


def touch(folder, *graphs):
    for graph in graphs:
        (folder / graph.onnx_file).touch()


def test_each_graph_has_files_of_its_own():
    graphs = [
        graph(objective, pooling, weights)
        for graph in (features_graph, gatys_graph)
        for objective in OBJECTIVES.values()
        for pooling in POOLINGS
        for weights in WEIGHT_SETS
    ]
    graphs += [faces_graph(), sketch_graph(), style_vector_graph()]
    graphs += [generator_graph(name) for name in ("horse2zebra", "horse2zebra-lite")]
    assert len({each.onnx_file for each in graphs}) == len(graphs)
    assert gatys_graph(DEEP, "average", VGG19).name == "gatys-deep-average-vgg19"
    assert generator_graph("vintage").name == "generator-vintage"


def test_graphs_are_found_with_all_that_they_are(tmp_path):
    expected = [
        faces_graph(),
        features_graph(CLASSIC, "max", "vgg19-torchvision"),
        gatys_graph(DEEP, "average", "vgg19-caltech101"),
        generator_graph("my-own"),
        sketch_graph(),
        style_vector_graph(),
    ]
    touch(tmp_path, *expected)
    (tmp_path / "gatys-deep-average.onnx").touch()
    (tmp_path / "something.onnx").touch()
    assert list(graphs_in(tmp_path)) == expected
    assert generators_in(tmp_path) == ("my-own",)


def test_targets_come_from_the_same_weights():
    graph = gatys_graph(DEEP, "max", "vgg19-torchvision")
    targets = targets_graph(graph)
    assert targets.kind is GraphKind.FEATURES
    assert (targets.objective, targets.pooling) == (DEEP, "max")
    assert targets.weights == "vgg19-torchvision"


def test_best_objective_asks_for_the_same_weights(tmp_path):
    touch(tmp_path, gatys_graph(DEEP, "average", "vgg19-torchvision"))
    assert best_objective(tmp_path, "vgg19-torchvision") == DEEP
    assert best_objective(tmp_path, VGG19) == CLASSIC


def test_recorded_weights_are_read_again(tmp_path):
    folder = tmp_path / "new"
    assert recorded_weights(folder) == VGG19
    for name in WEIGHT_SETS:
        record_weights(folder, name)
        assert recorded_weights(folder) == name
    assert [path.name for path in folder.iterdir()] == [WEIGHTS_FILE]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"vgg": "vgg16"}', '{"vgg": ["vgg19"]}', "7"])
def test_a_damaged_record_says_what_to_do(tmp_path, text):
    (tmp_path / WEIGHTS_FILE).write_text(text)
    with pytest.raises(GraphMismatch, match=r"weights\.json holds .*one of vgg19, .*`make onnx`"):
        recorded_weights(tmp_path)
