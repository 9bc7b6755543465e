"""A Debian for arm64 that runs on this machine's kernel, through qemu-user where it has another processor.

The root is kept between runs, with the virtual environment in it: extracting it takes a quarter of a
minute, and installing the packages under emulation several minutes.
"""

from __future__ import annotations

import filecmp
import os
import platform
import re
import shutil
import subprocess
import zlib
from pathlib import Path
from typing import Iterator, Optional

ROOT = Path(__file__).resolve().parent.parent.parent
#: Outside of the checkout, as a fresh clone shall find it too.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jetbrush" / "arm64"
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
#: The wheels of NumPy and the others need libstdc++.
PACKAGES = "bash,coreutils,dash,findutils,grep,libstdc++6,make,python3,python3-venv,sed"
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
CHECKOUT = "checkout"

BINFMT = Path("/proc/sys/fs/binfmt_misc")
#: The line that Debian's qemu-user-static has for the kernel; systemd registers it at its start.
REGISTRATION = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")

#: The mounts are gone with the command. ONNX Runtime ends Python without /proc and /sys.
IN_ITS_ROOT = f"""
mount -t proc proc "$0/proc" && mount --rbind /sys "$0/sys" &&
exec chroot "$0" /bin/sh -c 'cd /{CHECKOUT} && exec "$@"' sh "$@"
"""

#: Bounds on a hang, not on the machine's speed.
LONGEST_SECONDS = 3600


def what_is_missing() -> Optional[str]:
    """Why no arm64 system can be run here; None if one can."""
    if os.environ.get("JETBRUSH_ARM64_TEST") != "1":
        return "it takes minutes: run `sudo make test-arm64`"
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "only root can change the root folder: run `sudo make test-arm64`"
    if shutil.which("mmdebstrap") is None:
        return "mmdebstrap is not installed: sudo apt install mmdebstrap"
    if platform.machine() == "aarch64" or _is_registered():
        return None
    if not REGISTRATION.exists():
        return "qemu is not installed: sudo apt install qemu-user-static"
    try:
        if not (BINFMT / "register").exists():
            subprocess.run(["mount", "-t", "binfmt_misc", "none", str(BINFMT)], check=True)
        (BINFMT / "register").write_bytes(REGISTRATION.read_bytes())
    except (OSError, subprocess.CalledProcessError) as error:
        return f"this kernel runs no programs of other processors (binfmt_misc): {error}"
    return None if _is_registered() else "qemu could not be registered with the kernel"


def _is_registered() -> bool:
    return (BINFMT / "qemu-aarch64").exists()


class System:
    """The system, with a copy of this checkout."""

    def __init__(self) -> None:
        self.folder = CACHE / f"root-{zlib.crc32(PACKAGES.encode()):08x}"
        if not self.folder.exists():
            self._extract()
        shutil.copy("/etc/resolv.conf", self.folder / "etc/resolv.conf")
        (self.folder / CERTIFICATES).parent.mkdir(parents=True, exist_ok=True)
        # A network that opens TLS has certificates of its own.
        shutil.copy(f"/{CERTIFICATES}", self.folder / CERTIFICATES)
        self.checkout = self.folder / CHECKOUT
        self._copy_checkout()

    def run(self, *command: str) -> str:
        """The output of a command in the checkout; fails with it if the command fails."""
        settings = {name: each for name, each in os.environ.items() if _concerns_network(name)}
        settings.update(
            PATH="/usr/sbin:/usr/bin:/sbin:/bin",
            HOME="/root",
            LC_ALL="C.UTF-8",
            PIP_CERT=f"/{CERTIFICATES}",
            # Most modules are never imported, and compiling takes longer than unpacking.
            PIP_NO_COMPILE="1",
            PIP_NO_CACHE_DIR="1",
        )
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", IN_ITS_ROOT, str(self.folder), *command],
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LONGEST_SECONDS,
            check=False,
        )
        text = done.stdout.decode(errors="replace")
        assert done.returncode == 0, f"{command} gave {done.returncode}:\n{text}"
        return text

    def _extract(self) -> None:
        """Unpack the packages; nothing in them is run."""
        partial = CACHE / "root.part"
        shutil.rmtree(partial, ignore_errors=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["mmdebstrap", "--quiet", "--mode=root", "--architectures=arm64", "--variant=extract",
             f"--include={PACKAGES}", "bookworm", str(partial), MIRROR],
            check=True, timeout=LONGEST_SECONDS,
        )  # fmt: skip
        partial.rename(self.folder)

    def _copy_checkout(self) -> None:
        """Copy what differs, so that make finds the times of what does not."""
        wanted = set(_files())
        for file in wanted:
            source, target = ROOT / file, self.checkout / file
            if not (target.exists() and filecmp.cmp(source, target, shallow=False)):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
        for folder in ("bot", "export", "runtime", "tests"):
            for path in (self.checkout / folder).rglob("*.py"):
                if path.relative_to(self.checkout) not in wanted:
                    path.unlink()


def _files() -> Iterator[Path]:
    command = ["git", "-c", "safe.directory=*", "-C", str(ROOT), "ls-files", "-z", "--cached"]
    done = subprocess.run([*command, "--others", "--exclude-standard"], check=True, stdout=-1)
    for name in done.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            yield Path(name)


def _concerns_network(name: str) -> bool:
    """Indexes and proxies; local folders with wheels are not in the system."""
    return re.match(r"PIP_.*(INDEX|TRUSTED|TIMEOUT)|.*_proxy$", name, re.IGNORECASE) is not None
