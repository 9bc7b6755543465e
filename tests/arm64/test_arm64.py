"""A newcomer's first steps on an arm64 machine, for real or under qemu, with each CPU backend."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from tests.support.arm64 import ROOT, System, what_is_missing

PYTHON = ".venv/bin/python"
STYLE = "stained-glass"
#: What computes with NumPy and SciPy alone.
NUMERIC = ("tests/runtime/test_lbfgs.py", "tests/runtime/imaging/test_frame.py")


@pytest.fixture(scope="module")
def system():
    reason = what_is_missing()
    if reason:
        pytest.skip(reason)
    system = System()
    system.run("make", "setup")
    system.run("make", "onnx")
    return system


def test_it_is_another_processor(system):
    said = system.run(PYTHON, "-c", "import platform; print(platform.machine())")
    assert said.strip() == "aarch64"


def test_doctor_finds_both_backends(system):
    """Some versions of ONNX Runtime end Python when they are imported here."""
    # The libraries warn about a processor that they do not know.
    said = system.run("sh", "-c", f"{PYTHON} -m runtime doctor --json 2>/dev/null")
    found = json.loads(said[said.index("[") :])
    states = {each["topic"]: each["state"] for each in found}
    assert states["openvino"] == states["onnxrt"] == states["classic"] == "ok"


@pytest.mark.parametrize("backend", ["onnxrt", "openvino"])
def test_a_small_picture_is_painted(system, backend):
    with Image.open(ROOT / "docs/pictures/cat.jpg") as photo:
        photo.resize((64, 48)).save(system.checkout / "photo.png")
    size = ("--size", "64", "--fine", "64", "--steps", "2", "--objective", "classic")
    system.run(
        *(PYTHON, "-m", "runtime", "stylize", "photo.png", STYLE, "-o", "out.png"),
        *("--backend", backend, *size),
    )
    with Image.open(system.checkout / "out.png") as painted:
        assert painted.size == (64, 48) and len(set(painted.convert("L").tobytes())) > 32


def test_numeric_tests_pass(system):
    system.run(PYTHON, "-m", "pip", "install", "--quiet", "pytest", "pytest-asyncio")
    assert " passed" in system.run(PYTHON, "-m", "pytest", "-q", *NUMERIC)
