"""Probes of vendors' libraries: each is a process, and a library that crashes is a finding."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.machine import probes
from runtime.machine.findings import MISSING, NOTE, OK


@pytest.mark.parametrize(
    ("library", "said"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crashes: SIGSEGV"),
        ("import os; os.abort()", "crashes: SIGABRT"),
        ("raise SystemExit('no licence')", "exit code 1 (no licence)"),
    ],
)
def test_a_library_that_crashes_is_a_finding(tmp_path, monkeypatch, library, said):
    (tmp_path / "onnxruntime.py").write_text(library)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (found,) = probes.probe("onnxrt", tmp_path)
    assert (found.topic, found.state) == ("onnxrt", MISSING)
    assert said in found.text and "make setup" in found.advice


def test_what_a_library_prints_does_no_harm(tmp_path, monkeypatch):
    (tmp_path / "onnxruntime.py").write_text(
        "import atexit; print('Welcome!'); atexit.register(print, 'Goodbye!')"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (found,) = probes.probe("onnxrt", tmp_path)
    assert found.state == OK


def test_a_library_that_hangs_is_a_finding(tmp_path, monkeypatch):
    (tmp_path / "onnxruntime.py").write_text("import signal; signal.pause()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(probes, "_PATIENCE_S", 0.5)
    (found,) = probes.probe("onnxrt", tmp_path)
    assert found.state == MISSING and "hangs" in found.text


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
    (found,) = probes.PROBES[probes.TENSORRT](Path())
    assert found.state == state and text in found.text and bindings in found.text
