from __future__ import annotations

import platform

import pytest

from runtime import cli, doctor, spec
from runtime.backends.onnxrt import OnnxRuntimeBackend
from runtime.errors import BackendUnavailable


@pytest.mark.usefixtures("installed")
def test_says_what_is_there(capsys):
    assert cli.main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("ok") and platform.python_version() in line for line in lines)
    assert any(line.startswith("ok") and "onnxrt" in line and "CPU" in line for line in lines)
    assert any("night-swirls" in line for line in lines)
    classic = next(line for line in lines if " classic " in line)
    assert classic.startswith("ok") and "gatys-classic-average.onnx" in classic


@pytest.mark.usefixtures("installed")
def test_says_what_to_do_about_missing_deep_graphs(capsys):
    cli.main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    at = next(index for index, line in enumerate(lines) if " deep " in line)
    assert lines[at].startswith("missing") and "make weights onnx" in lines[at + 1]


def test_fails_without_any_graph(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(spec, "ENGINES", tmp_path)
    assert cli.main(["doctor"]) == 1
    assert "-> Run `make onnx`." in capsys.readouterr().out


def test_names_a_backend_that_is_not_installed(monkeypatch):
    def absent(cls):
        raise BackendUnavailable("ONNX Runtime is not installed.")

    monkeypatch.setattr(OnnxRuntimeBackend, "check", classmethod(absent))
    found = {each.topic: each for each in doctor.examine()}
    assert found["onnxrt"].state == doctor.NOTE and "not installed" in found["onnxrt"].text
    assert "make setup" in found["onnxrt"].advice


def test_engines_are_for_gpus_only(monkeypatch):
    def absent():
        raise BackendUnavailable("TensorRT and pycuda are not both installed.")

    monkeypatch.setattr("runtime.backends.trt_survey.import_vendors", absent)
    (found,) = [each for each in doctor.examine() if each.topic == "engines"]
    assert found.state == doctor.NOTE and "not both installed" in found.text
