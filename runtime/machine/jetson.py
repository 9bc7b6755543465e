"""What a Jetson needs to paint well, looked up in its files and tools.

`python3 -m runtime.machine.jetson` reports it before anything is installed, with the standard
library alone. `python -m runtime doctor` reports it too.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Optional

from runtime.machine.findings import MISSING, NOTE, OK, Finding, report
from runtime.machine.power import current_mode, fastest_mode
from runtime.machine.resources import (
    MAKE_SWAP,
    MIN_FREE_MIB,
    THEN_SETUP,
    ZRAM_OFF,
    Clock,
    install_tensorrt,
    is_jetson,
    output_of,
    read_gpu_clock,
    read_memory,
    read_number,
    read_text,
)
from runtime.spec.tegra import l4t_release

#: The JetPack of each L4T release (developer.nvidia.com/embedded/jetpack-archive).
_JETPACKS: Mapping[str, str] = {
    "R32.4.3": "4.4",
    "R32.4.4": "4.4.1",
    "R32.5.0": "4.5",
    "R32.5.1": "4.5.1",
    "R32.5.2": "4.5.1",
    "R32.6.1": "4.6",
    "R32.7.1": "4.6.1",
    "R32.7.2": "4.6.2",
    "R32.7.3": "4.6.3",
    "R32.7.4": "4.6.4",
    "R32.7.5": "4.6.5",
    "R32.7.6": "4.6.6",
    "R35.1.0": "5.0.2",
    "R35.2.1": "5.1",
    "R35.3.1": "5.1.1",
    "R35.4.1": "5.1.2",
    "R35.5.0": "5.1.3",
    "R35.6.0": "5.1.4",
    "R36.3.0": "6.0",
    "R36.4.0": "6.1",
    "R36.4.3": "6.2",
    "R36.4.4": "6.2.1",
    "R38.2.0": "7.0",
    "R38.2.1": "7.0",
    "R38.4.0": "7.1",
}
#: The JetPack of releases that are newer than this table.
_NEWER_JETPACKS: Mapping[str, str] = {"R32": "4", "R35": "5", "R36": "6", "R38": "7"}
#: The oldest release whose TensorRT (8.0) can build the engines.
_OLDEST = (32, 6)

#: The temperature from about which on a Jetson lowers its clocks.
_HOT = 80.0

_LIBGOMP = "usr/lib/aarch64-linux-gnu/libgomp.so.1"
#: The GPU's device files: the first two up to JetPack 5, `nvgpu` from JetPack 6 on, all with `nvmap`.
_NODES = ("nvhost-ctrl-gpu", "nvhost-gpu", "nvgpu/igpu0/ctrl", "nvmap")
#: The topics that `scripts/install` offers to fix.
FIXABLE = ("swap", "zram", "desktop")


def examine_jetson(root: Path = Path("/")) -> Iterator[Finding]:
    """Examine model, release, power, heat, memory, TensorRT and permissions of a Jetson.

    There are no findings on other machines. `root` is the root of the file system, for tests.
    """
    if not is_jetson(root):
        return
    yield Finding("model", OK, read_text(root / "proc/device-tree/model") or "a Jetson, unnamed")
    yield _release(root)
    yield _power_mode(root)
    yield from _clocks(root)
    yield from _temperature(root)
    yield from _memory(root)
    yield _desktop()
    yield _tensorrt(root)
    yield cuda_compiler(root)
    yield _preload(root)
    yield _nodes(root)


def main(arguments: Optional[List[str]] = None) -> int:
    """Print the findings, or with `--fixable` the topics that the installer can fix."""
    parser = argparse.ArgumentParser(prog="python3 -m runtime.machine.jetson", description=__doc__)
    parser.add_argument(
        "--fixable", action="store_true", help="print only the topics that the installer can fix"
    )
    fixable = parser.parse_args(arguments).fixable
    findings = list(examine_jetson())
    if fixable:
        print(" ".join(e.topic for e in findings if e.topic in FIXABLE and e.state != OK))
    elif findings:
        print(report(findings))
    return 0


def _release(root: Path) -> Finding:
    release = l4t_release(root / "etc/nv_tegra_release")
    full = release if release.count(".") > 1 else f"{release}.0"
    jetpack = _JETPACKS.get(full) or _NEWER_JETPACKS.get(full.partition(".")[0], "unknown")
    text = f"L4T {release}, JetPack {jetpack}"
    numbers = re.findall(r"\d+", release)
    if len(numbers) > 1 and (int(numbers[0]), int(numbers[1])) < _OLDEST:
        return Finding(
            "release", MISSING, text, "Its TensorRT is too old: flash JetPack 4.6 or newer."
        )
    return Finding("release", OK, text)


def _power_mode(root: Path) -> Finding:
    current, fastest = current_mode(), fastest_mode(root)
    text = str(current) if current else "nvpmodel reports no mode"
    if fastest is None:
        return Finding("power", NOTE, text, "/etc/nvpmodel.conf names no mode: is it there?")
    if current and current.number == fastest.number:
        return Finding("power", OK, text)
    advice = f"Run `sudo nvpmodel -m {fastest.number}` ({fastest.name}); jetbrush-clocks does so."
    return Finding("power", NOTE, text, advice)


def _clocks(root: Path) -> Iterator[Finding]:
    cpu = root / "sys/devices/system/cpu/cpu0/cpufreq"
    lowest, highest = read_number(cpu / "scaling_min_freq"), read_number(cpu / "cpuinfo_max_freq")
    if lowest is not None and highest:
        # The processor's files are in kHz, the GPU's in Hz.
        yield _clock("cpu clock", Clock(lowest * 1000, highest * 1000))
    gpu = read_gpu_clock(root)
    if gpu is not None:
        yield _clock("gpu clock", gpu)


def _clock(topic: str, clock: Clock) -> Finding:
    if clock.is_held:
        return Finding(topic, OK, f"held at {clock.highest / 1e6:.0f} MHz")
    text = f"between {clock.lowest / 1e6:.0f} and {clock.highest / 1e6:.0f} MHz"
    advice = "Run `sudo jetson_clocks`, or `sudo systemctl start jetbrush-clocks`."
    return Finding(topic, NOTE, text, advice)


def temperatures(root: Path = Path("/")) -> Dict[str, float]:
    """What the system measures, in degrees Celsius by the name of the place."""
    degrees: Dict[str, float] = {}
    for zone in sorted(root.glob("sys/class/thermal/thermal_zone*")):
        name, milli = read_text(zone / "type"), read_number(zone / "temp")
        # The Nano's PMIC always reports 100 degrees.
        if name and milli is not None and "PMIC" not in name:
            degrees[name] = milli / 1000
    return degrees


def _temperature(root: Path) -> Iterator[Finding]:
    degrees = temperatures(root)
    if not degrees:
        return
    text = ", ".join(f"{name} {value:.0f} °C" for name, value in degrees.items())
    if max(degrees.values()) < _HOT:
        yield Finding("heat", OK, text)
    else:
        yield Finding("heat", NOTE, text, "It lowers its clocks when it is hot: add a fan.")


def _memory(root: Path) -> Iterator[Finding]:
    memory = read_memory(root)
    if memory is None:
        return
    text = f"{memory.free_mib} MiB free of {memory.total_mib}"
    if memory.is_short:
        advice = f"Building engines needs {MIN_FREE_MIB}: stop the desktop and the bot meanwhile."
        yield Finding("memory", NOTE, text, advice)
    else:
        yield Finding("memory", OK, text)
    text = f"{memory.swap_mib} MiB on the disk"
    if memory.swap_is_short:
        advice = f"Without 4 GB the kernel may kill the build: {' && '.join(MAKE_SWAP)}"
        yield Finding("swap", NOTE, text, advice)
    else:
        yield Finding("swap", OK, text)
    if memory.zram:
        text = "the swap is compressed memory, which painting needs itself"
        yield Finding("zram", NOTE, text, f"Run `{ZRAM_OFF}`.")


def _desktop() -> Finding:
    target = output_of("systemctl", "get-default").strip()
    if target != "graphical.target":
        return Finding("desktop", OK, f"boots to {target or 'an unknown target'}")
    advice = "Run `sudo systemctl set-default multi-user.target` and restart."
    return Finding("desktop", NOTE, "it uses 250 to 800 MB of the memory", advice)


def _tensorrt(root: Path) -> Finding:
    try:
        version = importlib.metadata.version("tensorrt")
    except importlib.metadata.PackageNotFoundError:
        version = "" if importlib.util.find_spec("tensorrt") is None else "of unknown version"
    if version:
        return Finding("bindings", OK, f"TensorRT {version} for this Python")
    text = f"Python {sys.version_info[0]}.{sys.version_info[1]} finds no TensorRT"
    return Finding("bindings", MISSING, text, install_tensorrt(root) + THEN_SETUP)


def cuda_compiler(root: Path) -> Finding:
    """Whether pycuda can be compiled, where it is needed; `root` is the file system's."""
    if sys.version_info >= (3, 12):
        return Finding("nvcc", OK, "not needed: cuda-python comes as a wheel")
    nvcc = root / "usr/local/cuda/bin/nvcc"
    if nvcc.exists() or shutil.which("nvcc"):
        return Finding("nvcc", OK, "compiles pycuda")
    advice = "Run `sudo apt install nvidia-jetpack`, or the cuda-toolkit of your release."
    return Finding("nvcc", MISSING, "no CUDA compiler for pycuda in /usr/local/cuda/bin", advice)


def _preload(root: Path) -> Finding:
    library = root / _LIBGOMP
    if not library.exists() or "libgomp" in os.environ.get("LD_PRELOAD", ""):
        return Finding("preload", OK, "libgomp is loaded first, or not installed")
    text = "TensorRT may fail with `cannot allocate memory in static TLS block`"
    return Finding("preload", NOTE, text, f"Start with LD_PRELOAD=/{_LIBGOMP}; the service does.")


def _nodes(root: Path) -> Finding:
    dev = root / "dev"
    there = [name for name in _NODES if (dev / name).exists()]
    closed = [f"/dev/{name}" for name in there if not os.access(dev / name, os.R_OK | os.W_OK)]
    if closed:
        advice = "Run `sudo usermod -aG video $USER` and log in again."
        return Finding("gpu nodes", MISSING, f"no permission for {', '.join(closed)}", advice)
    if not there:
        advice = "In a container, pass the GPU in; otherwise its driver is not loaded: see dmesg."
        return Finding("gpu nodes", NOTE, "none of the usual ones is in /dev", advice)
    return Finding("gpu nodes", OK, ", ".join(f"/dev/{name}" for name in there))


if __name__ == "__main__":
    sys.exit(main())
