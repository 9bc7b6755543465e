"""The contract of all backends: each one that can run here gives the same, in the same form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Type

import numpy as np
import pytest

from export.graphs.faces import build_faces
from export.graphs.gatys import write_graphs
from export.graphs.generator import build_generator
from export.graphs.sketch import write_sketch
from export.sources.face_detector import read_face_detector
from export.sources.generator_layouts import read_generator
from runtime.backends import Backend, backend_class
from runtime.errors import BackendError, BackendUnavailable, GraphMismatch, GraphMissing
from runtime.spec.graphs import (
    STYLE_SIDE,
    faces_graph,
    features_graph,
    gatys_graph,
    generator_graph,
    sketch_graph,
    style_vector_graph,
)
from runtime.spec.vgg import CLASSIC, POOLINGS
from tests.support.export.random_sketch_networks import random_networks, write_wheel
from tests.support.export.small_face_detector import of_any_size, small_face_detector
from tests.support.networks import gatys_feeds, random_vgg19
from tests.support.pictures import array

HEIGHT, WIDTH = 51, 66
FEATURES, GATYS = features_graph(CLASSIC, "average"), gatys_graph(CLASSIC, "average")
GENERATORS = ("cyclegan", "gan-compression", "affine")


@dataclass(frozen=True)
class Subject:
    """A backend under test. One that computes nothing is only held to the form of its answers."""

    name: str
    computes: bool = True


SUBJECTS = (
    Subject("onnxrt"),
    Subject("openvino"),
    Subject("pyt"),
    Subject("fake", computes=False),
)


def available(name: str) -> Type[Backend]:
    backend = backend_class(name)
    try:
        backend.check(Path())
    except BackendUnavailable as error:
        pytest.skip(str(error))
    return backend


@pytest.fixture(params=SUBJECTS, ids=lambda subject: subject.name)
def backend(request) -> Type[Backend]:
    return available(request.param.name)


@pytest.fixture(params=[s for s in SUBJECTS if s.computes], ids=lambda subject: subject.name)
def computing(request) -> Type[Backend]:
    return available(request.param.name)


@pytest.fixture(scope="module")
def convs():
    return random_vgg19(CLASSIC)


@pytest.fixture(scope="module")
def folder(convs, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("engines")
    for pooling in POOLINGS:
        write_graphs(CLASSIC, pooling, convs, path)
    return path


@pytest.fixture(scope="module")
def generators(folder) -> Dict[str, object]:
    """Small torch generators, whose graphs are in the folder."""
    pytest.importorskip("torch")
    from tests.support.export import torch_generators

    made = {
        "cyclegan": torch_generators.cyclegan(5, 2),
        "gan-compression": torch_generators.gan_compression((3, 7, 10), (5, 2)),
        "affine": torch_generators.affine(4, 1),
    }
    for name, generator in made.items():
        tensors = {key: tensor.numpy() for key, tensor in generator.state_dict().items()}
        build_generator(name, read_generator(tensors)).save(folder)
    return made


@pytest.fixture(scope="module")
def reference():
    pytest.importorskip("torch")
    from tests.support import reference

    return reference


def feeds_for(seed=3):
    return gatys_feeds(GATYS, array(HEIGHT, WIDTH, seed), seed)


def tolerance(backend: Type[Backend], half: float = 0.05) -> float:
    """The relative error that a backend's precision explains: `half` for 16 bits."""
    return 1e-4 if "float32" in backend.check(Path()) else half


def relative_error(got, expected) -> float:
    return np.linalg.norm(got - expected) / np.linalg.norm(expected)


def check_form(graph, results, height, width) -> None:
    assert {name: array.shape for name, array in results.items()} == {
        spec.name: spec.resolve(height, width) for spec in graph.outputs
    }
    assert {array.dtype for array in results.values()} == {np.dtype(np.float32)}


def test_answers_have_the_names_shapes_and_type_of_the_contract(backend, folder):
    with backend(FEATURES, height=HEIGHT, width=WIDTH, folder=folder) as loaded:
        check_form(FEATURES, loaded.run({"image": array(HEIGHT, WIDTH, 1)}), HEIGHT, WIDTH)
    with backend(GATYS, height=HEIGHT, width=WIDTH, folder=folder) as loaded:
        check_form(GATYS, loaded.run(feeds_for()), HEIGHT, WIDTH)


def test_answers_belong_to_the_caller(backend, folder):
    with backend(GATYS, height=HEIGHT, width=WIDTH, folder=folder) as loaded:
        first = loaded.run(feeds_for(seed=1))
        before = {name: values.copy() for name, values in first.items()}
        loaded.run(feeds_for(seed=2))
        for name, values in first.items():
            np.testing.assert_array_equal(values, before[name], err_msg=name)
            values[...] = 7
        again = loaded.run(feeds_for(seed=1))
        for name, values in again.items():
            np.testing.assert_allclose(values, before[name], rtol=1e-5, atol=1e-7, err_msg=name)


def test_inputs_may_be_read_only_views_and_stay_as_they_are(backend, folder):
    feeds = feeds_for()
    strided = np.repeat(feeds["image"], 2, axis=3)[:, :, :, ::2]
    strided.setflags(write=False)
    with backend(GATYS, height=HEIGHT, width=WIDTH, folder=folder) as loaded:
        plain = loaded.run(feeds)
        viewed = loaded.run({**feeds, "image": strided})
    np.testing.assert_allclose(viewed["gradient"], plain["gradient"], rtol=1e-5, atol=1e-9)
    for name, values in feeds_for().items():
        np.testing.assert_array_equal(feeds[name], values, err_msg=name)


def test_wrong_inputs_are_refused(backend, folder):
    image = array(HEIGHT, WIDTH, 1)
    with backend(FEATURES, height=HEIGHT, width=WIDTH, folder=folder) as loaded:
        with pytest.raises(GraphMismatch, match=r"got the inputs picture; expected image"):
            loaded.run({"picture": image})
        with pytest.raises(GraphMismatch, match=r"expected image"):
            loaded.run({})
        with pytest.raises(
            GraphMismatch, match=r"image is float64.*expected float32\[1, 3, 51, 66"
        ):
            loaded.run({"image": image.astype(np.float64)})
        with pytest.raises(GraphMismatch, match=r"image is float32\[1, 3, 50, 66\]; expected"):
            loaded.run({"image": image[:, :, 1:]})


def test_loads_and_closes_as_often_as_one_likes(backend, folder):
    feeds = {"image": array(HEIGHT, WIDTH, 1)}
    loaded = backend(FEATURES, height=HEIGHT, width=WIDTH, folder=folder)
    loaded.close()
    with pytest.raises(BackendError, match=r"not loaded; call load\(\)"):
        loaded.run(feeds)
    loaded.load()
    loaded.load()
    first = loaded.run(feeds)
    loaded.close()
    loaded.close()
    with pytest.raises(BackendError, match="not loaded"):
        loaded.run(feeds)
    loaded.load()
    np.testing.assert_allclose(loaded.run(feeds)["content"], first["content"], rtol=1e-6)
    loaded.close()


def test_a_missing_file_is_named_with_the_command_that_writes_it(computing, tmp_path):
    loaded = computing(FEATURES, height=HEIGHT, width=WIDTH, folder=tmp_path)
    with pytest.raises(GraphMissing, match=rf"{FEATURES.onnx_file} does not exist.*`make onnx`"):
        loaded.load()


def test_a_file_of_another_graph_is_refused(computing, folder, tmp_path):
    other = (folder / GATYS.onnx_file).read_bytes()
    (tmp_path / FEATURES.onnx_file).write_bytes(other)
    loaded = computing(FEATURES, height=HEIGHT, width=WIDTH, folder=tmp_path)
    with pytest.raises(GraphMismatch, match=r"has the tensors .*gradient.*expects .*`make onnx`"):
        loaded.load()


@pytest.mark.parametrize("kept", [0.0, 0.6])
def test_a_truncated_file_is_an_error_that_names_it(computing, folder, tmp_path, kept):
    whole = (folder / FEATURES.onnx_file).read_bytes()
    (tmp_path / FEATURES.onnx_file).write_bytes(whole[: int(len(whole) * kept)])
    loaded = computing(FEATURES, height=HEIGHT, width=WIDTH, folder=tmp_path)
    with pytest.raises(BackendError, match=FEATURES.onnx_file):
        loaded.load()


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("size", [(HEIGHT, WIDTH), (80, 37)], ids=str)
def test_features_equal_torch(computing, folder, convs, reference, pooling, size):
    image = array(*size, seed=1)
    expected = reference.targets(CLASSIC, pooling, convs, image)
    graph = features_graph(CLASSIC, pooling)
    with computing(graph, height=size[0], width=size[1], folder=folder) as loaded:
        got = loaded.run({"image": image})
    for name, values in got.items():
        assert relative_error(values, expected[name]) < tolerance(computing), name


@pytest.mark.parametrize("pooling", POOLINGS)
def test_loss_and_gradient_equal_autograd(computing, folder, convs, reference, pooling):
    feeds = feeds_for()
    expected = reference.loss_and_gradient(CLASSIC, pooling, convs, feeds)
    graph = gatys_graph(CLASSIC, pooling)
    with computing(graph, height=HEIGHT, width=WIDTH, folder=folder) as loaded:
        # Twice: what is computed once for the size must hold for every picture.
        loaded.run(feeds_for(seed=4))
        got = loaded.run(feeds)
    bound = tolerance(computing)
    np.testing.assert_allclose(got["style_losses"], expected.style_losses, rtol=bound)
    np.testing.assert_allclose(got["content_loss"], [expected.content_loss], rtol=bound)
    # bfloat16 turns ties of the maxima and signs near zero: some pixels get another gradient.
    assert relative_error(got["gradient"], expected.gradient) < tolerance(computing, half=0.2)


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("size", [(32, 32), (20, 44)], ids=str)
def test_generators_equal_torch(computing, folder, generators, name, size):
    import torch

    image = array(*size, seed=5) * 2 - 1
    with torch.no_grad():
        expected = generators[name](torch.from_numpy(image)).numpy()
    with computing(generator_graph(name), height=size[0], width=size[1], folder=folder) as loaded:
        got = loaded.run({"image": image})["picture"]
    assert got.shape == image.shape
    error = np.abs(got - expected)
    assert error.max() < tolerance(computing, half=0.1)
    assert 20 * np.log10(2 / np.sqrt(np.mean(error**2))) > 35


def test_the_face_detector_equals_its_published_layout(computing, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = small_face_detector()
    build_faces(read_face_detector(model)).save(tmp_path)
    image = array(64, 96, seed=5)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(of_any_size(model).SerializeToString(), options)
    expected = session.run(None, {"picture": image * np.float32(255)})
    with computing(faces_graph(), height=64, width=96, folder=tmp_path) as loaded:
        got = loaded.run({"image": image})
    check_form(faces_graph(), got, 64, 96)
    for name, values in zip(("heat", "log_sizes", "offsets"), expected):
        assert relative_error(got[name], values) < tolerance(computing), name


def test_sketches_equal_onnx_runtime(computing, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    write_wheel(tmp_path / "sketch.whl", random_networks())
    write_sketch(tmp_path / "sketch.whl", tmp_path)
    style = np.random.default_rng(1).standard_normal((1, 100, 1, 1)).astype(np.float32)
    for graph, size, further in (
        (style_vector_graph(), (STYLE_SIDE, STYLE_SIDE), {}),
        (sketch_graph(), (44, 60), {"style": style}),
    ):
        feeds = {"image": array(*size, seed=5), **further}
        session = onnxruntime.InferenceSession(str(tmp_path / graph.onnx_file))
        (expected,) = session.run(None, feeds)
        with computing(graph, height=size[0], width=size[1], folder=tmp_path) as loaded:
            (got,) = loaded.run(feeds).values()
        assert relative_error(got, expected) < tolerance(computing, half=0.1), graph.name
