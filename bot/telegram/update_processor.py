"""Passes each update, from the web hook or from polling, to the dispatcher once."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Awaitable, Callable, Dict

from aiogram import Bot, Dispatcher

from bot.errors import NotStored, StoreError
from bot.metrics import Metrics
from bot.storage.seen_updates import SeenUpdates

_log = logging.getLogger(__name__)

#: Processes one update; returns when it is committed, raises `NotStored` when it is not.
ProcessUpdate = Callable[[Dict[str, Any]], Awaitable[None]]

#: The kinds of update that the bot asks Telegram for.
ALLOWED_UPDATES = ("message", "callback_query")

#: Seconds that a stopping bot waits for the updates in progress.
_CLOSE_SECONDS = 10.0


class UpdateProcessor:
    """A `ProcessUpdate`: when a call returns, Telegram need not send the update again.

    An update whose handler raises an error is logged and not tried again: it would fail each time
    and block those behind it. If the bot dies before it marks an update as seen, Telegram sends
    the update again: handlers must allow for that, and orders carry an idempotency key.
    """

    def __init__(
        self,
        bot: Bot,
        dispatcher: Dispatcher,
        updates: SeenUpdates,
        metrics: Metrics,
        transport: str,
    ) -> None:
        self._bot = bot
        self._dispatcher = dispatcher
        self._updates = updates
        self._metrics = metrics
        self._transport = transport
        self._in_progress: Dict[int, asyncio.Future[None]] = {}
        self._closed = False

    async def __call__(self, update: Dict[str, Any]) -> None:
        """Process an update; raises `NotStored` when the bot is stopping."""
        if self._closed:
            raise NotStored("The bot is stopping.")
        update_id = update.get("update_id")
        if not isinstance(update_id, int):
            _log.warning("Dropped an update that has no update_id.")
            return
        if update_id not in self._in_progress:
            task = asyncio.ensure_future(self._process(update_id, update))
            self._in_progress[update_id] = task
            task.add_done_callback(lambda _task: self._in_progress.pop(update_id))
        # Telegram may send an update again while it is processed: both calls wait for the same
        # task. A cancelled caller must not cancel the handler.
        await asyncio.shield(self._in_progress[update_id])

    async def close(self) -> None:
        """Accept no more updates, and wait for those in progress.

        An update that takes too long, for example because of a rate limit, is cancelled: Telegram
        sends it again.
        """
        self._closed = True
        if self._in_progress:
            _done, late = await asyncio.wait(
                list(self._in_progress.values()), timeout=_CLOSE_SECONDS
            )
            for task in late:
                task.cancel()

    async def _process(self, update_id: int, update: Dict[str, Any]) -> None:
        try:
            if await self._updates.seen(update_id):
                self._count("seen")
                return
        except StoreError as error:
            # The handlers will get this error too, and tell the user.
            _log.error("%s", error)
        try:
            await self._dispatcher.feed_raw_update(self._bot, update)
            self._count("new")
        except Exception:  # noqa: BLE001 - a handler may raise anything
            self._count("failed")
            _log.exception("Dropped update %d, whose handler failed.", update_id)
        try:
            await self._updates.mark(update_id)
        except StoreError as error:
            _log.error("%s", error)

    def _count(self, outcome: str) -> None:
        self._metrics.updates.labels(transport=self._transport, outcome=outcome).inc()
