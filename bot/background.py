"""Work that nobody waits for."""

from __future__ import annotations

import asyncio
import logging
from typing import Coroutine, Optional, Set

_log = logging.getLogger(__name__)


class Background:
    """Tasks that are kept until they are done: the loop itself does not keep them."""

    def __init__(self) -> None:
        self._tasks: Set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Start the work; its errors are logged."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def finish(self, within: Optional[float] = None) -> None:
        """Wait until all that was started is done, or until `within` seconds have passed."""
        late: Set[asyncio.Task[None]] = set()
        while self._tasks and not late:
            _done, late = await asyncio.wait(set(self._tasks), timeout=within)

    async def close(self) -> None:
        """Cancel what is not done."""
        for task in self._tasks:
            task.cancel()
        await self.finish()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("Work in the background failed.", exc_info=task.exception())
