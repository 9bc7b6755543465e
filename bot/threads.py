"""Work that waits for the disk or computes, beside the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Any, AsyncIterator, Callable, ContextManager, TypeVar

Result = TypeVar("Result")


async def on_thread(work: Callable[..., Result], *arguments: Any) -> Result:
    """Do `work(*arguments)` on one of the loop's threads; raises what it raises."""
    return await asyncio.get_running_loop().run_in_executor(None, work, *arguments)


@contextlib.asynccontextmanager
async def held_on_thread(manager: ContextManager[Result]) -> AsyncIterator[Result]:
    """`manager` for the block, entered and left on threads: a slow disk does not block the loop."""
    held = await on_thread(manager.__enter__)
    try:
        yield held
    except BaseException:
        if not await on_thread(manager.__exit__, *sys.exc_info()):
            raise
    else:
        await on_thread(manager.__exit__, None, None, None)
