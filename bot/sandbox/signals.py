"""Waiting for a change without looking again and again."""

from __future__ import annotations

import asyncio
from typing import Callable, Optional, Set, TypeVar

from bot.sandbox.errors import NothingCame

Found = TypeVar("Found")


class Signal:
    """Wakes all who wait, each time something changes. For one event loop.

    Unlike an `asyncio.Condition` it can be fired by code that is not async, and it may be made
    before the loop runs, which Python 3.8's primitives may not.
    """

    def __init__(self) -> None:
        self._waiting: Set[asyncio.Future[None]] = set()

    def fire(self) -> None:
        """Wake all who wait now."""
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def wait(self, timeout: Optional[float] = None) -> bool:
        """Wait for the next `fire`; False if `timeout` seconds went by first."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait_for(future, timeout)
        except asyncio.TimeoutError:
            return False
        finally:
            self._waiting.discard(future)
        return True

    async def until(
        self,
        look: Callable[[], Optional[Found]],
        timeout: float,
        complaint: Callable[[], str] = lambda: "Nothing came",
    ) -> Found:
        """What `look` finds, tried now and after every change.

        Raises `NothingCame`, with what `complaint` says, after `timeout` seconds.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + timeout
        while True:
            found = look()
            if found is not None:
                return found
            if clock() >= deadline:
                raise NothingCame(f"{complaint()} within {timeout:g} s.")
            await self.wait(max(0.0, deadline - clock()))
