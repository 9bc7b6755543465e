"""A painter of the fleet as a process of its own, which a test may kill or freeze."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
import time
from pathlib import Path

from bot.config import PainterConfig
from bot.log import set_up_logging
from bot.painting.fleet import connection
from bot.tools.fleet_painter import paint, painter_link
from tests.support.bot import bot_process
from tests.support.bot.bot_process import FORKS
from tests.support.fleet.lan import enter

ROOT = Path(__file__).resolve().parent.parent.parent.parent
PAINTER = ROOT / "tests" / "support" / "painters" / "gated_painter.py"
#: One server forks painters and the bot beside them, and has imported both.
FORKS.set_forkserver_preload([__name__, bot_process.__name__])


class PainterProcess:
    """Paints with `gated_painter`: halfway it waits while the gate is closed.

    room: how many bytes each file of it may have, as where the disk is full. network: the path of
    the network namespace that it is in. settings: of a `PainterConfig`.
    """

    def __init__(self, name, folder, *, room=resource.RLIM_INFINITY, network=None, **settings):
        self.name = name
        self._room = room
        self._network = network
        self._settings = settings
        self._folder = folder
        self._gate = folder / f"{name}-gate"
        self._process = None

    def start(self):
        log = self._folder / f"{self.name}.log"
        where = (self._room, self._network, self._settings)
        arguments = (self.name, str(self._gate), str(log), *where)
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


def run(name, gate, log, room, network, settings):
    """Paint in this process, with its log at the end of the file `log`."""
    if network is not None:
        enter(network)
        # Seconds: the test's painters notice sooner that the server does not answer.
        connection.PATIENCE = 2.0
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    with Path(log).open("ab") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    set_up_logging("DEBUG", (), {})
    config = PainterConfig(**settings)
    command = [sys.executable, str(PAINTER), gate]
    asyncio.run(paint(config, painter_link(config, name), Path(gate).parent, command))
