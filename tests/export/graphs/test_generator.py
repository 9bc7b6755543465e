"""The generators' graphs: equal to torch at any size, and within what TensorRT 8.0 takes."""

from __future__ import annotations

from pathlib import Path
from typing import Dict

import numpy as np
import onnx
import pytest

from export.errors import CheckpointError
from export.graphs.fp32_pins import NORM_MARK
from export.graphs.generator import build_generator, write_generator
from export.sources.generator_layouts import read_generator
from runtime.spec.graphs import generator_graph

onnxruntime = pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")
from tests.support.export import torch_generators
from tests.support.export.graph_checks import check_for_tensorrt_8

SIZES = [(16, 16), (20, 44), (64, 36)]

GENERATORS = {
    "cyclegan": torch_generators.cyclegan(8, 9),
    "cyclegan-odd": torch_generators.cyclegan(5, 4, dropout=True),
    "cyclegan-one-block": torch_generators.cyclegan(3, 1),
    "gan-compression": torch_generators.gan_compression(),
    "gan-compression-odd": torch_generators.gan_compression((3, 7, 10), (5, 2)),
    "affine": torch_generators.affine(8, 9),
    "affine-odd": torch_generators.affine(3, 2),
}


def model_of(generator: torch.nn.Module) -> onnx.ModelProto:
    tensors = {name: tensor.numpy() for name, tensor in generator.state_dict().items()}
    return build_generator("test", read_generator(tensors)).model()


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (1, 3, height, width)).astype(np.float32)


def ran(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(["picture"], {"image": image})[0]


def expected(generator: torch.nn.Module, image: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return generator(torch.from_numpy(image)).numpy()


@pytest.mark.parametrize("name", GENERATORS)
def test_equal_to_torch_at_several_sizes(name: str) -> None:
    model = model_of(GENERATORS[name])
    for height, width in SIZES:
        image = picture(height, width)
        result = ran(model, image)
        assert result.shape == image.shape and result.dtype == np.float32
        np.testing.assert_allclose(result, expected(GENERATORS[name], image), atol=1e-4)


def test_the_published_width_is_equal_to_torch() -> None:
    generator = torch_generators.cyclegan(64, 9, seed=1)
    image = picture(48, 64)
    np.testing.assert_allclose(
        ran(model_of(generator), image), expected(generator, image), atol=1e-4
    )


def test_channels_far_from_zero_keep_their_digits() -> None:
    """A nearly flat picture: the means are a thousand times the deviations."""
    generator = torch_generators.cyclegan(4, 1)
    with torch.no_grad():
        generator.model[1].weight *= 1000
    image = 0.9 + 0.001 * picture(16, 16)
    result = ran(model_of(generator), image)
    with torch.no_grad():
        reference = generator.double()(torch.from_numpy(image).double()).numpy()
    np.testing.assert_allclose(result, reference, atol=0.005)


def test_a_flat_picture_gives_numbers() -> None:
    result = ran(model_of(GENERATORS["affine-odd"]), np.full((1, 3, 16, 16), 0.5, np.float32))
    assert np.isfinite(result).all()


@pytest.mark.parametrize("name", GENERATORS)
def test_only_what_tensorrt_8_takes(name: str) -> None:
    model = model_of(GENERATORS[name])
    check_for_tensorrt_8(model, generator_graph(name))
    types = {each.data_type for each in model.graph.initializer}
    assert types <= {onnx.TensorProto.FLOAT, onnx.TensorProto.INT64}


def dims(value: onnx.ValueInfoProto) -> Dict[str, list]:
    return {value.name: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]}


def test_inputs_and_outputs_are_those_of_the_contract() -> None:
    graph = model_of(GENERATORS["affine-odd"]).graph
    spec = generator_graph("test")
    assert [dims(each) for each in graph.input] == [
        {each.name: list(each.shape)} for each in spec.inputs
    ]
    assert [dims(each) for each in graph.output] == [
        {each.name: list(each.shape)} for each in spec.outputs
    ]


@pytest.mark.parametrize("name", ["cyclegan", "gan-compression", "affine"])
def test_the_nodes_of_every_norm_can_be_told_by_their_names(name: str) -> None:
    model = model_of(GENERATORS[name])
    norms = sum(isinstance(each, torch.nn.InstanceNorm2d) for each in GENERATORS[name].modules())
    delicate = {"ReduceMean", "Sub", "Sqrt", "Div"}
    for node in model.graph.node:
        assert (NORM_MARK in node.name) or node.op_type not in delicate
    deviations = [node for node in model.graph.node if node.op_type == "Sqrt"]
    assert len(deviations) == norms
    assert len({node.name for node in model.graph.node}) == len(model.graph.node)


def test_a_checkpoint_becomes_a_file(tmp_path: Path) -> None:
    generator = GENERATORS["cyclegan-odd"]
    checkpoint = tmp_path / "weights.pth"
    torch.save(generator.state_dict(), checkpoint)
    path = write_generator("horse2zebra", checkpoint, tmp_path / "engines")
    assert path == tmp_path / "engines" / generator_graph("horse2zebra").onnx_file
    image = picture(16, 16)
    np.testing.assert_allclose(
        ran(onnx.load(str(path)), image), expected(generator, image), atol=1e-4
    )


def test_a_checkpoint_of_something_else_writes_nothing(tmp_path: Path) -> None:
    checkpoint = tmp_path / "resnet.pth"
    torch.save({"layer1.0.conv1.weight": torch.zeros(64, 64, 3, 3)}, checkpoint)
    with pytest.raises(CheckpointError, match=r"resnet\.pth .*layer1\.0\.conv1\.weight"):
        write_generator("horse2zebra", checkpoint, tmp_path / "engines")
    assert not (tmp_path / "engines").exists()
