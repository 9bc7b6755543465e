"""What the bot does, in the one line that `systemctl status` shows."""

from __future__ import annotations

from typing import Optional, Union

from bot.errors import StoreError
from bot.jobs.estimates import Estimates
from bot.painting.painters import Painters
from bot.telegram.polling import Poller
from bot.telegram.webhook_sync import WebhookSync


async def describe(
    estimates: Estimates, painters: Painters, transport: Union[WebhookSync, Poller, None]
) -> str:
    """The queue, who paints, how updates arrive, and what is wrong with that."""
    parts = [await _queue(estimates), painters.describe(), _updates(transport)]
    problem = None if transport is None else transport.problem
    return "; ".join(parts) + (f". {problem}" if problem else "")


async def _queue(estimates: Estimates) -> str:
    try:
        places = [each.place for each in (await estimates.all()).values()]
    except StoreError as error:
        return str(error)
    count = places.count(0)
    running = f"painting {count} at once" if count > 1 else "painting" if count else "idle"
    return f"{running}, {sum(place > 0 for place in places)} waiting"


def _updates(transport: Union[WebhookSync, Poller, None]) -> str:
    if isinstance(transport, Poller):
        return "polling"
    url: Optional[str] = None if transport is None else transport.url
    return f"web hook at {url}" if url else "no web hook yet"
