"""Waiting for a change without polling."""

from __future__ import annotations

import asyncio
from typing import Callable, Optional, Set, TypeVar

from bot.sandbox.errors import WaitTimeout

Found = TypeVar("Found")

#: Seconds that a test waits for what should come at once: other work may keep the processors busy.
PATIENCE = 30.0


class ChangeSignal:
    """Wakes all waiting tasks whenever something changes. For one event loop.

    Unlike an `asyncio.Condition` it can be fired from code that is not async, and created before
    the loop runs, which the primitives of Python 3.8 cannot.
    """

    def __init__(self) -> None:
        self._waiting: Set[asyncio.Future[None]] = set()

    def fire(self) -> None:
        """Wake the tasks that wait now."""
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def wait(self, timeout: Optional[float] = None) -> bool:
        """Wait for the next `fire`; returns False after `timeout` seconds."""
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
        describe: Callable[[], str] = lambda: "Nothing happened",
    ) -> Found:
        """The first result of `look` that is not None; it is called now and after every change.

        Raises `WaitTimeout` after `timeout` seconds, with the result of `describe` in its message.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + timeout
        while True:
            found = look()
            if found is not None:
                return found
            if clock() >= deadline:
                raise WaitTimeout(f"{describe()} within {timeout:g} s.")
            await self.wait(max(0.0, deadline - clock()))
