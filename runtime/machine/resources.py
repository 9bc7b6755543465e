"""Memory, swap and GPU clock of this machine, what a build of engines needs, and the cures.

The examination before a build and `runtime.machine.jetson` both read them here. The standard
library alone is imported: `scripts/install` asks before anything is installed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from runtime.spec.tegra import l4t_release

#: What a build of an engine needs: free memory, and swap on the disk beside it. A swap file of 4 GB
#: has less than 4096 MiB: `mkswap` keeps a page, and "4 GB" may mean 4 * 10^9 bytes.
MIN_FREE_MIB, MIN_SWAP_MIB = 1500, 3800

#: The part of the memory that loaded graphs may take. A Nano has 3956 MiB, and of those the system,
#: CUDA and Python need 1930; the rest holds the graphs, photos and the bot.
GRAPHS_SHARE = 1 / 3
#: Memory is taken for this where it cannot be read.
USUAL_MIB = 4096

ZRAM_OFF = "sudo systemctl disable --now nvzramconfig"
MAKE_SWAP = (
    "sudo fallocate -l 4G /swapfile && sudo chmod 600 /swapfile",
    "sudo mkswap /swapfile && sudo swapon /swapfile",
)
KEEP_SWAP = "echo '/swapfile none swap sw 0 0' | sudo tee -a /etc/fstab"
DESKTOP_OFF = "sudo systemctl isolate multi-user.target"

SWAP_RECIPE = f"""\
The memory is too small for the builder. Give the machine swap and try again:
    {ZRAM_OFF}
    {MAKE_SWAP[0]}
    {MAKE_SWAP[1]}
    {KEEP_SWAP}
and stop the desktop meanwhile: {DESKTOP_OFF}"""

#: By the author of the Nano's Ubuntu 20.04 image, for its Python 3.8.
_NANO_WHEEL = "tensorrt-8.0.1.6-cp38-none-linux_aarch64.whl"
_NANO_WHEEL_PAGE = "https://github.com/Qengineering/Jetson-Nano-Ubuntu-20-image"

#: What follows `install_tensorrt` in a checkout; the installer does it itself.
THEN_SETUP = " Then run `make setup` with /usr/local/cuda/bin on the PATH, to compile pycuda."

#: The GPU's frequency scaling: 57000000.gpu on a Nano, 17000000.gp10b, .gv11b and .ga10b on later
#: Jetsons, 17000000.gpu on an Orin with JetPack 6, gpu-gpc-0 on a Thor.
_GPU_CLOCKS = ("sys/class/devfreq/*.g[apv]*", "sys/class/devfreq/gpu*")


@dataclass(frozen=True)
class Memory:
    """The machine's memory in MiB: `swap_mib` is on a disk, `zram` is whether there is other swap."""

    total_mib: int
    free_mib: int
    swap_mib: int
    zram: bool

    @property
    def is_short(self) -> bool:
        """Whether a build needs more memory than is free."""
        return self.free_mib < MIN_FREE_MIB

    @property
    def swap_is_short(self) -> bool:
        """Whether a build may fill memory and swap; much free memory replaces the swap."""
        enough = self.free_mib + self.swap_mib >= MIN_FREE_MIB + MIN_SWAP_MIB
        return self.swap_mib < MIN_SWAP_MIB and not enough


@dataclass(frozen=True)
class Clock:
    """Between which frequencies in Hz a clock may be; `highest` is what the chip can do."""

    lowest: int
    highest: int

    @property
    def is_held(self) -> bool:
        """Whether it stays at the highest frequency."""
        return self.lowest >= self.highest


def is_jetson(root: Path = Path("/")) -> bool:
    """Whether this is a Jetson; `root` is the root of the file system, for tests."""
    return (root / "etc/nv_tegra_release").exists()


def install_tensorrt(root: Path = Path("/")) -> str:
    """How a Jetson gets TensorRT for all its users, in one line as an error message is."""
    if l4t_release(root / "etc/nv_tegra_release").startswith("R32"):
        return (
            f"Download {_NANO_WHEEL} from {_NANO_WHEEL_PAGE} and run `sudo python3.8 -m pip install "
            f"{_NANO_WHEEL}`. Apt's TensorRT is for Python 3.6."
        )
    return (
        "Run `sudo apt install nvidia-jetpack`. Its TensorRT is for the system's own Python, so do "
        "not choose another with PYTHON=."
    )


def read_memory(root: Path = Path("/")) -> Optional[Memory]:
    """The memory as /proc describes it; None on a system without it."""
    found = re.findall(r"(\w+):\s+(\d+) kB", read_text(root / "proc/meminfo"))
    if not found:
        return None
    mib = {name: int(kib) // 1024 for name, kib in found}
    rows = [line.split() for line in read_text(root / "proc/swaps").splitlines()[1:]]
    swaps = {row[0]: int(row[2]) // 1024 for row in rows if len(row) > 2}
    return Memory(
        total_mib=mib.get("MemTotal", 0),
        free_mib=mib.get("MemAvailable", 0),
        swap_mib=sum(size for name, size in swaps.items() if "zram" not in name),
        zram=any("zram" in name for name in swaps),
    )


def graphs_budget(root: Path = Path("/")) -> int:
    """Bytes for the graphs that a process keeps loaded between paintings."""
    memory = read_memory(root)
    return int(GRAPHS_SHARE * (memory.total_mib if memory else USUAL_MIB)) << 20


def read_gpu_clock(root: Path = Path("/")) -> Optional[Clock]:
    """The clock of a Jetson's GPU; None if there is none, or it cannot be read."""
    for pattern in _GPU_CLOCKS:
        for folder in sorted(root.glob(pattern)):
            lowest, limit = read_number(folder / "min_freq"), read_number(folder / "max_freq")
            # `max_freq` is the present limit, which a power mode may have lowered.
            steps = re.findall(r"\d+", read_text(folder / "available_frequencies"))
            highest = max(map(int, steps), default=limit)
            if lowest is not None and highest:
                return Clock(lowest, highest)
    return None


def output_of(*command: str) -> str:
    """The output of a tool without input; empty if it is not installed or hangs."""
    if not shutil.which(command[0]):
        return ""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace")


def read_text(path: Path) -> str:
    """The text of a file of the kernel, without white space and NUL at its ends; empty without it."""
    try:
        return path.read_text(errors="replace").strip("\0\n ")
    except OSError:
        return ""


def read_number(path: Path) -> Optional[int]:
    """The integer in a file of the kernel; None without it."""
    text = read_text(path)
    return int(text) if re.fullmatch(r"-?\d+", text) else None
