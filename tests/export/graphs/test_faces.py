"""The face detector's graph: equal to the published file, and within what TensorRT 8.0 takes."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from export.engines.prepare import run
from export.errors import CheckpointError
from export.graphs.faces import build_faces, write_faces
from export.sources.face_detector import read_face_detector
from runtime.spec.engine_sizes import Device, DeviceClass, Stage, engine_sizes
from runtime.spec.graphs import faces_graph
from tests.support.export.graph_checks import check_for_tensorrt_8, check_in_fp16
from tests.support.export.small_face_detector import of_any_size, small_face_detector
from tests.support.pictures import array

onnxruntime = pytest.importorskip("onnxruntime")

GRAPH = faces_graph()
USED = 3


def check_equal(published, ours, sizes):
    """Both give the same, up to rounding, for pictures of the sizes (width, height)."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    theirs = onnxruntime.InferenceSession(of_any_size(published).SerializeToString(), options)
    constants = {each.name for each in published.graph.initializer}
    (name,) = [each.name for each in published.graph.input if each.name not in constants]
    for width, height in sizes:
        image = array(height, width, seed=1)
        expected = theirs.run(None, {name: image * np.float32(255)})[:USED]
        got = run(ours, {"image": image})
        for spec, values in zip(GRAPH.outputs, expected):
            assert got[spec.name].shape == spec.resolve(height, width)
            np.testing.assert_allclose(got[spec.name], values, atol=1e-4, err_msg=spec.name)


def test_equal_to_the_file_that_it_is_written_from():
    model = small_face_detector()
    ours = build_faces(read_face_detector(model)).model()
    check_equal(model, ours, [(64, 32), (32, 32), (96, 160)])


def test_equal_to_the_published_file(published_faces, tmp_path):
    ours = onnx.load(str(write_faces(published_faces, tmp_path)))
    sizes = [(640, 480), (480, 640), (640, 640), (352, 640), (32, 64)]
    check_equal(onnx.load(str(published_faces)), ours, sizes)


def test_only_what_tensorrt_8_takes():
    model = build_faces(read_face_detector(small_face_detector())).model()
    check_for_tensorrt_8(model, GRAPH)


def test_an_engine_in_fp16_passes_its_test(published_faces, tmp_path):
    write_faces(published_faces, tmp_path)
    (size,) = engine_sizes(Stage.FACES, Device(DeviceClass.NANO, 3956))
    check_in_fp16(tmp_path, GRAPH, size)


def test_a_file_of_something_else_writes_nothing(tmp_path):
    checkpoint = tmp_path / "faces.onnx"
    checkpoint.write_bytes(b"<html>not found</html>")
    with pytest.raises(CheckpointError, match=r"faces\.onnx cannot be used"):
        write_faces(checkpoint, tmp_path / "engines")
    assert not (tmp_path / "engines").exists()
