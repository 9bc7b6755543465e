"""Waiting for an event, or for time to pass."""

from __future__ import annotations

import asyncio
from typing import Optional


async def wait_at_most(event: asyncio.Event, seconds: Optional[float]) -> None:
    """Wait until `event` is set, but no longer than `seconds`; with None, as long as it takes."""
    # Not wait_for: before Python 3.12 it can swallow a cancellation that comes with the event.
    waiting = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait([waiting], timeout=seconds)
    finally:
        waiting.cancel()
