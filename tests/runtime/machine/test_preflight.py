"""What stops an installation before it begins, on a Nano written down as files and tools."""

from __future__ import annotations

import shutil
import sys
from types import SimpleNamespace

import pytest

from runtime.machine import preflight
from runtime.machine.findings import MISSING, NOTE, OK
from runtime.machine.preflight import Place, examine, main

SECTORS_OF_GB = 10**9 // 512


class Nano:
    """A Nano with nothing missing; its methods spoil it."""

    def __init__(self, folder, monkeypatch):
        self.root, self.tools, self._patch = folder / "root", folder / "tools", monkeypatch
        self.tools.mkdir()
        monkeypatch.setenv("PATH", f"{self.tools}:/usr/bin:/bin")
        monkeypatch.delenv("SUDO_USER", raising=False)
        self.module = folder / "dist-packages" / "tensorrt" / "__init__.py"
        self.module.parent.mkdir(parents=True)
        self.module.touch()
        self.write("etc/nv_tegra_release", "# R32 (release), REVISION: 6.1, GCID: 1")
        self.write("proc/meminfo", "MemTotal: 4058472 kB\nMemAvailable: 2900000 kB\n")
        self.write("proc/swaps", "Filename Type Size Used Priority\n")
        self.write("usr/local/cuda/bin/nvcc", "")
        self.card(gigabytes=64, partition=63)
        self.free(20_000)
        self.tool("findmnt", "/dev/mmcblk0p1")
        self.tool("systemctl", "inactive")
        self.tool("g++", "")
        self.finds(self.module)
        # In a temporary folder, which others may not read.
        monkeypatch.setattr(preflight, "_closed_to_others", lambda file: None)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def tool(self, name, says):
        (self.tools / name).write_text(f"#!/bin/sh\necho {says}\n")
        (self.tools / name).chmod(0o755)

    def card(self, gigabytes, partition, start=28672):
        """A card, its partition of / and a small one before or behind it."""
        blocks = "sys/class/block"
        self.write(f"{blocks}/mmcblk0/size", str(gigabytes * SECTORS_OF_GB))
        self.write(f"{blocks}/mmcblk0p1/size", str(partition * SECTORS_OF_GB))
        self.write(f"{blocks}/mmcblk0p1/start", str(start))
        self.write(f"{blocks}/mmcblk0p2/size", "256")
        self.write(f"{blocks}/mmcblk0p2/start", "2048")

    def free(self, megabytes):
        usage = SimpleNamespace(free=megabytes * 10**6)
        self._patch.setattr(shutil, "disk_usage", lambda path: usage)

    def finds(self, file):
        self._patch.setattr(preflight, "_origin", lambda *options: file)

    @property
    def found(self):
        place = Place(app=self.root / "opt" / "jetbrush", root=self.root)
        return {each.topic: each for each in examine(place)}


@pytest.fixture()
def nano(tmp_path, monkeypatch):
    return Nano(tmp_path, monkeypatch)


def test_a_nano_in_good_order_is_accepted(nano):
    # This machine may lack the headers.
    assert all(each.state == OK for each in nano.found.values() if each.topic != "headers")


def test_the_image_s_partition_is_enlarged_where_it_runs(nano):
    nano.card(gigabytes=64, partition=30)
    card = nano.found["card"]
    assert card.state == MISSING
    assert card.text == "/dev/mmcblk0p1 has 30 GB of the 64 GB of /dev/mmcblk0"
    assert "sudo growpart /dev/mmcblk0 1 && sudo resize2fs /dev/mmcblk0p1" in card.advice


def test_a_partition_before_another_one_needs_another_computer(nano):
    nano.card(gigabytes=64, partition=30, start=40)
    assert "GParted on another computer" in nano.found["card"].advice


@pytest.mark.parametrize(("swaps", "needed"), [("", 7300), ("/swapfile file 4194300 0 -2\n", 3000)])
def test_the_disk_must_hold_the_engines_and_a_swap_file_that_is_missing(nano, swaps, needed):
    nano.write("proc/swaps", f"Filename Type Size Used Priority\n{swaps}")
    nano.free(needed)
    assert nano.found["disk"].state == OK
    nano.free(needed - 1)
    disk = nano.found["disk"]
    assert disk.state == MISSING and f"{needed} needed" in disk.text
    assert ("swap" in disk.text) == (not swaps) and "engines 1800" in disk.text


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="pycuda is compiled below Python 3.12")
def test_pycuda_needs_a_compiler_and_python_s_headers(nano, monkeypatch):
    (nano.tools / "g++").unlink()
    monkeypatch.setenv("PATH", str(nano.tools))
    monkeypatch.setattr(preflight.sysconfig, "get_paths", lambda: {"include": "/nowhere"})
    found = nano.found
    assert found["g++"].state == found["headers"].state == MISSING
    assert found["g++"].advice == "Run `sudo apt install g++`."
    assert f"python{sys.version_info[0]}.{sys.version_info[1]}-dev" in found["headers"].advice


def test_tensorrt_for_another_python_is_not_enough(nano, monkeypatch):
    nano.finds(None)
    monkeypatch.setattr(preflight.sys, "version_info", (3, 8, 10))
    tensorrt = nano.found["tensorrt"]
    assert tensorrt.state == MISSING and tensorrt.text == "Python 3.8 finds no TensorRT"
    assert "Apt's TensorRT is for Python 3.6" in tensorrt.advice
    assert "tensorrt-8.0.1.6-cp38-none-linux_aarch64.whl" in tensorrt.advice
    # On an Orin, JetPack's own is for the system's Python.
    monkeypatch.setattr(preflight.sys, "version_info", (3, 10, 12))
    nano.write("etc/nv_tegra_release", "# R36 (release), REVISION: 4.3, GCID: 1")
    assert "sudo apt install nvidia-jetpack" in nano.found["tensorrt"].advice


def test_tensorrt_of_one_user_is_not_visible_to_the_service(nano, monkeypatch, tmp_path):
    nano.finds(None)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    (tmp_path / ".local/lib" / version / "site-packages" / "tensorrt").mkdir(parents=True)
    monkeypatch.setattr(preflight.Path, "expanduser", lambda path: tmp_path)
    tensorrt = nano.found["tensorrt"]
    assert tensorrt.state == MISSING and "for one user only" in tensorrt.text
    assert "`sudo python3.8 -m pip install" in tensorrt.advice


def test_the_first_folder_that_others_may_not_read_is_found(tmp_path):
    file = tmp_path / "module"
    file.touch()
    tmp_path.chmod(0o700)
    closed = preflight._closed_to_others(file)
    # pytest's own folders may be closed too.
    assert closed is not None and closed in file.parents


def test_a_running_desktop_is_named_but_does_not_stop_the_installation(nano):
    nano.tool("systemctl", "active")
    assert nano.found["desktop"].state == NOTE


def test_the_exit_code_says_whether_something_is_missing(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(preflight, "is_jetson", lambda root: False)
    usage = SimpleNamespace(free=10**12)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert main([str(tmp_path)]) == 0
    usage.free = 0
    assert main([str(tmp_path)]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("Nothing was changed.") and "sudo apt clean" in last
