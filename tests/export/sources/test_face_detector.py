"""The face detector's file: what is read, and that every other file is refused in a sentence."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from export.errors import CheckpointError
from export.sources.face_detector import load_face_detector, read_face_detector
from tests.support.export.small_face_detector import small_face_detector


@pytest.fixture
def model():
    return small_face_detector()


def node(model, operator):
    return next(each for each in model.graph.node if each.op_type == operator)


def constant(model, name):
    return next(each for each in model.graph.initializer if each.name == name)


def test_norms_become_part_of_their_convolutions_and_landmarks_are_left_out(model):
    detector = read_face_detector(model)
    operators = {layer.operator for layer in detector.layers}
    assert operators == {"Conv", "ConvTranspose", "Relu", "Add", "Sigmoid"}
    assert detector.image == "picture" and detector.outputs == ("heat", "sizes", "offsets")
    assert "landmarks" not in {layer.output for layer in detector.layers}
    assert str(detector).startswith("CenterFace, 10 convolutions, ")


def test_values_may_be_stored_as_numbers(model):
    expected = read_face_detector(model)
    for each in model.graph.initializer:
        values = numpy_helper.to_array(each).ravel()
        each.ClearField("raw_data")
        each.float_data.extend(values.tolist())
    for layer, same in zip(read_face_detector(model).layers, expected.layers):
        if same.weight is not None:
            np.testing.assert_array_equal(layer.weight, same.weight)


def test_the_published_file(published_faces):
    assert str(load_face_detector(published_faces)) == (
        "CenterFace, 62 convolutions, 1.80 M weights"
    )


def other_operator(model):
    node(model, "Relu").op_type = "Loop"


def other_domain(model):
    node(model, "Relu").domain = "com.example"


def two_outputs(model):
    node(model, "Relu").output.append("more")


def value_from_nowhere(model):
    node(model, "Add").input[0] = "nowhere"


def value_computed_twice(model):
    model.graph.node[1].output[0] = model.graph.node[0].output[0]


def sum_of_different_shapes(model):
    node(model, "Add").input[1] = "picture"


def one_input_too_few(model):
    del node(model, "Add").input[1]


def convolution_without_weights(model):
    del node(model, "Conv").input[1:]


def missing_tensor(model):
    node(model, "Conv").input[1] = "absent"


def shared_tensor(model):
    convolutions = [each for each in model.graph.node if each.op_type == "Conv"]
    convolutions[3].input[2] = convolutions[2].input[2]


def external_tensor(model):
    tensor = constant(model, "constant0")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def tensor_of_doubles(model):
    constant(model, "constant0").data_type = TensorProto.DOUBLE


def tensor_cut_short(model):
    tensor = constant(model, "constant0")
    tensor.raw_data = tensor.raw_data[:-2]


def tensor_with_fewer_values(model):
    tensor = constant(model, "constant0")
    tensor.raw_data = tensor.raw_data[:-4]


def tensor_of_a_huge_shape(model):
    tensor = constant(model, "constant0")
    tensor.dims[:] = [1 << 40, 1 << 40, 3, 3]


def tensor_of_many_dimensions(model):
    tensor = constant(model, "constant0")
    tensor.dims[:] = [*tensor.dims, *[1] * 100]


def tensor_that_is_no_number(model):
    tensor = constant(model, "constant0")
    tensor.raw_data = np.full(len(tensor.raw_data) // 4, np.nan, np.float32).tobytes()


def other_groups(model):
    _set(node(model, "Conv"), "group", 7)


def groups_that_are_text(model):
    _set(node(model, "Conv"), "group", "many")


def dilated(model):
    _set(node(model, "Conv"), "dilations", [2, 2])


def other_padding(model):
    _set(node(model, "Conv"), "pads", [0, 0, 1, 1])


def wide_stride(model):
    _set(node(model, "ConvTranspose"), "strides", [4, 4])


def an_attribute_more(model):
    _set(node(model, "Relu"), "alpha", 0.1)


def negative_variance(model):
    tensor = constant(model, node(model, "BatchNormalization").input[4])
    tensor.raw_data = (-np.ones(len(tensor.raw_data) // 4, np.float32)).tobytes()


def huge_epsilon(model):
    _set(node(model, "BatchNormalization"), "epsilon", 100.0)


def norm_of_another_value(model):
    node(model, "BatchNormalization").input[0] = node(model, "Relu").output[0]


def norm_with_fewer_inputs(model):
    del node(model, "BatchNormalization").input[3:]


def two_pictures(model):
    model.graph.input.add().CopyFrom(
        helper.make_tensor_value_info("second", TensorProto.FLOAT, [1, 3, 32, 32])
    )


def outputs_in_another_order(model):
    model.graph.output[0].name, model.graph.output[1].name = "sizes", "heat"


def no_outputs(model):
    del model.graph.output[:]


def _set(node, name, value):
    kept = [each for each in node.attribute if each.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, helper.make_attribute(name, value)])


FAULTS = {
    other_operator: "operator 'Loop'",
    other_domain: "of no form",
    two_outputs: "of no form",
    value_from_nowhere: "'nowhere' is used but not computed",
    value_computed_twice: "computed twice",
    sum_of_different_shapes: "does not fit its inputs",
    one_input_too_few: "does not fit its inputs",
    convolution_without_weights: "has 1 inputs",
    missing_tensor: "'absent' is missing",
    shared_tensor: "is used twice",
    external_tensor: "not of float32 in the file itself",
    tensor_of_doubles: "not of float32",
    tensor_cut_short: "cut short",
    tensor_with_fewer_values: r"215 values for the shape \[8, 3, 3, 3\]",
    tensor_of_a_huge_shape: r"216 values for the shape \[1099511627776",
    tensor_of_many_dimensions: "216 values for the shape",
    tensor_that_is_no_number: "infinite or not numbers",
    other_groups: "has 7 as its groups",
    groups_that_are_text: "has a bytes as its groups",
    dilated: "attributes that do not fit 3 channels",
    other_padding: "attributes that do not fit",
    wide_stride: "do not fit 6 channels",
    an_attribute_more: "does not fit its inputs",
    negative_variance: "negative variance",
    huge_epsilon: "the epsilon a float",
    norm_of_another_value: "does not follow the convolution before it",
    norm_with_fewer_inputs: "does not follow a convolution",
    two_pictures: "it has 2 inputs",
    outputs_in_another_order: "2 channels at 1/4, 1 channels at 1/4, .* where CenterFace has 1, 2",
    no_outputs: "its outputs are missing",
}


@pytest.mark.parametrize("spoil", FAULTS, ids=lambda each: each.__name__)
def test_another_network_is_refused(model, tmp_path, spoil):
    spoil(model)
    path = tmp_path / "faces.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(CheckpointError, match=rf"^faces\.onnx cannot be used: .*{FAULTS[spoil]}"):
        load_face_detector(path)


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><title>Log in</title>", b"\x08" * 100])
def test_a_file_of_something_else_is_refused(tmp_path, content):
    path = tmp_path / "faces.onnx"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"faces\.onnx cannot be used"):
        load_face_detector(path)


def test_a_file_cut_short_anywhere_is_refused(model, tmp_path):
    whole = model.SerializeToString()
    path = tmp_path / "faces.onnx"
    for kept in range(0, len(whole) - 1, 97):
        path.write_bytes(whole[:kept])
        with pytest.raises(CheckpointError):
            load_face_detector(path)


def test_a_file_that_is_missing_or_too_large_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"cannot read .*No such file"):
        load_face_detector(tmp_path / "faces.onnx")
    path = tmp_path / "faces.onnx"
    with path.open("wb") as file:
        file.truncate(100 << 20)
    with pytest.raises(CheckpointError, match="it has more than"):
        load_face_detector(path)


def test_nothing_but_a_checkpoint_error_comes_of_damaged_bytes(model, tmp_path):
    whole = np.frombuffer(model.SerializeToString(), np.uint8)
    rng = np.random.default_rng(0)
    path = tmp_path / "faces.onnx"
    for _ in range(300):
        damaged = whole.copy()
        damaged[rng.integers(0, len(whole), 20)] = rng.integers(0, 256, 20)
        path.write_bytes(damaged.tobytes())
        with contextlib.suppress(CheckpointError):
            load_face_detector(path)
