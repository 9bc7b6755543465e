"""Notifies systemd that the bot is ready, what it is doing, and that its event loop is alive.

The protocol is sd_notify(3): datagrams of `NAME=value` lines to the socket in NOTIFY_SOCKET.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Awaitable, Callable, Mapping, Optional

_log = logging.getLogger(__name__)

#: Seconds between two status updates.
_STATUS_PERIOD_S = 5.0

Describe = Callable[[], Awaitable[str]]


class SystemdNotifier:
    """Sends notifications; does nothing when systemd did not start the bot.

    watchdog_s: the longest time in seconds between two watchdog notifications, `None` without one.
    """

    def __init__(self, address: Optional[str] = None, watchdog_s: Optional[float] = None) -> None:
        # systemd writes the NUL at the head of an abstract address as @.
        self._address = "\0" + address[1:] if address and address[0] == "@" else address
        self.watchdog_s = watchdog_s if address else None
        self._status: Optional[str] = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> SystemdNotifier:
        """The notifier that the variables of systemd configure."""
        microseconds = environ.get("WATCHDOG_USEC", "")
        watchdog_s = int(microseconds) / 1e6 if microseconds.isdigit() else None
        return cls(environ.get("NOTIFY_SOCKET"), watchdog_s)

    def ready(self) -> None:
        """Notify that the port and the database are open."""
        self._send(READY=1)

    def stopping(self, seconds: float) -> None:
        """Notify that the bot stops; systemd waits up to `seconds` for it."""
        self._send(STOPPING=1, EXTEND_TIMEOUT_USEC=int(seconds * 1e6))

    def status(self, text: str) -> None:
        """Set what `systemctl status` shows; sent only when it changes."""
        if text != self._status:
            self._status = text
            self._send(STATUS=" ".join(text.split()))

    async def keep_alive(self) -> None:
        """Notify the watchdog three times per interval, until cancelled."""
        if self.watchdog_s is None:
            return
        while True:
            self._send(WATCHDOG=1)
            await asyncio.sleep(self.watchdog_s / 3)

    async def keep_status(self, describe: Describe) -> None:
        """Send the result of `describe` as the status every few seconds, until cancelled."""
        while self._address:
            self.status(await describe())
            await asyncio.sleep(_STATUS_PERIOD_S)

    def _send(self, **fields: object) -> None:
        if not self._address:
            return
        message = "\n".join(f"{name}={value}" for name, value in fields.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                # A systemd that does not read must not block the event loop.
                out.setblocking(False)
                out.sendto(message.encode(), self._address)
        except OSError as error:
            _log.warning("Cannot notify systemd of %r: %s", message, error)
