"""The loopback address of IPv6, for tests of URLs with brackets."""

from __future__ import annotations

import socket

import pytest


def free_ipv6_port():
    """A free port of ::1; skips the test on a machine without IPv6."""
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        return probe.getsockname()[1]
