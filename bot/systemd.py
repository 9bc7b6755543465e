"""What systemd is told: that the bot is ready, what it does, that its event loop still turns.

The protocol is sd_notify(3): datagrams of `NAME=value` lines to the socket in NOTIFY_SOCKET.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Awaitable, Callable, Mapping, Optional

_log = logging.getLogger(__name__)

#: Seconds between two looks at what the bot does.
_STATUS_PERIOD = 5.0

Describe = Callable[[], Awaitable[str]]


class SystemdNotifier:
    """Tells systemd, or nobody where the bot was not started by it.

    watchdog_s: seconds within which systemd expects a sign of life, `None` if it expects none.
    """

    def __init__(self, address: Optional[str] = None, watchdog_s: Optional[float] = None) -> None:
        # systemd writes the NUL of an abstract address as @.
        self._address = "\0" + address[1:] if address and address[0] == "@" else address
        self.watchdog_s = watchdog_s if address else None
        self._status: Optional[str] = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> SystemdNotifier:
        """The one that systemd asks for in its variables."""
        microseconds = environ.get("WATCHDOG_USEC", "")
        watchdog_s = int(microseconds) / 1e6 if microseconds.isdigit() else None
        return cls(environ.get("NOTIFY_SOCKET"), watchdog_s)

    def ready(self) -> None:
        """The port and the store are open."""
        self._send(READY=1)

    def stopping(self, seconds: float) -> None:
        """The stop has begun and takes up to `seconds`, for which systemd then waits."""
        self._send(STOPPING=1, EXTEND_TIMEOUT_USEC=int(seconds * 1e6))

    def status(self, text: str) -> None:
        """What `systemctl status` shows; told when it changes."""
        if text != self._status:
            self._status = text
            self._send(STATUS=" ".join(text.split()))

    async def keep_alive(self) -> None:
        """Tell the watchdog in good time that the event loop turns, until cancelled."""
        if self.watchdog_s is None:
            return
        while True:
            self._send(WATCHDOG=1)
            await asyncio.sleep(self.watchdog_s / 3)

    async def keep_status(self, describe: Describe) -> None:
        """Tell what `describe` says every few seconds, until cancelled."""
        while self._address:
            self.status(await describe())
            await asyncio.sleep(_STATUS_PERIOD)

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
            _log.warning("systemd cannot be told %r: %s", message, error)
