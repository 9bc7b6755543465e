"""A network of machines that a test can cut off: network namespaces of the kernel, on a switch.

All of it disappears with the test's process, whatever ends that.
"""

from __future__ import annotations

import contextlib
import ctypes
import ipaddress
import itertools
import os
import secrets
import subprocess
from pathlib import Path

import pytest

#: Kept for measurements in networks (RFC 2544): nobody else is there.
SPACE = ipaddress.ip_network("198.18.0.0/15")
PREFIX = 24


def require_namespaces():
    """Skip the test where this process may not make networks."""
    with contextlib.suppress(OSError):
        command = "ip link add probe type veth peer name other && ip link add bridge type bridge"
        probe = subprocess.run(
            ["unshare", "--net", "sh", "-c", command], check=False, stderr=subprocess.PIPE
        )
        if probe.returncode == 0:
            return
    pytest.skip("networks of a test's own need root, iproute2, and veth and bridge in the kernel")


class Lan:
    """A switch, with this machine at `address` and others beside it."""

    def __init__(self):
        networks = list(SPACE.subnets(new_prefix=PREFIX))
        self.address, *others = map(str, secrets.choice(networks).hosts())
        self._free = itertools.cycle(others)
        self._switch = Namespace()
        self._machines = {}
        here = f"jb-{os.getpid()}"
        ip(
            None,
            f"link add {here} type veth peer name here netns {self._switch.pid}",
            f"addr add {self.address}/{PREFIX} dev {here}",
            f"link set {here} up",
        )
        ip(
            self._switch,
            "link add switch type bridge",
            "link set switch up",
            "link set here master switch up",
        )

    def plug(self, name):
        """Connect another machine; returns its namespace."""
        machine = self._machines[name] = Namespace()
        ip(
            self._switch,
            f"link add {name} type veth peer name eth0 netns {machine.pid}",
            f"link set {name} master switch up",
        )
        ip(machine, "link set lo up", "link set eth0 up")
        self.give_address(name)
        return machine

    def give_address(self, name):
        """Give a machine an address, instead of one that it has; nobody hears of it."""
        machine = self._machines[name]
        ip(machine, "addr flush dev eth0", f"addr add {next(self._free)}/{PREFIX} dev eth0")

    def cut(self, name):
        """Let all packets of a machine vanish, in both directions; its cable stays plugged in."""
        ip(self._switch, f"link set {name} nomaster")

    def mend(self, name):
        ip(self._switch, f"link set {name} master switch")

    def close(self):
        for each in (self._switch, *self._machines.values()):
            each.close()


class Namespace:
    """A machine's network, there as long as this or a process inside it."""

    def __init__(self):
        self._process = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo; exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._process.stdout.readline()
        self.pid = self._process.pid

    @property
    def path(self):
        return f"/proc/{self.pid}/ns/net"

    def close(self):
        self._process.communicate()


def enter(path):
    """Put this thread, and the processes that it starts, into the namespace `path`."""
    with Path(path).open() as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0):
            raise OSError(ctypes.get_errno(), f"cannot enter {path}")


def ip(namespace, *lines):
    """Have the program `ip` do these lines there, or here."""
    inside = [] if namespace is None else ["nsenter", f"--net={namespace.path}"]
    subprocess.run([*inside, "ip", "-batch", "-"], input="\n".join(lines).encode(), check=True)
