"""Whether a process is still there."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path


def is_there(pid):
    """Whether the process runs; a dead one that nobody has asked about does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return not Path("/proc").is_dir()
    return state != "Z"


async def gone(pid, within=60.0):
    """Wait until the process is gone."""
    deadline = time.monotonic() + within
    while is_there(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there after {within} s"
        await asyncio.sleep(0.01)
