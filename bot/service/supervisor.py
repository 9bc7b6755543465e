"""The bot's long-running loops: one that fails is logged and started again."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Awaitable, Callable, List

from aiogram.exceptions import AiogramError

from bot.backoff import Backoff
from bot.errors import BotError
from bot.telegram.error_text import error_text

_log = logging.getLogger(__name__)

#: Seconds to the next start of a loop that failed: the first, and the longest. A loop that ran for
#: longer than the longest was well.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0


class Supervisor:
    """Owns tasks from `start` to `close`."""

    def __init__(self) -> None:
        self._tasks: List[asyncio.Task[None]] = []

    def start(self, name: str, loop: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Run `loop()` in the background until it returns, again and again if it fails."""
        task = asyncio.ensure_future(self._keep(name, loop))
        self._tasks.append(task)
        return task

    async def close(self) -> None:
        """Cancel the tasks, the last first, and wait for each to end."""
        for task in reversed(self._tasks):
            task.cancel()
            await asyncio.wait([task])

    async def _keep(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        while True:
            begin = time.monotonic()
            try:
                return await loop()
            except Exception as error:  # noqa: BLE001 - it is logged; the other loops must run on
                if time.monotonic() - begin > _LONGEST_PAUSE:
                    backoff.reset()
                pause = backoff.next()
                if isinstance(error, (AiogramError, BotError)):
                    # Not the bot's mistake: a traceback says no more than the message.
                    text = error_text(error)
                    _log.error("The %s failed (%s); it starts again in %.0f s.", name, text, pause)
                else:
                    _log.exception("The %s failed; it starts again in %.0f s.", name, pause)
                await asyncio.sleep(pause)
