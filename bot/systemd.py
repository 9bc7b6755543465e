"""Notifies systemd that the bot is ready, what it is doing, and that its event loop is alive."""

from __future__ import annotations

import asyncio
from typing import Awaitable, Callable, Mapping, Optional

from runtime.systemd import notify

#: Seconds between two status updates.
_STATUS_PERIOD_S = 5.0

Describe = Callable[[], Awaitable[str]]


class SystemdNotifier:
    """Sends notifications; does nothing when systemd did not start the bot.

    watchdog_s: the longest time in seconds between two watchdog notifications, `None` without one.
    """

    def __init__(self, address: Optional[str] = None, watchdog_s: Optional[float] = None) -> None:
        self._address = address
        self.watchdog_s = watchdog_s if address else None
        self._status: Optional[str] = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> SystemdNotifier:
        """The notifier that the variables of systemd configure."""
        microseconds = environ.get("WATCHDOG_USEC", "")
        watchdog_s = int(microseconds) / 1e6 if microseconds.isdigit() else None
        return cls(environ.get("NOTIFY_SOCKET"), watchdog_s)

    def ready(self) -> None:
        """Notify that the start is over: the bot's port is open, or a painter can paint."""
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
        if self._address:
            notify(self._address, **fields)
