"""Passes each update, from the web hook or from polling, to the dispatcher once."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Awaitable, Callable, Deque, Dict, Optional

from aiogram import Bot, Dispatcher
from aiogram.types import Update
from pydantic import ValidationError

from bot.errors import NotStored, StoreError
from bot.metrics import Metrics
from bot.storage.updates import Updates

_log = logging.getLogger(__name__)

#: Processes one update; returns when it is committed, raises `NotStored` when it is not.
ProcessUpdate = Callable[[Dict[str, Any]], Awaitable[None]]

#: The kinds of update that the bot asks Telegram for.
ALLOWED_UPDATES = ("message", "callback_query")

#: Seconds that a stopping bot waits for the updates in progress.
_CLOSE_SECONDS = 10.0
#: The updates of one chat that may wait in memory; Telegram keeps those that follow.
_MOST_WAITING = 100


@dataclass
class _Entry:
    """An update, from its arrival until it is handled.

    acceptance: stores and queues it. done: it is handled or, when the bot stops, left.
    """

    update_id: int
    update: Dict[str, Any]
    stored: bool = False
    is_restart: bool = False
    acceptance: Optional[asyncio.Future[None]] = None
    done: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class UpdateProcessor:
    """A `ProcessUpdate`: when a call returns, Telegram need not send the update again.

    It stores the update, returns, and handles it in the background: an answer that waits for a rate
    limit keeps no connection. Updates of one chat are handled in order. If the bot ends before an
    update is handled, it is handled at the next start: handlers must allow for that, and orders
    carry an idempotency key. An update that cannot be stored is handled before the call returns.

    An update whose handler raises an error is logged and not tried again: it would fail each time
    and block those behind it.
    """

    def __init__(
        self,
        bot: Bot,
        dispatcher: Dispatcher,
        updates: Updates,
        metrics: Metrics,
        transport: str,
    ) -> None:
        self._bot = bot
        self._dispatcher = dispatcher
        self._updates = updates
        self._metrics = metrics
        self._transport = transport
        self._queues: Dict[Any, Deque[_Entry]] = {}
        self._tasks: Dict[Any, asyncio.Task[None]] = {}
        self._in_progress: Dict[int, _Entry] = {}
        self._closed = False

    async def start(self) -> None:
        """Handle the updates that the last run accepted; call it before any other update comes."""
        for update in await self._updates.waiting():
            self._queue(_Entry(update["update_id"], update, stored=True, is_restart=True))

    async def __call__(self, update: Dict[str, Any]) -> None:
        """Accept an update; raises `NotStored` when the bot is stopping."""
        if self._closed:
            raise NotStored("The bot is stopping.")
        update_id = update.get("update_id")
        if not isinstance(update_id, int):
            _log.warning("Dropped an update that has no update_id.")
            return
        entry = self._in_progress.get(update_id)
        if entry is None:
            entry = self._in_progress[update_id] = _Entry(update_id, update)
            entry.acceptance = asyncio.ensure_future(self._accept(entry))
        # Telegram may send an update again before it is answered: both calls wait for the same. A
        # cancelled caller must not cancel it.
        if entry.acceptance is not None:
            await asyncio.shield(entry.acceptance)
        await self._until_answerable(entry)

    async def finish(self) -> None:
        """Wait until all updates that were accepted are handled."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def close(self) -> None:
        """Accept no more updates, and wait for those that are being handled.

        An update that takes too long, for example because of a rate limit, is cancelled: it is
        handled again at the next start.
        """
        self._closed = True
        if self._tasks:
            _done, late = await asyncio.wait(list(self._tasks.values()), timeout=_CLOSE_SECONDS)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    async def _accept(self, entry: _Entry) -> None:
        is_new = True
        try:
            is_new = await self._updates.accept(entry.update_id, entry.update)
            entry.stored = True
        except StoreError as error:
            # The handlers will get this error too, and tell the user.
            _log.error("%s", error)
        if not is_new:
            self._count("seen")
        if is_new and not self._closed:
            self._queue(entry)
        else:
            self._leave(entry)

    async def _until_answerable(self, entry: _Entry) -> None:
        """Wait while the update is neither stored nor handled, or too many of its chat wait."""
        if not entry.stored:
            return await asyncio.shield(entry.done)
        queue = self._queues.get(chat_of(entry.update), ())
        if len(queue) > _MOST_WAITING:
            await asyncio.shield(queue[-_MOST_WAITING].done)
        return None

    def _queue(self, entry: _Entry) -> None:
        chat = chat_of(entry.update)
        self._in_progress[entry.update_id] = entry
        self._queues.setdefault(chat, deque()).append(entry)
        if chat not in self._tasks:
            self._tasks[chat] = asyncio.ensure_future(self._process_chat(chat))

    async def _process_chat(self, chat: Any) -> None:
        """Handle the chat's updates in order, until none is left or the bot stops."""
        queue = self._queues[chat]
        try:
            while queue and not self._closed:
                entry = queue[0]
                await self._process(entry)
                entry.done.set_result(None)
                queue.popleft()
                del self._in_progress[entry.update_id]
        finally:
            del self._queues[chat], self._tasks[chat]
            for entry in queue:
                self._leave(entry)

    def _leave(self, entry: _Entry) -> None:
        """Let go of an update that is stored, or that stays with Telegram."""
        del self._in_progress[entry.update_id]
        if entry.stored:
            entry.done.set_result(None)
        else:
            entry.done.set_exception(NotStored("The bot is stopping."))
            # Nobody need be waiting for it.
            entry.done.exception()

    async def _process(self, entry: _Entry) -> None:
        if entry.is_restart:
            await self._count_restart(entry.update_id)
        try:
            await self._handle(entry.update_id, entry.update)
        except Exception:  # noqa: BLE001 - a handler may raise anything
            self._count("failed")
            _log.exception("Dropped update %d, whose handler failed.", entry.update_id)
        try:
            await self._updates.mark(entry.update_id)
        except StoreError as error:
            _log.error("%s", error)

    async def _count_restart(self, update_id: int) -> None:
        try:
            await self._updates.count_restart(update_id)
        except StoreError as error:
            _log.error("%s", error)

    async def _handle(self, update_id: int, update: Dict[str, Any]) -> None:
        try:
            parsed = Update.model_validate(update, context={"bot": self._bot})
        except ValidationError as error:
            self._count("failed")
            _log.error("Dropped update %d, which cannot be parsed: %s", update_id, _where(error))
            return
        if all(getattr(parsed, kind) is None for kind in ALLOWED_UPDATES):
            # aiogram would log the whole update.
            self._count("failed")
            kinds = ", ".join(sorted(update.keys() - {"update_id"})) or "nothing"
            _log.error("Dropped update %d, which has only %s.", update_id, kinds)
            return
        await self._dispatcher.feed_update(self._bot, parsed)
        self._count("new")

    def _count(self, outcome: str) -> None:
        self._metrics.updates.labels(transport=self._transport, outcome=outcome).inc()


def chat_of(update: Dict[str, Any]) -> Any:
    """The chat of an update, which is a message or the press of a button below one."""
    for event in update.values():
        if isinstance(event, dict):
            message = event.get("message", event)
            for source in (message, event):
                for key in ("chat", "from"):
                    chat = source.get(key) if isinstance(source, dict) else None
                    if isinstance(chat, dict):
                        return chat.get("id")
    return None


def _where(error: ValidationError) -> str:
    """Which fields are wrong, and how; without their values, which may be what the user wrote."""
    wrong = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['type']}" for each in wrong)
