"""A Jetson's files and tools, written down as the Nano's documentation shows them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.machine import jetson
from runtime.machine.findings import MISSING, NOTE, OK

ROOT = Path(__file__).resolve().parent.parent.parent.parent

FILES = {
    "etc/nv_tegra_release": "# R32 (release), REVISION: 6.1, GCID: 27863751, BOARD: t210ref,",
    "proc/device-tree/model": "NVIDIA Jetson Nano Developer Kit\0",
    "proc/meminfo": "MemTotal: 4058472 kB\nMemFree: 200000 kB\nMemAvailable: 2900000 kB\n",
    "proc/swaps": "Filename Type Size Used Priority\n/swapfile file 4194300 0 -2\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_min_freq": "1479000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "1479000\n",
    "sys/class/devfreq/57000000.gpu/min_freq": "921600000\n",
    "sys/class/devfreq/57000000.gpu/max_freq": "921600000\n",
    "sys/class/thermal/thermal_zone0/type": "CPU-therm\n",
    "sys/class/thermal/thermal_zone0/temp": "42500\n",
    "sys/class/thermal/thermal_zone1/type": "PMIC-Die\n",
    "sys/class/thermal/thermal_zone1/temp": "100000\n",
    "usr/local/cuda/bin/nvcc": "",
    "dev/nvhost-ctrl-gpu": "",
    "dev/nvmap": "",
    "etc/nvpmodel.conf": "< POWER_MODEL ID=0 NAME=MAXN >\n< POWER_MODEL ID=1 NAME=5W >\n",
}


@pytest.fixture()
def nano(tmp_path, monkeypatch):
    """A Nano in good order, and `change` to spoil it."""
    root, tools = tmp_path / "root", tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setattr(jetson.importlib.metadata, "version", lambda name: "8.0.1.6")

    class Nano:
        def change(self, name, text):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            return path

        def tool(self, name, says):
            path = tools / name
            path.write_text(f"#!/bin/sh\nprintf '{says}'\n")
            path.chmod(0o755)

        @property
        def found(self):
            return {each.topic: each for each in jetson.examine_jetson(root)}

    nano = Nano()
    for name, text in FILES.items():
        nano.change(name, text)
    nano.tool("nvpmodel", "NV Power Mode: MAXN\\n0\\n")
    nano.tool("systemctl", "multi-user.target\\n")
    return nano


def test_nothing_is_said_of_other_machines(tmp_path):
    assert list(jetson.examine_jetson(tmp_path)) == []


def test_nano_in_good_order(nano):
    found = nano.found
    assert all(each.state == OK and not each.advice for each in found.values()), found
    assert found["model"].text == "NVIDIA Jetson Nano Developer Kit"
    assert found["release"].text == "L4T R32.6.1, JetPack 4.6"
    assert found["power"].text == "mode 0, MAXN"
    assert "921 MHz" in found["gpu clock"].text or "922 MHz" in found["gpu clock"].text
    assert found["heat"].text == "CPU-therm 42 °C"
    assert "8.0.1.6" in found["bindings"].text


@pytest.mark.parametrize(
    ("release", "jetpack"),
    [
        ("R36 (release), REVISION: 4.4", "6.2.1"),
        ("R36 (release), REVISION: 9.9", "6"),
        ("R38 (release), REVISION: 2.0", "7.0"),
        ("R38 (release), REVISION: 9.0", "7"),
        ("R99 (release), REVISION: 1.0", "unknown"),
    ],
)
def test_newer_releases_have_their_jetpack(nano, release, jetpack):
    nano.change("etc/nv_tegra_release", f"# {release}, GCID: 1")
    assert nano.found["release"].text.endswith(f", JetPack {jetpack}")


@pytest.mark.parametrize(
    ("topic", "name", "text", "state", "advice"),
    [
        ("release", "etc/nv_tegra_release", "# R32 (release), REVISION: 4.4", MISSING, "4.6"),
        ("swap", "proc/swaps", "Filename\n", NOTE, "fallocate -l 4G"),
        ("swap", "proc/swaps", "F\n/dev/zram0 partition 9194300 0 5\n", NOTE, "4 GB"),
        ("zram", "proc/swaps", "F\n/dev/zram0 partition 507000 0 5\n", NOTE, "nvzramconfig"),
        ("memory", "proc/meminfo", "MemAvailable: 900000 kB\n", NOTE, "desktop"),
        ("gpu clock", "sys/class/devfreq/57000000.gpu/min_freq", "76800000", NOTE, "jetson_clocks"),
        ("heat", "sys/class/thermal/thermal_zone0/temp", "91000", NOTE, "fan"),
        ("power", "etc/nvpmodel.conf", "< POWER_MODEL ID=2 NAME=MAXN >", NOTE, "-m 2` (MAXN)"),
        ("preload", "usr/lib/aarch64-linux-gnu/libgomp.so.1", "", NOTE, "LD_PRELOAD"),
    ],
)
def test_what_is_wrong_is_told_with_what_helps(nano, topic, name, text, state, advice):
    nano.change(name, text)
    assert nano.found[topic].state == state and advice in nano.found[topic].advice


def test_tools_are_asked(nano):
    nano.tool("nvpmodel", "NV Power Mode: 5W\\n1\\n")
    nano.tool("systemctl", "graphical.target\\n")
    assert nano.found["power"].text == "mode 1, 5W" and "-m 0" in nano.found["power"].advice
    assert nano.found["desktop"].state == NOTE


def test_nodes_are_named_by_their_whole_paths(nano):
    nano.change("dev/nvgpu/igpu0/ctrl", "")
    assert "/dev/nvgpu/igpu0/ctrl" in nano.found["gpu nodes"].text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_nodes_without_permission(nano):
    nano.change("dev/nvmap", "").chmod(0)
    assert nano.found["gpu nodes"].state == MISSING and "video" in nano.found["gpu nodes"].advice


def test_python_without_tensorrt(nano, monkeypatch):
    def absent(name):
        raise jetson.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(jetson.importlib.metadata, "version", absent)
    monkeypatch.setattr(jetson.importlib.util, "find_spec", lambda name: None)
    bindings = nano.found["bindings"]
    assert bindings.state == MISSING
    # `make setup` alone installs no TensorRT.
    assert bindings.advice.startswith("Download tensorrt-8.0.1.6-cp38")
    assert bindings.advice.endswith("to compile pycuda.") and "make setup" in bindings.advice


def test_command_needs_nothing_but_python():
    code = "import sys; sys.path.insert(0, '.'); import runtime.machine.jetson as j; sys.exit(j.main([]))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=str(ROOT), check=False)
    assert done.returncode == 0
