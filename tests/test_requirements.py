"""The Jetson's pins: each has a wheel for its processor and Python, or is named as compiled."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PINS = Path(__file__).resolve().parent.parent / "requirements-jetson.txt"
#: Has no wheels: nvcc compiles it on the Jetson.
COMPILED = ("pycuda==2022.1",)


def test_every_pin_has_a_wheel_for_python_38_on_aarch64(tmp_path):
    text = PINS.read_text(encoding="utf-8")
    pins = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert set(COMPILED) <= set(pins) and all("==" in pin for pin in pins)
    platform = ("--platform", "manylinux2014_aarch64", "--python-version", "3.8")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(tmp_path),
         "--only-binary=:all:", *platform, *(pin for pin in pins if pin not in COMPILED)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode()
    assert len(list(tmp_path.glob("*.whl"))) == len(pins) - len(COMPILED)


def test_what_the_image_brings_is_named_and_not_listed():
    text = PINS.read_text(encoding="utf-8")
    for name in ("TensorRT 8.0.1", "torch 1.13.0", "torchvision 0.14.0"):
        assert name in text
    assert not [line for line in text.splitlines() if line.startswith(("torch", "tensorrt"))]
