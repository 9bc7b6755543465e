"""A PC's card and driver, and the packages that fit it."""

from __future__ import annotations

import ctypes

import pytest

from runtime.machine import nvidia
from runtime.machine.findings import NOTE, OK

VERSION = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {}  Release Build  (dvs)\n"
    "GCC version:  gcc version 13.2.0 (Ubuntu 13.2.0-23ubuntu4)\n"
)


class Library:
    """libcuda of the driver that runs this CUDA."""

    def __init__(self, cuda, code=0):
        self.cuda, self.code = cuda, code

    def cuDriverGetVersion(self, number):
        number._obj.value = self.cuda
        return self.code


@pytest.fixture
def pc(tmp_path):
    """A PC with a card: `pc(version)` has a driver."""
    card = tmp_path / "sys/bus/pci/devices/0000:01:00.0"
    card.mkdir(parents=True)
    (card / "vendor").write_text("0x10de\n")
    (card / "class").write_text("0x030000\n")

    def make(version=None):
        if version:
            (tmp_path / "proc/driver/nvidia").mkdir(parents=True, exist_ok=True)
            (tmp_path / "proc/driver/nvidia/version").write_text(VERSION.format(version))
        return tmp_path

    return make


@pytest.mark.parametrize(
    ("version", "cuda", "packages"),
    [
        ("580.65.06", 13000, ("tensorrt-cu13>=10.13,<12", "cuda-bindings==13.*")),
        ("550.120", 12040, ("tensorrt-cu12>=10.0,<12", "cuda-bindings==12.*")),
    ],
)
def test_packages_fit_the_driver(pc, version, cuda, packages):
    root, library = pc(version), Library(cuda)
    driver = nvidia.find_driver(root, library)
    assert driver.version == version
    assert nvidia.packages_for(driver) == packages
    assert nvidia.examine_gpu(root, library).state == OK


def test_an_old_driver_is_named_with_the_one_that_is_needed(pc):
    found = nvidia.examine_gpu(pc("470.256.02"), Library(11040))
    assert found.state == NOTE
    assert "driver 470.256.02, CUDA 11.4" in found.text
    assert "driver 535 or newer" in found.advice and "make setup-gpu engines" in found.advice


def test_a_card_without_a_driver_needs_one_and_no_card_needs_nothing(pc, tmp_path, monkeypatch):
    def absent(name):
        raise OSError("no file")

    monkeypatch.setattr(ctypes, "CDLL", absent)
    found = nvidia.examine_gpu(pc())
    assert "not installed" in found.text and "driver 535 or newer" in found.advice
    found = nvidia.examine_gpu(tmp_path / "another")
    assert found.state == NOTE and "paints on its processor" in found.text and not found.advice
    assert nvidia.packages_for(None) == ()
    for root in (pc(), tmp_path / "another"):
        assert not any(word in nvidia.tensorrt_cure(root) for word in ("JetPack", "apt", "Jetson"))
    monkeypatch.setattr(nvidia, "find_driver", lambda root=None: nvidia.Driver("580.1", (13, 0)))
    assert nvidia.tensorrt_cure(pc()) == "Run `make setup-gpu engines`."


def test_a_driver_that_answers_nothing_is_none(pc):
    assert nvidia.find_driver(pc("580.65"), Library(0, code=3)) is None


def test_a_device_file_that_the_service_cannot_make_is_missing(pc):
    root = pc("580.65.06")
    (root / "dev").mkdir()
    (root / "dev/nvidiactl").touch()
    found = nvidia.examine_gpu(root, Library(13000))
    assert found.state == NOTE and "nvidia-modprobe" in found.advice
    (root / "dev/nvidia-uvm").touch()
    assert nvidia.examine_gpu(root, Library(13000)).state == OK


def test_make_gets_the_packages_or_the_reason(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(nvidia, "is_jetson", lambda root=None: False)
    monkeypatch.setattr(nvidia, "find_driver", lambda *_: nvidia.Driver("550.120", (12, 4)))
    assert nvidia.main() == 0
    assert capsys.readouterr().out == "tensorrt-cu12>=10.0,<12 cuda-bindings==12.*\n"
    monkeypatch.setattr(nvidia, "find_driver", lambda *_: nvidia.Driver("525.60.13", (12, 0)))
    assert nvidia.main() == 1
    said = capsys.readouterr()
    assert not said.out and "driver 525.60.13, CUDA 12.0" in said.err and "535" in said.err
    monkeypatch.setattr(nvidia, "is_jetson", lambda root=None: True)
    assert nvidia.main() == 1
    assert "make setup" in capsys.readouterr().err
