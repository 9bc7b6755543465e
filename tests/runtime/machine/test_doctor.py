from __future__ import annotations

import json
import platform

import pytest

from runtime import cli
from runtime.backends.onnxrt import OnnxRuntimeBackend
from runtime.errors import BackendUnavailable
from runtime.machine import doctor
from runtime.machine.findings import MISSING, NOTE, OK
from runtime.spec.graphs import faces_graph, sketch_graph, style_vector_graph


def test_says_what_is_there(engines, capsys):
    assert cli.main(["doctor", "--engines", str(engines)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("ok") and platform.python_version() in line for line in lines)
    assert any(line.startswith("ok") and "onnxrt" in line and "CPU" in line for line in lines)
    assert any("night-swirls" in line for line in lines)
    classic = next(line for line in lines if " classic " in line)
    assert classic.startswith("ok") and "gatys-classic-average-vgg19.onnx" in classic


def test_says_what_to_do_about_missing_deep_graphs(engines, capsys):
    cli.main(["doctor", "--engines", str(engines)])
    lines = capsys.readouterr().out.splitlines()
    at = next(index for index, line in enumerate(lines) if " deep " in line)
    assert lines[at].startswith("missing") and "make weights onnx" in lines[at + 1]


def test_says_how_to_keep_faces(engines, tmp_path):
    found = {each.topic: each for each in doctor.examine(engines)}
    assert found["faces"].state == NOTE and "painted over" in found["faces"].text
    assert "make weights onnx WEIGHTS=faces" in found["faces"].advice
    (tmp_path / faces_graph().onnx_file).touch()
    found = {each.topic: each for each in doctor.examine(tmp_path)}
    assert found["faces"].state == OK


def test_says_how_to_sketch(engines, tmp_path):
    found = {each.topic: each for each in doctor.examine(engines)}
    assert found["sketch"].state == NOTE
    assert "make weights onnx WEIGHTS=sketch" in found["sketch"].advice
    for graph in (style_vector_graph(), sketch_graph()):
        (tmp_path / graph.onnx_file).touch()
    found = {each.topic: each for each in doctor.examine(tmp_path)}
    assert found["sketch"].state == OK


def test_fails_without_any_graph(tmp_path, capsys):
    assert cli.main(["doctor", "--engines", str(tmp_path)]) == 1
    assert "-> Run `make onnx`." in capsys.readouterr().out


def test_names_a_backend_that_is_not_installed(engines, monkeypatch):
    def absent(cls, folder):
        raise BackendUnavailable("ONNX Runtime is not installed.")

    monkeypatch.setattr(OnnxRuntimeBackend, "check", classmethod(absent))
    found = {each.topic: each for each in doctor.examine(engines)}
    assert found["onnxrt"].state == NOTE and "not installed" in found["onnxrt"].text
    assert "make setup" in found["onnxrt"].advice


def test_engines_are_for_gpus_only(engines, monkeypatch):
    def absent():
        raise BackendUnavailable("TensorRT and pycuda are not both installed.")

    monkeypatch.setattr("runtime.machine.survey.import_vendors", absent)
    (found,) = [each for each in doctor.examine(engines) if each.topic == "engines"]
    assert found.state == NOTE and "not both installed" in found.text


def test_speaks_json_to_programs(engines, capsys):
    assert cli.main(["doctor", "--json", "--engines", str(engines)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {each["state"] for each in found} <= {OK, MISSING, NOTE}
    (classic,) = [each for each in found if each["topic"] == "classic"]
    assert classic["state"] == OK and set(classic) == {"topic", "state", "text", "advice"}


@pytest.mark.parametrize(
    ("bindings", "number", "state", "text"),
    [
        ("8.0.1.6", "8001", OK, "library 8.0.1"),
        ("8.2.1.8", "8201", OK, "library 8.2.1"),
        ("10.3.0", "100300", OK, "library 10.3.0"),
        ("8.0.1.6", "8201", NOTE, "library 8.2.1"),
        ("8.0.1.6", "", NOTE, "no version"),
    ],
)
def test_tells_tensorrt_s_two_versions(monkeypatch, bindings, number, state, text):
    class TensorRT:
        __version__ = bindings

    device, plan = "runtime.backends.trt_device", "runtime.backends.trt_plan"
    monkeypatch.setattr(f"{device}.import_vendors", lambda: (TensorRT, None))
    monkeypatch.setattr(f"{plan}.library_version", lambda version: number)
    (found,) = doctor._libraries()
    assert found.state == state and text in found.text and bindings in found.text
