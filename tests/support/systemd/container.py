"""A Debian that boots under systemd-nspawn: a real systemd, with this machine's network.

Kept between runs are the Debian as debootstrap made it, and the Python packages of the last installation:
on a new machine they are fetched, which takes some minutes.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent.parent
#: Outside of the checkout, as a fresh clone shall find it too.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jetbrush" / "systemd"
#: The containers of this checkout.
RUNNING = CACHE / f"run-{zlib.crc32(str(ROOT).encode()):08x}"
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
PACKAGES = "systemd,systemd-sysv,dbus,python3,python3-venv,make,ca-certificates"
CHECKOUT = "/home/owner/jetbrush"
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
#: The Python packages of the first installation on a machine.
VENV = "opt/jetbrush-releases/a/.venv"

#: Seconds; however a test hangs, the container is gone after this many.
LONGEST_LIFE = 4800
_BOOT_SECONDS, _PARTING = 900, 60

#: nsenter keeps the working folder, which is outside.
IN_ITS_ROOT = ("sh", "-c", 'cd / && exec "$@"', "sh")


def what_is_missing():
    """Why no container can be run here, `None` if one can."""
    if os.environ.get("JETBRUSH_SYSTEMD_TEST") != "1":
        return "it takes minutes: run `sudo make test-systemd`"
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "only root can boot a container: run `sudo make test-systemd`"
    for tool, package in (("systemd-nspawn", "systemd-container"), ("debootstrap", "debootstrap")):
        if shutil.which(tool) is None:
            return f"{tool} is not installed: sudo apt install {package}"
    return None


def base():
    """The folder with a fresh Debian; a minute the first time."""
    folder = CACHE / "bookworm"
    if not folder.exists():
        partial = RUNNING / "bookworm.part"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm"]
        subprocess.run([*command, str(partial), MIRROR], check=True, timeout=1800)
        _move(partial, folder)
    return folder


def kept_packages():
    """The folder for the packages of this checkout's requirements."""
    pins = zlib.crc32((ROOT / "requirements.txt").read_bytes())
    return CACHE / f"packages-bookworm-{pins:08x}"


def link_tree(source, target):
    """Make `target` of the same files: the installer never writes into a file that is there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-al", str(source), str(target)], check=True)


class Container:
    """A copy of the Debian, from `make` to `remove`; the checkout is read-only in it."""

    def __init__(self, name):
        self.folder = RUNNING / name
        self._console = RUNNING / f"{name}.log"
        self._nspawn = None
        self._leader = None

    def make(self):
        """Copy the Debian, with the Python packages that an installation would fetch, if they were kept."""
        shutil.rmtree(self.folder, ignore_errors=True)
        RUNNING.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", "--reflink=auto", str(base()), str(self.folder)], check=True)
        # A network that opens TLS has certificates of its own.
        shutil.copy(f"/{CERTIFICATES}", self.folder / CERTIFICATES)
        if kept_packages().exists():
            link_tree(kept_packages(), self.folder / VENV)

    def boot(self):
        """Switch it on, and wait until it is up."""
        command = [
            *("timeout", "--kill-after=5", str(LONGEST_LIFE)),
            *("systemd-nspawn", "--boot", "--register=no", "--keep-unit", "--console=pipe"),
            f"--directory={self.folder}",
            f"--bind-ro={ROOT}:{CHECKOUT}",
            "--resolv-conf=replace-host",
        ]
        with self._console.open("wb") as log:
            self._nspawn = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.wait(lambda: self._find_leader(), "nspawn started no init", _BOOT_SECONDS)
        self.wait(
            lambda: self.output("systemctl", "is-system-running", check=False).strip() == "running",
            "the container does not boot",
            _BOOT_SECONDS,
        )

    def run(self, *command, timeout=1500, check=True, **environment):
        """Run a command inside, as root; its output comes back as text."""
        passed = {name: each for name, each in os.environ.items() if _concerns_the_network(name)}
        passed.update(
            PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            PIP_CERT=f"/{CERTIFICATES}",
            LC_ALL="C.UTF-8",
            **environment,
        )
        done = subprocess.run(
            ["nsenter", "--target", str(self._leader), "--all", *IN_ITS_ROOT, *command],
            env=passed,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
        text = done.stdout.decode(errors="replace")
        assert not check or done.returncode == 0, f"{command} gave {done.returncode}:\n{text}"
        return done.returncode, text

    def output(self, *command, **options):
        return self.run(*command, **options)[1]

    def systemctl(self, *arguments, **options):
        return self.output("systemctl", "--no-pager", *arguments, **options)

    def shown(self, unit, name):
        """A property of a unit."""
        return self.systemctl("show", unit, f"--property={name}", "--value").strip()

    def journal(self, unit):
        return self.output("journalctl", "--no-pager", "--output=cat", "--unit", unit)

    def write(self, path, text, mode=0o644):
        target = self.folder / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    @staticmethod
    def wait(condition, problem, seconds=180):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, problem
            time.sleep(0.1)

    def keep_packages(self):
        """Keep the Python packages for the next run."""
        if kept_packages().exists():
            return
        for other in CACHE.glob("packages-*"):
            shutil.rmtree(other, ignore_errors=True)
        partial = RUNNING / "packages.part"
        shutil.rmtree(partial, ignore_errors=True)
        link_tree(self.folder / VENV, partial)
        _move(partial, kept_packages())

    def remove(self):
        """End it at once: nothing in it is kept."""
        if self._nspawn is not None:
            for pid in filter(None, (self._leader, *_children(self._nspawn.pid))):
                _kill(pid)
            self._nspawn.wait(_PARTING)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _find_leader(self):
        assert self._nspawn.poll() is None, self._console.read_text()
        for nspawn in _children(self._nspawn.pid):
            for child in _children(nspawn):
                # Before that it is nspawn's own preparing child.
                if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    self._leader = child
                    return True
        return False


def _concerns_the_network(name):
    """Indexes and proxies; local folders with wheels are not in the container."""
    return re.match(r"PIP_.*(INDEX|TRUSTED|TIMEOUT)|.*_proxy$", name, re.IGNORECASE) is not None


def _children(pid):
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def _move(partial, folder):
    """Put a finished folder in its place, unless another run was faster."""
    try:
        partial.rename(folder)
    except OSError:
        shutil.rmtree(partial)


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def as_text(settings):
    return "".join(f"{name}={value}\n" for name, value in settings.items())
