"""A painter of the fleet as a process of its own, which a test may kill or freeze."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import signal
import sys
import time
from pathlib import Path

from bot.config import PainterConfig
from bot.log import set_up_logging
from bot.tools.fleet_painter import paint, painter_link

ROOT = Path(__file__).resolve().parent.parent.parent.parent
PAINTER = ROOT / "tests" / "support" / "painters" / "gated_painter.py"
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])


class PainterProcess:
    """Paints with `gated_painter`: halfway it waits while the gate is closed.

    room: how many bytes each file of it may have, as where the disk is full.
    """

    def __init__(self, name, url, folder, room=resource.RLIM_INFINITY):
        self.name = name
        self._room = room
        self._url = url
        self._folder = folder
        self._gate = folder / f"{name}-gate"
        self._process = None

    def start(self):
        log = self._folder / f"{self.name}.log"
        arguments = (self.name, self._url, str(self._gate), str(log), self._room)
        self._process = FORKS.Process(target=run, args=arguments)
        self._process.start()

    def close_gate(self):
        """Let it wait halfway through its next picture; `begins` waits until it does."""
        self._gate.touch()
        if self._mark is not None:
            self._mark.unlink(missing_ok=True)

    def open_gate(self):
        self._gate.unlink()

    @property
    def at_work(self):
        """Whether its present child process has begun a picture."""
        return self._mark is not None and self._mark.exists()

    @property
    def _mark(self):
        """What its present child process makes when it has begun a picture."""
        number = Path(f"{self._gate}.pid")
        return Path(f"{self._gate}.{number.read_text()}") if number.exists() else None

    async def begins(self, within=60.0):
        """Wait until it has begun a picture."""
        deadline = time.monotonic() + within
        while not self.at_work:
            assert time.monotonic() < deadline, f"{self.name} begins nothing: {self.log}"
            await asyncio.sleep(0.02)

    def freeze(self):
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self):
        if self._process is not None:
            self._process.kill()
            self._process.join()

    @property
    def log(self):
        return (self._folder / f"{self.name}.log").read_text()


def run(name, url, gate, log, room):
    """Paint in this process, with its log at the end of the file `log`."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    with Path(log).open("ab") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    set_up_logging("DEBUG", (), {})
    config = PainterConfig(nats_url=url)
    command = [sys.executable, str(PAINTER), gate]
    asyncio.run(paint(config, painter_link(config, name), Path(gate).parent, command))
