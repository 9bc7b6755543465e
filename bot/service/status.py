"""What the bot does, in the one line that `systemctl status` shows."""

from __future__ import annotations

from typing import Optional, Union

from bot.errors import StoreError
from bot.jobs.estimates import Estimates
from bot.painting.client import PainterClient
from bot.telegram.polling import Poller
from bot.telegram.webhook_sync import WebhookSync


async def describe(
    estimates: Estimates, painter_client: PainterClient, transport: Union[WebhookSync, Poller, None]
) -> str:
    """The queue, what paints, how updates arrive, and what is wrong with that."""
    parts = [await _queue(estimates), _painter(painter_client), _updates(transport)]
    problem = None if transport is None else transport.problem
    return "; ".join(parts) + (f". {problem}" if problem else "")


async def _queue(estimates: Estimates) -> str:
    try:
        places = [each.place for each in (await estimates.all()).values()]
    except StoreError as error:
        return str(error)
    running = "painting" if 0 in places else "idle"
    return f"{running}, {sum(place > 0 for place in places)} waiting"


def _painter(painter_client: PainterClient) -> str:
    if painter_client.pid is None:
        return "no painter"
    return f"painter on {painter_client.backend or 'no backend yet'}"


def _updates(transport: Union[WebhookSync, Poller, None]) -> str:
    if isinstance(transport, Poller):
        return "polling"
    url: Optional[str] = None if transport is None else transport.url
    return f"web hook at {url}" if url else "no web hook yet"
