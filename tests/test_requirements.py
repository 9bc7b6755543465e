"""The Jetsons' pins: wheels for their processor and Python, or named as compiled or the image's."""

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
#: The Jetsons: by Python, the pycuda that nvcc compiles there, if any, and the oldest glibc among them.
JETSONS = {"3.8": ("2022.1", 27), "3.10": ("2025.1.3", 35), "3.12": (None, 39)}


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(python):
    """The version of each package that a Jetson with that Python gets."""
    here = {"python_version": python, "python_full_version": f"{python}.0"}
    text = PINS.read_text(encoding="utf-8")
    lines = [Requirement(line) for line in text.splitlines() if line and line[0] != "#"]
    chosen = [line for line in lines if line.marker is None or line.marker.evaluate(here)]
    names = [normal(line.name) for line in chosen]
    assert len(names) == len(set(names)), "two versions of a package"
    versions = [list(line.specifier) for line in chosen]
    assert all(len(each) == 1 and each[0].operator == "==" for each in versions)
    return {name: version for name, (version,) in zip(names, versions)}


def platforms(glibc):
    """pip's options for an arm64 machine whose glibc is 2.`glibc`."""
    newer = [f"manylinux_2_{minor}_aarch64" for minor in range(glibc, 16, -1)]
    return [option for each in (*newer, "manylinux2014_aarch64") for option in ("--platform", each)]


@pytest.mark.parametrize("python", JETSONS)
def test_every_jetson_s_pins_and_what_they_need_have_wheels(tmp_path, python):
    """Nothing is installed. pip reads conditions on Python's version for the one that runs it."""
    wanted = {name: each.version for name, each in pins(python).items()}
    compiled, glibc = JETSONS[python]
    assert wanted.pop("pycuda", None) == compiled
    report = tmp_path / "report.json"
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed",
         "--target", str(tmp_path / "nothing"), "--report", str(report), "--only-binary=:all:",
         *platforms(glibc), "--python-version", python,
         *(f"{name}=={version}" for name, version in wanted.items())],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode()
    chosen = {
        normal(each["metadata"]["name"]): each["metadata"]["version"]
        for each in json.loads(report.read_text(encoding="utf-8"))["install"]
    }
    assert wanted.items() <= chosen.items()
    # Only the image has these two; a wheel for the Jetson's GPU is in no index.
    assert not {"torch", "tensorrt"} & set(chosen)


@pytest.mark.parametrize("python", ["3.8", "3.10", "3.12"])
def test_jetsons_get_the_packages_that_other_machines_get(python):
    floors = {
        normal(line.name)
        for line in map(Requirement, floor_lines())
        if line.marker is None or line.marker.evaluate({"python_version": python})
    }
    # No wheel of OpenVINO is for a Jetson's GPU.
    reaches_gpu = "pycuda" if JETSONS[python][0] else "cuda-bindings"
    assert set(pins(python)) == floors - {"openvino"} | {reaches_gpu}


def floor_lines():
    text = FLOORS.read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and line[0] not in "#-"]


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
    "av": {"3.9": "15.1", "3.10": "17.1", "3.11": "18.1", "3.13": "18.1"},
    "pi-heif": {"3.10": "1.4", "3.11": "1.4", "3.13": "1.4"},
    "python-dotenv": {"3.9": "1.0", "3.10": "1.2.2", "3.11": "1.2.2", "3.13": "1.2.2"},
    "protobuf": {"3.9": "6.33.5", "3.13": "6.33.5"},
    "tqdm": {"3.9": "4.66.3", "3.13": "4.66.3"},
}


@pytest.mark.parametrize("python", ["3.10", "3.12"])
@pytest.mark.parametrize("package", FIXED)
def test_newer_jetsons_have_no_known_holes(package, python):
    least = {tuple(map(int, each.split("."))): fixed for each, fixed in FIXED[package].items()}
    here = max(each for each in least if each <= tuple(map(int, python.split("."))))
    assert Version(pins(python)[package].version) >= Version(least[here])


@pytest.mark.parametrize("package", FIXED)
def test_floors_have_no_known_holes_where_python_allows(package):
    lines = [Requirement(line) for line in floor_lines()]
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
    versions = {name: each.version for name, each in pins("3.8").items()}
    page = SECURITY.read_text(encoding="utf-8")
    headings = dict(re.findall(r"^## (aiohttp|Pillow|onnx) (\S+)$", page, re.MULTILINE))
    assert headings == {name: versions[name.lower()] for name in ("aiohttp", "Pillow", "onnx")}
    for name in ("python-dotenv", "protobuf", "pydantic-settings"):
        assert versions[name] in page, name
    for row in re.findall(r"^\| (?!Advisory|---)([^|]+)\|", page, re.MULTILINE):
        assert re.match(r"(CVE-\d{4}-\d{4,6}|GHSA(-[2-9a-z]{4}){3}|PYSEC-\d{4}-\d+)\b", row), row
