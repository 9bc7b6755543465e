"""Finding faces: what the detector's answer means, in which pixels, and without the detector."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import ClassVar, Dict

import numpy as np
import pytest
from PIL import Image

from export.graphs.faces import write_faces
from runtime.backends import backend_class
from runtime.backends.fake import FakeBackend
from runtime.backends.kept import GraphsOf, KeptGraphs
from runtime.errors import BackendError, BackendUnavailable, GraphMissing
from runtime.faces import find_faces
from runtime.spec.graphs import faces_graph
from tests.support.pictures import photo

#: The face of Eileen Collins in NASA's portrait, which is in the public domain.
ASTRONAUT = Path(__file__).parent / "cases" / "astronaut.jpg"


@pytest.fixture
def folder(tmp_path):
    """A folder with a file in the place of the graph: the backend here does not read it."""
    (tmp_path / faces_graph().onnx_file).touch()
    return tmp_path


class Peaks(FakeBackend):
    """Answers with faces at some cells: (row, column) and score, height and width in pixels."""

    faces: ClassVar[Dict[tuple, tuple]] = {}
    given: ClassVar[list] = []

    def _run(self, feeds):
        self.given.append(feeds["image"])
        heat, log_sizes, offsets = (
            np.zeros(spec.resolve(self.height, self.width), np.float32)
            for spec in self.graph.outputs
        )
        for (row, column), (score, height, width) in self.faces.items():
            heat[0, 0, row, column] = score
            log_sizes[0, :, row, column] = np.log([height / 4, width / 4])
            offsets[0, :, row, column] = 0.25, -0.5
        return {"heat": heat, "log_sizes": log_sizes, "offsets": offsets}


def found(monkeypatch, folder, faces, size=(640, 480), backend=Peaks):
    monkeypatch.setattr(Peaks, "faces", faces)
    monkeypatch.setattr(Peaks, "given", [])
    return find_faces(Image.new("RGB", size), GraphsOf(KeptGraphs(), backend, folder))


def box(face):
    return face.left, face.top, face.width, face.height


def test_a_peak_is_a_face_in_pixels_of_the_picture(monkeypatch, folder):
    faces = {(50, 60): (0.9, 120, 80)}
    (face,) = found(monkeypatch, folder, faces)
    # The middle is at (60 + 0.5 - 0.5) * 4 and (50 + 0.5 + 0.25) * 4.
    assert box(face) == pytest.approx((240 - 40, 203 - 60, 80, 120), abs=1e-3)
    assert face.score == pytest.approx(0.9)
    (face,) = found(monkeypatch, folder, faces, size=(2560, 1920))
    assert box(face) == pytest.approx((800, 572, 320, 480), abs=1e-2)
    assert Peaks.given[0].shape == (1, 3, 480, 640)


def test_small_pictures_are_not_enlarged(monkeypatch, folder):
    (face,) = found(monkeypatch, folder, {(10, 10): (0.9, 20, 20)}, size=(100, 80))
    assert Peaks.given[0].shape == (1, 3, 96, 128)
    assert box(face) == pytest.approx((40 - 10 - 14, 43 - 10 - 8, 20, 20), abs=1e-3)


def test_the_largest_face_comes_first_and_weak_peaks_are_none(monkeypatch, folder):
    faces = {(20, 20): (0.9, 30, 30), (60, 60): (0.6, 90, 90), (90, 120): (0.2, 200, 200)}
    assert [round(face.height) for face in found(monkeypatch, folder, faces)] == [90, 30]


def test_one_face_has_one_box(monkeypatch, folder):
    near = {(50, 60): (0.9, 120, 80), (50, 61): (0.85, 120, 80), (53, 62): (0.8, 110, 90)}
    (face,) = found(monkeypatch, folder, near)
    assert face.score == pytest.approx(0.9)
    beside = {(50, 60): (0.9, 120, 80), (50, 75): (0.8, 120, 80)}
    assert len(found(monkeypatch, folder, beside)) == 2


def test_a_face_that_the_edge_cuts_off_keeps_its_size(monkeypatch, folder):
    (face,) = found(monkeypatch, folder, {(50, 1): (0.9, 120, 80)})
    assert box(face) == pytest.approx((4 - 40, 143, 80, 120), abs=1e-3)


def test_mirrored_faces_around_the_photo_are_left_out(monkeypatch, folder):
    class Square(Peaks):
        @classmethod
        def shapes(cls, graph, folder):
            return ((640, 640),)

    faces = {(10, 80): (0.9, 60, 60), (80, 80): (0.8, 60, 60)}
    (face,) = found(monkeypatch, folder, faces, backend=Square)
    assert Peaks.given[0].shape == (1, 3, 640, 640)
    assert face.top == pytest.approx(323 - 30 - 80, abs=1e-3)


def test_without_the_graph_there_are_no_faces(monkeypatch, tmp_path):
    assert found(monkeypatch, tmp_path, {(50, 60): (0.9, 120, 80)}) == ()
    assert not Peaks.given


def test_without_the_engine_there_are_no_faces_and_the_log_says_so(monkeypatch, folder, caplog):
    class WithoutEngine(Peaks):
        def _load(self):
            raise GraphMissing("faces-centerface-640x640.plan does not exist. Run `make engines`.")

    with caplog.at_level(logging.WARNING):
        assert found(monkeypatch, folder, {}, backend=WithoutEngine) == ()
    assert "make engines" in caplog.text


def test_values_that_are_not_numbers_are_the_backends_fault(monkeypatch, folder):
    with pytest.raises(BackendError, match="not numbers"):
        found(monkeypatch, folder, {(50, 60): (float("nan"), 120, 80)})


@pytest.fixture(scope="module")
def published(published_faces, tmp_path_factory):
    """A folder with the graph of the published weights."""
    folder = tmp_path_factory.mktemp("faces")
    write_faces(published_faces, folder)
    return folder


@pytest.mark.parametrize("name", ["onnxrt", "openvino", "pyt"])
def test_the_published_detector_finds_a_face_and_none_in_a_cup_of_coffee(published, name):
    backend = backend_class(name)
    try:
        backend.check(published)
    except BackendUnavailable as error:
        pytest.skip(str(error))
    with Image.open(ASTRONAUT) as file:
        picture = file.convert("RGB")
    graphs = GraphsOf(KeptGraphs(), backend, published)
    (face,) = find_faces(picture, graphs)
    assert box(face) == pytest.approx((92, 58, 88, 119), abs=8) and face.score > 0.8
    width, height = picture.size
    (larger,) = find_faces(picture.resize((3 * width, 3 * height)), graphs)
    assert box(larger) == pytest.approx([3 * side for side in box(face)], abs=20)
    assert find_faces(photo(320, 240), graphs) == ()
