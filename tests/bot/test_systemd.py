from __future__ import annotations

import asyncio
import socket
import sys

import pytest

from bot.systemd import SystemdNotifier

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")


class Systemd:
    """The socket that systemd would read."""

    def __init__(self, address):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.setblocking(False)

    async def heard(self):
        reader = asyncio.get_running_loop()
        arrived = asyncio.Event()
        reader.add_reader(self._socket, arrived.set)
        try:
            await asyncio.wait_for(arrived.wait(), 5)
        finally:
            reader.remove_reader(self._socket)
        return self._socket.recv(4096).decode()

    @property
    def silent(self):
        try:
            return not self._socket.recv(4096)
        except BlockingIOError:
            return True

    def close(self):
        self._socket.close()


@pytest.fixture()
def address(tmp_path):
    return str(tmp_path / "notify")


@pytest.fixture()
def systemd(address):
    listener = Systemd(address)
    yield listener
    listener.close()


async def test_tells_what_happens(systemd, address):
    notifier = SystemdNotifier.from_environment({"NOTIFY_SOCKET": address})
    notifier.ready()
    assert await systemd.heard() == "READY=1"
    notifier.stopping(80)
    assert await systemd.heard() == "STOPPING=1\nEXTEND_TIMEOUT_USEC=80000000"


async def test_abstract_address(tmp_path):
    name = f"jetbrush-test-{tmp_path}"
    listener = Systemd("\0" + name)
    try:
        SystemdNotifier("@" + name).ready()
        assert await listener.heard() == "READY=1"
    finally:
        listener.close()


async def test_status_is_one_line_and_told_when_it_changes(systemd, address):
    notifier = SystemdNotifier(address)
    notifier.status("2 wait;\nall is well")
    assert await systemd.heard() == "STATUS=2 wait; all is well"
    notifier.status("2 wait;\nall is well")
    assert systemd.silent
    notifier.status("1 waits")
    assert await systemd.heard() == "STATUS=1 waits"


async def test_status_cannot_pretend_to_be_another_field(systemd, address):
    SystemdNotifier(address).status("odd\nMAINPID=1")
    assert await systemd.heard() == "STATUS=odd MAINPID=1"


async def test_status_follows_what_the_bot_does(systemd, address):
    async def describe():
        return "idle"

    status = asyncio.ensure_future(SystemdNotifier(address).keep_status(describe))
    try:
        assert await systemd.heard() == "STATUS=idle"
    finally:
        status.cancel()


async def test_watchdog_hears_of_the_loop_again_and_again(systemd, address):
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "60000"}
    alive = asyncio.ensure_future(SystemdNotifier.from_environment(environment).keep_alive())
    try:
        assert [await systemd.heard() for _ in range(3)] == ["WATCHDOG=1"] * 3
    finally:
        alive.cancel()


async def test_without_systemd_nothing_is_reported():
    async def never():
        raise AssertionError("nobody asked")

    notifier = SystemdNotifier.from_environment({})
    notifier.ready()
    await notifier.keep_alive()
    await notifier.keep_status(never)


async def test_systemd_that_does_not_listen_is_no_reason_to_fail(address, caplog):
    SystemdNotifier(address).ready()
    assert "Cannot notify systemd of 'READY=1'" in caplog.text
