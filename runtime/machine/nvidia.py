"""The NVIDIA card of a PC, its driver, and the packages that build and run engines with it.

`python -m runtime.machine.nvidia` prints the packages that fit the driver, for `make setup-gpu`. The
standard library alone is needed.
"""

from __future__ import annotations

import ctypes
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Tuple

from runtime.machine.findings import NOTE, OK, Finding
from runtime.machine.resources import THEN_SETUP, install_tensorrt, is_jetson, read_text

_NVIDIA, _DISPLAY = "0x10de", "0x03"


@dataclass(frozen=True)
class Driver:
    """NVIDIA's driver: its version, empty if unknown, and the newest CUDA that it runs."""

    version: str
    cuda: Tuple[int, int]

    def __str__(self) -> str:
        return f"driver {self.version or 'of unknown version'}, CUDA {self.cuda[0]}.{self.cuda[1]}"


@dataclass(frozen=True)
class Packages:
    """What to install, and the oldest driver and CUDA that run it."""

    driver: int
    cuda: Tuple[int, int]
    names: Tuple[str, ...]


#: The newer CUDA first. The drivers are those of TensorRT 11.4's prerequisites, which also name the
#: cards: Turing (GeForce GTX 16 and RTX 20) and later.
PACKAGES = (
    Packages(580, (13, 0), ("tensorrt-cu13>=10.13,<12", "cuda-bindings==13.*")),
    Packages(535, (12, 2), ("tensorrt-cu12>=10.0,<12", "cuda-bindings==12.*")),
)

_INSTALL = (
    f"Install driver {PACKAGES[-1].driver} or newer (CUDA {PACKAGES[-1].cuda[0]}."
    f"{PACKAGES[-1].cuda[1]}) from your distribution, on Ubuntu with `sudo ubuntu-drivers install`, "
    "restart, and run `make setup-gpu engines`."
)


def find_driver(root: Path = Path("/"), library: Optional[Any] = None) -> Optional[Driver]:
    """The driver; None without it. `root`, and `library` in the place of libcuda, are for tests."""
    if library is None:
        try:
            library = ctypes.CDLL("libcuda.so.1")
        except OSError:
            return None
    number = ctypes.c_int()
    if library.cuDriverGetVersion(ctypes.byref(number)):
        return None
    # The open kernel module has "for x86_64" before its version.
    version = re.search(r"\s(\d+\.\d+(\.\d+)?)\s", read_text(root / "proc/driver/nvidia/version"))
    # 12040 is 12.4.
    cuda = number.value // 1000, number.value % 1000 // 10
    return Driver(version[1] if version else "", cuda)


def has_card(root: Path = Path("/")) -> bool:
    """Whether a display device of NVIDIA is on the PCI bus."""
    return any(
        read_text(device / "vendor") == _NVIDIA and read_text(device / "class").startswith(_DISPLAY)
        for device in root.glob("sys/bus/pci/devices/*")
    )


def packages_for(driver: Optional[Driver]) -> Tuple[str, ...]:
    """What pip must install for the driver; nothing if TensorRT cannot run with it."""
    fitting = (each.names for each in PACKAGES if driver and driver.cuda >= each.cuda)
    return next(fitting, ())


def examine_gpu(root: Path = Path("/"), library: Optional[Any] = None) -> Finding:
    """Whether TensorRT can run on this PC; the arguments are those of `find_driver`."""
    driver = find_driver(root, library)
    if driver is None and not has_card(root):
        text = "no NVIDIA card is in this machine: it paints on its processor"
        return Finding("gpu", NOTE, text)
    if driver is None:
        return Finding("gpu", NOTE, "the driver of the NVIDIA card is not installed", _INSTALL)
    if not packages_for(driver):
        return Finding("gpu", NOTE, f"TensorRT does not run with {driver}", _INSTALL)
    # The service may not load the kernel's module, as root's first use of the card does.
    if (root / "dev/nvidiactl").exists() and not (root / "dev/nvidia-uvm").exists():
        advice = "Run `sudo nvidia-modprobe -u -c=0` after each restart, before the bot starts."
        return Finding("gpu", NOTE, f"{driver}; /dev/nvidia-uvm is missing", advice)
    return Finding("gpu", OK, str(driver))


def tensorrt_cure(root: Path = Path("/")) -> str:
    """How this machine gets TensorRT and pycuda, or why it cannot run them, in one line."""
    if is_jetson(root):
        return install_tensorrt(root) + THEN_SETUP
    if packages_for(find_driver(root)):
        return "Run `make setup-gpu engines`."
    finding = examine_gpu(root)
    return f"{finding.text[0].upper()}{finding.text[1:]}. {finding.advice}".rstrip()


def main() -> int:
    """Print the packages on one line; returns 1 with the reason where there are none."""
    packages = packages_for(find_driver())
    if packages and not is_jetson():
        print(*packages)
        return 0
    print(tensorrt_cure(), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
