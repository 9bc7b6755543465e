"""Work that waits for the disk or computes, beside the event loop."""

from __future__ import annotations

import asyncio
from typing import Any, Callable, TypeVar

Result = TypeVar("Result")


async def on_thread(work: Callable[..., Result], *arguments: Any) -> Result:
    """Do `work(*arguments)` on one of the loop's threads; raises what it raises."""
    return await asyncio.get_running_loop().run_in_executor(None, work, *arguments)
