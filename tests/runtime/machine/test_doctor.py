from __future__ import annotations

import json
import platform

import pytest

from runtime import cli
from runtime.backends.onnxrt import OnnxRuntimeBackend
from runtime.errors import BackendUnavailable
from runtime.machine import doctor
from runtime.machine.findings import MISSING, NOTE, OK
from runtime.machine.probes import PROBES
from runtime.spec.engine_progress import Activity, EngineProgress, write_progress
from runtime.spec.graphs import faces_graph, sketch_graph, style_vector_graph
from runtime.spec.turns import building


@pytest.fixture
def in_process(monkeypatch):
    """Runs the probes here, which is faster, and where they can be replaced."""
    monkeypatch.setattr(doctor, "probe", lambda name, engines: list(PROBES[name](engines)))


def test_says_what_is_there(engines, capsys):
    assert cli.main(["doctor", "--engines", str(engines)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("ok") and platform.python_version() in line for line in lines)
    assert any(line.startswith("ok") and "onnxrt" in line and "CPU" in line for line in lines)
    assert any("night-swirls" in line for line in lines)
    classic = next(line for line in lines if " classic " in line)
    assert classic.startswith("ok") and "gatys-classic-average-vgg19.onnx" in classic


def test_says_what_to_do_about_missing_deep_graphs(in_process, engines, capsys):
    cli.main(["doctor", "--engines", str(engines)])
    lines = capsys.readouterr().out.splitlines()
    at = next(index for index, line in enumerate(lines) if " deep " in line)
    assert lines[at].startswith("missing") and "make weights onnx" in lines[at + 1]


def test_says_how_to_keep_faces(in_process, engines, tmp_path):
    found = {each.topic: each for each in doctor.examine(engines)}
    assert found["faces"].state == NOTE and "painted over" in found["faces"].text
    assert "make weights onnx WEIGHTS=faces" in found["faces"].advice
    (tmp_path / faces_graph().onnx_file).touch()
    found = {each.topic: each for each in doctor.examine(tmp_path)}
    assert found["faces"].state == OK


def test_says_how_to_sketch(in_process, engines, tmp_path):
    found = {each.topic: each for each in doctor.examine(engines)}
    assert found["sketch"].state == NOTE
    assert "make weights onnx WEIGHTS=sketch" in found["sketch"].advice
    for graph in (style_vector_graph(), sketch_graph()):
        (tmp_path / graph.onnx_file).touch()
    found = {each.topic: each for each in doctor.examine(tmp_path)}
    assert found["sketch"].state == OK


def test_says_how_to_repaint_videos(in_process, engines, monkeypatch):
    def missing(name):
        raise doctor.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor.metadata, "version", missing)
    finding = next(each for each in doctor.examine(engines) if each.topic == "videos")
    assert (finding.state, finding.advice) == (NOTE, "Run `make setup`.")


def test_fails_without_any_graph(in_process, tmp_path, capsys):
    assert cli.main(["doctor", "--engines", str(tmp_path)]) == 1
    assert "-> Run `make onnx`." in capsys.readouterr().out


def test_names_a_backend_that_is_not_installed(in_process, engines, monkeypatch):
    def absent(cls, folder):
        raise BackendUnavailable("ONNX Runtime is not installed.")

    monkeypatch.setattr(OnnxRuntimeBackend, "check", classmethod(absent))
    found = {each.topic: each for each in doctor.examine(engines)}
    assert found["onnxrt"].state == NOTE and "not installed" in found["onnxrt"].text
    assert "make setup" in found["onnxrt"].advice


def test_engines_are_for_gpus_only(in_process, engines, monkeypatch):
    def absent():
        raise BackendUnavailable("TensorRT and pycuda are not both installed.")

    monkeypatch.setattr("runtime.machine.survey.import_vendors", absent)
    (found,) = [each for each in doctor.examine(engines) if each.topic == "engines"]
    assert found.state == NOTE and "not both installed" in found.text


def test_speaks_json_to_programs(in_process, engines, capsys):
    assert cli.main(["doctor", "--json", "--engines", str(engines)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {each["state"] for each in found} <= {OK, MISSING, NOTE}
    (classic,) = [each for each in found if each["topic"] == "classic"]
    assert classic["state"] == OK and set(classic) == {"topic", "state", "text", "advice"}


def test_says_how_far_the_engines_are(in_process, tmp_path):
    some = EngineProgress(
        built=5, planned=51, failed=0, seconds_left=3600, activity=Activity.BUILDING
    )
    write_progress(tmp_path, some)
    with building(tmp_path):
        found = {each.topic: each for each in doctor.examine(tmp_path)}
    assert found["building"].text == "5 of 51 engines built, about 60 min left; building"
    assert not found["building"].advice
    found = {each.topic: each for each in doctor.examine(tmp_path)}
    assert found["building"].text.endswith("; stopped")
    assert "systemctl start jetbrush-engines" in found["building"].advice
