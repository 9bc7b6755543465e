from __future__ import annotations

import asyncio
import socket
import time

import pytest

from bot.config_types import Mode
from bot.sandbox import Sandbox
from bot.systemd import SystemdNotifier
from tests.support.bot.albums import order_pair
from tests.support.bot.doubles import FakePainterClient
from tests.support.bot.running import running
from tests.support.bot.stage import config_for, jpeg, plain


class PaintingWorker(FakePainterClient):
    pid, backend = 4242, "onnxrt"


class Journal:
    """Everything that systemd hears."""

    def __init__(self, folder):
        self.address = str(folder / "notify")
        self.lines = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def _read(self):
        self.lines += self._socket.recv(4096).decode().splitlines()

    async def line(self, *parts):
        """The first line that holds all the parts."""
        deadline = time.monotonic() + 15
        while True:
            for line in self.lines:
                if all(part in line for part in parts):
                    return line
            assert time.monotonic() < deadline, self.lines
            await asyncio.sleep(0.02)

    def close(self):
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()


@pytest.fixture()
async def journal(tmp_path, monkeypatch):
    monkeypatch.setattr("bot.systemd._STATUS_PERIOD_S", 0.05)
    journal = Journal(tmp_path)
    yield journal
    journal.close()


@pytest.fixture()
async def sandbox():
    async with Sandbox() as sandbox:
        yield sandbox


async def test_systemd_hears_of_the_start_the_work_and_the_stop(journal, sandbox, tmp_path):
    painter_client, config = PaintingWorker(), config_for(sandbox, tmp_path / "state", stop_grace=7)
    painter_client.hold()
    async with running(config, painter_client, notifier=SystemdNotifier(journal.address, 0.3)):
        await journal.line("READY=1")
        await journal.line("WATCHDOG=1")
        await journal.line("STATUS=idle, 0 waiting", "painter on onnxrt", config.webhook_url)
        anna = sandbox.user(name="Anna")
        picture = jpeg(plain("green"))
        for _ in range(2):
            await order_pair(anna, [picture, picture])
        await journal.line("STATUS=painting, 1 waiting")
        painter_client.release()
        assert not [line for line in journal.lines if line.startswith("STOPPING")]
    await journal.line("STOPPING=1")
    await journal.line("EXTEND_TIMEOUT_USEC=67000000")


async def test_polling_is_named(journal, sandbox, tmp_path):
    config = config_for(sandbox, tmp_path / "state", mode=Mode.POLLING)
    async with running(config, PaintingWorker(), notifier=SystemdNotifier(journal.address)):
        await journal.line("STATUS=", "polling")


async def test_what_is_wrong_stands_in_the_status(journal, sandbox, tmp_path):
    url_file = tmp_path / "url"
    config = config_for(sandbox, tmp_path / "state", webhook_url=None, webhook_url_file=url_file)
    async with running(config, PaintingWorker(), notifier=SystemdNotifier(journal.address)):
        await journal.line("STATUS=", "no web hook yet", f"{url_file}, cannot be read")
