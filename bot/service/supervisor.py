"""The bot's long-running loops: one that fails is told of and begun again."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Awaitable, Callable, List

_log = logging.getLogger(__name__)

#: Seconds to the next start of a loop that failed: the first, and the most. One that ran for longer
#: than the most was well.
_FIRST_PAUSE, _MOST_PAUSE = 1.0, 60.0


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
        pause = _FIRST_PAUSE
        while True:
            begin = time.monotonic()
            try:
                return await loop()
            except Exception:  # noqa: BLE001 - it is told of, and the others must go on
                if time.monotonic() - begin > _MOST_PAUSE:
                    pause = _FIRST_PAUSE
                _log.exception("The %s failed; it begins again in %.0f s.", name, pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _MOST_PAUSE)
