"""What would make an installation fail late, and the cure: `python3 -m runtime.machine.preflight`.

`scripts/install` runs it before anything is changed, and stops when something is missing. The standard
library alone is imported.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List, Optional

from runtime.machine.findings import MISSING, NOTE, OK, Finding, report
from runtime.machine.jetson import cuda_compiler
from runtime.machine.resources import (
    install_tensorrt,
    is_jetson,
    output_of,
    read_memory,
    read_number,
)

#: Megabytes on the disk: the virtual environment, the weights and graphs; a Jetson's engines; the
#: swap file that the installer offers; what pip and a compiler need meanwhile.
_PACKAGES_MB, _GRAPHS_MB, _ENGINES_MB, _SWAP_MB, _MEANWHILE_MB = 450, 350, 1800, 4300, 400
#: A card's partition that leaves so much of it unused was not enlarged.
_UNUSED_MB = 4000


@dataclass(frozen=True)
class Place:
    """Where the release goes, what is there already, and the file system that is examined."""

    app: Path = Path("/opt/jetbrush")
    root: Path = Path("/")


def examine(place: Place) -> Iterator[Finding]:
    """The disk on every machine; on a Jetson also its card, compilers, TensorRT and desktop."""
    if is_jetson(place.root):
        yield _card(place.root)
    yield _disk(place)
    if is_jetson(place.root):
        yield cuda_compiler(place.root)
        if sys.version_info < (3, 12):
            yield _compiler()
            yield _headers()
        yield _tensorrt(place.root)
        yield _desktop()


def _card(root: Path) -> Finding:
    """Whether the partition of / takes the whole card: images are made for a small one."""
    device = output_of("findmnt", "--noheadings", "--output", "SOURCE", "/").strip()
    found = re.fullmatch(r"/dev/((mmcblk\d+|nvme\d+n\d+)p(\d+))", device)
    if not found:
        return Finding("card", OK, f"/ is on {device or 'an unknown device'}")
    partition, disk, number = found.groups()
    blocks = root / "sys/class/block"
    whole, part = (_megabytes(blocks / each / "size") for each in (disk, partition))
    text = f"/dev/{partition} has {part // 1000} GB of the {whole // 1000} GB of /dev/{disk}"
    others = sum(_megabytes(each) for each in blocks.glob(f"{disk}p*/size")) - part
    if whole - part - others < _UNUSED_MB:
        return Finding("card", OK, text)
    starts = {each.parent.name: read_number(each) or 0 for each in blocks.glob(f"{disk}p*/start")}
    if starts and starts.get(partition) == max(starts.values()):
        advice = (
            "Enlarge it, which keeps what is on it: `sudo apt install cloud-guest-utils && "
            f"sudo growpart /dev/{disk} {number} && sudo resize2fs /dev/{partition}`"
        )
    else:
        advice = "Enlarge it with GParted on another computer: another partition lies behind it."
    return Finding("card", MISSING, text, advice)


def _megabytes(sectors: Path) -> int:
    return (read_number(sectors) or 0) * 512 // 10**6


def _disk(place: Place) -> Finding:
    folder = next(each for each in (place.app, *place.app.parents) if each.exists())
    free = shutil.disk_usage(str(folder)).free // 10**6
    # An upgrade links the files that stay; the engines may all have to be built again.
    parts = {"packages": _PACKAGES_MB, "weights and graphs": _GRAPHS_MB}
    if is_jetson(place.root):
        parts["engines"] = _ENGINES_MB
        memory = read_memory(place.root)
        if memory is not None and memory.swap_is_short:
            parts["swap"] = _SWAP_MB
    parts["work"] = _MEANWHILE_MB
    needed = sum(parts.values())
    text = f"{free} MB free, {needed} needed: " + ", ".join(f"{n} {v}" for n, v in parts.items())
    if free >= needed:
        return Finding("disk", OK, text)
    advice = (
        "Remove what you do not need: `sudo apt clean`, `sudo journalctl --vacuum-size=50M`. "
        "`sudo du -xh -d2 / | sort -h | tail` shows what is large. Or take a larger card."
    )
    return Finding("disk", MISSING, text, advice)


def _compiler() -> Finding:
    if shutil.which("g++"):
        return Finding("g++", OK, "compiles pycuda")
    return Finding("g++", MISSING, "no C++ compiler for pycuda", "Run `sudo apt install g++`.")


def _headers() -> Finding:
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if header.exists():
        return Finding("headers", OK, f"{header}")
    advice = f"Run `sudo apt install python{version}-dev`."
    return Finding("headers", MISSING, f"no headers of Python {version} for pycuda", advice)


def _tensorrt(root: Path) -> Finding:
    """Whether this Python finds TensorRT for every user: the service's is another one."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    # -s: without the packages of the user who runs this.
    origin = _origin("-s")
    if origin is not None:
        closed = _closed_to_others(origin)
        if closed is None:
            return Finding("tensorrt", OK, f"Python {version} finds it: {origin}")
        if closed.parent == Path("/home") or closed == Path("/root"):
            advice = "Install it for all users, not into a home."
        else:
            advice = f"Run `sudo chmod -R go+rX {closed}`."
        return Finding("tensorrt", MISSING, f"other users may not read {closed}", advice)
    own = _of_a_user(version)
    text = f"Python {version} finds no TensorRT"
    if own is not None:
        text = f"it is installed for one user only, in {own}; the service is another user"
    return Finding("tensorrt", MISSING, text, install_tensorrt(root))


def _origin(*options: str) -> Optional[Path]:
    """The file of the module in a Python of its own; it is not imported."""
    code = "import importlib.util as u; s = u.find_spec('tensorrt'); print(s.origin if s else '')"
    done = subprocess.run(
        [sys.executable, *options, "-c", code],
        cwd="/",
        stdout=subprocess.PIPE,
        check=False,
    )
    text = done.stdout.decode(errors="replace").strip()
    return Path(text) if text else None


def _closed_to_others(file: Path) -> Optional[Path]:
    """The first folder on the way to the file, or the file, that other users may not read."""
    for each in (*reversed(file.parents), file):
        needed = 0o005 if each.is_dir() else 0o004
        if each.stat().st_mode & needed != needed:
            return each
    return None


def _of_a_user(version: str) -> Optional[Path]:
    """TensorRT among the packages of the user who called sudo, or of this one."""
    home = Path(f"~{os.environ.get('SUDO_USER', '')}").expanduser()
    folder = home / ".local" / "lib" / f"python{version}" / "site-packages" / "tensorrt"
    return folder if folder.exists() else None


def _desktop() -> Finding:
    if output_of("systemctl", "is-active", "graphical.target").strip() != "active":
        return Finding("desktop", OK, "it does not run")
    advice = "Restart without it before engines are built; the installer offers that."
    return Finding("desktop", NOTE, "it runs and takes 250 to 800 MB of the memory", advice)


def main(arguments: Optional[List[str]] = None) -> int:
    """Print the findings; returns 1 if something is missing."""
    parser = argparse.ArgumentParser(
        prog="python3 -m runtime.machine.preflight", description=__doc__
    )
    parser.add_argument("app", type=Path, help="where the program will be")
    findings = list(examine(Place(app=parser.parse_args(arguments).app)))
    print(report([each for each in findings if each.state != OK or each.topic == "disk"]))
    cures = [each.advice for each in findings if each.state == MISSING]
    if cures:
        print(f"Nothing was changed. Do this, and then run the installer again: {cures[0]}")
    return 1 if cures else 0


if __name__ == "__main__":
    sys.exit(main())
