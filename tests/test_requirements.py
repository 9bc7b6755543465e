"""The Jetson's pins: wheels for its processor and Python, or named as compiled or the image's."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

pytestmark = pytest.mark.any_python

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "requirements-jetson.txt"
FLOORS = ROOT / "requirements.txt"
SECURITY = ROOT / "docs" / "security.md"
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


#: By package and Python: the oldest version in which the advisories of docs/security.md are fixed, or
#: the newest that runs on that Python.
FIXED = {
    "aiohttp": {"3.9": "3.13.5", "3.10": "3.14.4", "3.11": "3.14.4", "3.13": "3.14.4"},
    "pillow": {"3.9": "11.3", "3.10": "12.3", "3.11": "13.0", "3.13": "13.0"},
    "onnx": {"3.9": "1.19", "3.10": "1.23", "3.11": "1.23", "3.13": "1.23"},
    "pi-heif": {"3.10": "1.4", "3.11": "1.4", "3.13": "1.4"},
    "python-dotenv": {"3.9": "1.0", "3.10": "1.2.2", "3.11": "1.2.2", "3.13": "1.2.2"},
    "protobuf": {"3.9": "6.33.5", "3.13": "6.33.5"},
    "tqdm": {"3.9": "4.66.3", "3.13": "4.66.3"},
}


@pytest.mark.parametrize("package", FIXED)
def test_floors_have_no_known_holes_where_python_allows(package):
    text = FLOORS.read_text(encoding="utf-8")
    lines = [Requirement(line) for line in text.splitlines() if line and line[0] not in "#-"]
    for python, least in FIXED[package].items():
        here = {"python_version": python, "python_full_version": python + ".0"}
        (found,) = [
            each
            for each in lines
            if normal(each.name) == package and (each.marker is None or each.marker.evaluate(here))
        ]
        assert Version(least) in found.specifier, python
        older = Version(f"{Version(least).major}.0")
        assert older == Version(least) or older not in found.specifier, python


def test_the_page_about_security_is_about_the_pins():
    pins = dict(re.findall(r"^([A-Za-z_-]+)==(\S+)$", PINS.read_text("utf-8"), re.MULTILINE))
    page = SECURITY.read_text(encoding="utf-8")
    headings = dict(re.findall(r"^## (aiohttp|Pillow|onnx) (\S+)$", page, re.MULTILINE))
    assert headings == {name: pins[name] for name in ("aiohttp", "Pillow", "onnx")}
    for name in ("python-dotenv", "protobuf", "pydantic-settings"):
        assert pins[name] in page, name
    for row in re.findall(r"^\| (?!Advisory|---)([^|]+)\|", page, re.MULTILINE):
        assert re.match(r"(CVE-\d{4}-\d{4,6}|GHSA(-[2-9a-z]{4}){3}|PYSEC-\d{4}-\d+)\b", row), row
