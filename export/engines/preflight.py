"""What on this machine would make a build fail or take long, and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional

from runtime.machine.power import fastest_mode
from runtime.machine.resources import (
    DESKTOP_OFF,
    MIN_FREE_MIB,
    MIN_SWAP_MIB,
    ZRAM_OFF,
    Clock,
    Memory,
    is_jetson,
    read_gpu_clock,
    read_memory,
)


def warnings(root: Path = Path("/")) -> List[str]:
    """A sentence for each thing that the owner should change first; `root` is for tests."""
    found = _memory(read_memory(root))
    if is_jetson(root):
        found += _clock(read_gpu_clock(root), root)
    return found


def _memory(memory: Optional[Memory]) -> List[str]:
    if memory is None:
        return []
    found = []
    if memory.is_short:
        found.append(
            f"Only {memory.free_mib} MiB of memory are free, expected {MIN_FREE_MIB}: stop the bot "
            f"and the desktop while engines are built ({DESKTOP_OFF})."
        )
    if memory.zram:
        found.append(
            "The swap lies in compressed memory (zram), which the builder needs itself: "
            f"{ZRAM_OFF}, and use a swap file of 4 GB."
        )
    elif memory.swap_is_short:
        found.append(
            f"Memory and swap together have {memory.free_mib + memory.swap_mib} MiB free, expected "
            f"{MIN_FREE_MIB + MIN_SWAP_MIB}: add a swap file of 4 GB, or the kernel may end the "
            "build."
        )
    return found


def _clock(clock: Optional[Clock], root: Path) -> List[str]:
    if clock is None or clock.is_held:
        return []
    fastest = fastest_mode(root)
    power = f"sudo nvpmodel -m {fastest.number} && " if fastest else ""
    warning = (
        f"The GPU may slow down to {clock.lowest // 10**6} MHz of {clock.highest // 10**6} MHz: "
        "the build takes longer, and TensorRT's measurements are wrong. "
        f"Run {power}sudo jetson_clocks."
    )
    return [warning]
