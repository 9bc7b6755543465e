"""The Jetson's pins: wheels for its processor and Python, or named as compiled or the image's."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_python

PINS = Path(__file__).resolve().parent.parent / "requirements-jetson.txt"
#: Has no wheels: nvcc compiles it on the Jetson.
COMPILED = ("pycuda==2022.1",)


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_pins_and_what_they_need_have_wheels_for_python_38_on_aarch64(tmp_path):
    """Nothing is installed. pip reads conditions on Python's version for the one that runs it."""
    text = PINS.read_text(encoding="utf-8")
    pins = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert set(COMPILED) <= set(pins) and all("==" in pin for pin in pins)
    wanted = [pin for pin in pins if pin not in COMPILED]
    platform = ("--platform", "manylinux2014_aarch64", "--python-version", "3.8")
    report = tmp_path / "report.json"
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed",
         "--target", str(tmp_path / "nothing"), "--report", str(report),
         "--only-binary=:all:", *platform, *wanted],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode()
    chosen = {
        normal(each["metadata"]["name"]): each["metadata"]["version"]
        for each in json.loads(report.read_text(encoding="utf-8"))["install"]
    }
    asked = {normal(name): version for name, _, version in (pin.partition("==") for pin in wanted)}
    assert asked.items() <= chosen.items()
    # Only the image has these two; a wheel for the Jetson's GPU is in no index.
    assert not {"torch", "tensorrt"} & set(chosen)


def test_what_the_image_brings_is_named_and_not_listed():
    text = PINS.read_text(encoding="utf-8")
    for name in ("TensorRT 8.0.1", "torch 1.13.0", "torchvision 0.14.0"):
        assert name in text
    assert not [line for line in text.splitlines() if line.startswith(("torch", "tensorrt"))]
