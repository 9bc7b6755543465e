"""Takes one update, from the web hook or from polling, through the dispatcher: once."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Dict

from aiogram import Bot, Dispatcher

from bot.errors import NotStored, StoreError
from bot.metrics import Metrics
from bot.storage.seen_updates import Updates

_log = logging.getLogger(__name__)

#: Seconds in which a stopping bot ends what it is handling.
_CLOSE_SECONDS = 10.0


class UpdateProcessor:
    """Called with an update; when it returns, the update is dealt with and need not come again.

    An update that no handler survives is logged and not tried again: it would fail for ever, and
    hold up those behind it. When the bot dies before the update is marked, it comes again: handlers
    must bear that, and job orders carry a key against it.
    """

    def __init__(
        self, bot: Bot, dispatcher: Dispatcher, updates: Updates, metrics: Metrics, transport: str
    ) -> None:
        self._bot = bot
        self._dispatcher = dispatcher
        self._updates = updates
        self._metrics = metrics
        self._transport = transport
        self._in_work: Dict[int, asyncio.Future[None]] = {}
        self._closed = False

    async def __call__(self, update: Dict[str, Any]) -> None:
        """Handle an update of Telegram; raises `NotStored` once the bot is stopping."""
        if self._closed:
            raise NotStored("The bot is stopping.")
        update_id = update.get("update_id")
        if not isinstance(update_id, int):
            _log.warning("An update without a number was dropped.")
            return
        if update_id not in self._in_work:
            task = asyncio.ensure_future(self._take(update_id, update))
            self._in_work[update_id] = task
            task.add_done_callback(lambda _task: self._in_work.pop(update_id))
        # Telegram has sent it again while it is handled: both wait for the same end. A caller that
        # goes away must not take the handler with it.
        await asyncio.shield(self._in_work[update_id])

    async def close(self) -> None:
        """Take no more; wait for what is in work.

        What takes too long, as an answer that Telegram holds up, is left: it comes again.
        """
        self._closed = True
        if self._in_work:
            _done, late = await asyncio.wait(list(self._in_work.values()), timeout=_CLOSE_SECONDS)
            for task in late:
                task.cancel()

    async def _take(self, update_id: int, update: Dict[str, Any]) -> None:
        try:
            if await self._updates.seen(update_id):
                self._count("seen")
                return
        except StoreError as error:
            # The handlers will meet it too, and tell the user.
            _log.error("%s", error)
        try:
            await self._dispatcher.feed_raw_update(self._bot, update)
            self._count("new")
        except Exception:  # noqa: BLE001 - a handler may raise anything
            self._count("failed")
            _log.exception("Update %d could not be handled and is dropped.", update_id)
        try:
            await self._updates.mark(update_id)
        except StoreError as error:
            _log.error("%s", error)

    def _count(self, outcome: str) -> None:
        self._metrics.updates.labels(transport=self._transport, outcome=outcome).inc()
