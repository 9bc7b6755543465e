"""Waiting: for an event with a limit, for longer after each failure, and so that it can be cancelled."""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable, Optional, TypeVar

Result = TypeVar("Result")


class Backoff:
    """Pauses in seconds that double from `first` up to `most`."""

    def __init__(self, first: float, most: float) -> None:
        self._first, self._most = first, most
        self._pause = first

    @property
    def failing(self) -> bool:
        """Whether there was a failure since the last `reset`."""
        return self._pause > self._first

    def next(self) -> float:
        """The pause after another failure."""
        pause = self._pause
        self._pause = min(2 * pause, self._most)
        return pause

    def reset(self) -> None:
        """Start with the first pause again, after a success."""
        self._pause = self._first


async def wait_at_most(event: asyncio.Event, seconds: Optional[float]) -> None:
    """Wait until `event` is set, but no longer than `seconds`; with None, as long as it takes."""
    # Not wait_for: before Python 3.12 it can swallow a cancellation that comes with the event.
    waiting = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait([waiting], timeout=seconds)
    finally:
        waiting.cancel()


async def in_own_task(work: Awaitable[Result]) -> Result:
    """Wait for `work`, which a library does, so that a cancellation is never lost.

    Before Python 3.12 `asyncio.wait_for`, which libraries use, can swallow one.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task])
        return task.result()
    finally:
        abandon(task)


def abandon(task: asyncio.Future[Any]) -> None:
    """Cancel a task that nobody waits for any more; it may fail instead."""
    task.cancel()
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
