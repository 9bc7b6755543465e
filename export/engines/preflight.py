"""What on this machine would make a build fail or crawl, and what to do about it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List

SWAP_RECIPE = """\
The memory is too small for the builder. Give the machine swap and try again:
    sudo systemctl disable --now nvzramconfig
    sudo fallocate -l 4G /swapfile && sudo chmod 600 /swapfile
    sudo mkswap /swapfile && sudo swapon /swapfile
    echo '/swapfile none swap sw 0 0' | sudo tee -a /etc/fstab
and stop the desktop meanwhile: sudo systemctl isolate multi-user.target"""

#: The cure for a Python without TensorRT or pycuda; in one line, as an error message is.
INSTALL_TENSORRT = (
    "On a Jetson run `make setup` with /usr/local/cuda/bin on the PATH: it makes .venv with "
    "--system-site-packages, so that it sees JetPack's TensorRT, and compiles pycuda. JetPack's "
    "TensorRT is for the system's own Python (python3-libnvinfer); Python 3.8 on a Nano takes "
    "tensorrt-8.0.1.6-cp38-none-linux_aarch64.whl of the Ubuntu 20.04 image. On a PC with an "
    "NVIDIA GPU: `.venv/bin/pip install tensorrt pycuda`."
)

#: What the builder wants of memory, and of memory and swap together, before it begins.
LEAST_FREE_MIB, LEAST_WITH_SWAP_MIB = 1500, 4000

_GPU_CLOCKS = "sys/devices/*/devfreq/*gpu*"


def warnings(root: Path = Path("/")) -> List[str]:
    """A sentence for each thing that the owner should change first; `root` is for tests."""
    found = _memory(root)
    if (root / "etc/nv_tegra_release").exists():
        found += _clocks(root)
    return found


def _memory(root: Path) -> List[str]:
    path = root / "proc/meminfo"
    if not path.exists():
        return []
    mib = _meminfo(path.read_text())
    free, swap = mib.get("MemAvailable", 0), mib.get("SwapFree", 0)
    found = []
    if free < LEAST_FREE_MIB:
        found.append(
            f"Only {free} MiB of memory are free, expected {LEAST_FREE_MIB}: stop the bot and the "
            "desktop while engines are built (sudo systemctl isolate multi-user.target)."
        )
    if free + swap < LEAST_WITH_SWAP_MIB:
        found.append(
            f"Memory and swap together have {free + swap} MiB free, expected "
            f"{LEAST_WITH_SWAP_MIB}: add a swap file of 4 GB, or the kernel may end the build."
        )
    swaps = root / "proc/swaps"
    if swaps.exists() and "/zram" in swaps.read_text():
        found.append(
            "The swap lies in compressed memory (zram), which the builder needs itself: "
            "sudo systemctl disable --now nvzramconfig, and use a swap file."
        )
    return found


def _clocks(root: Path) -> List[str]:
    for folder in sorted(root.glob(_GPU_CLOCKS)):
        lowest, highest = folder / "min_freq", folder / "available_frequencies"
        if not (lowest.exists() and highest.exists()):
            continue
        now, most = int(lowest.read_text()), max(map(int, highest.read_text().split()))
        if now < most:
            said = f"The GPU may slow down to {now // 10**6} MHz of {most // 10**6} MHz: "
            said += "the build takes longer, and its timings mislead it. "
            return [said + "Run sudo nvpmodel -m 0 && sudo jetson_clocks."]
    return []


def _meminfo(text: str) -> Dict[str, int]:
    return {name: int(kib) // 1024 for name, kib in re.findall(r"(\w+):\s+(\d+) kB", text)}
