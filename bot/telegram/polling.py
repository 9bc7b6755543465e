"""Long polling: the bot asks for updates, and acknowledges those that are stored."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Any, Deque, Dict, List, Optional, Sequence, Set

from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramConflictError
from aiogram.methods import TelegramMethod

from bot.backoff import Backoff
from bot.errors import NotStored
from bot.log import Problem
from bot.telegram.error_text import TOKEN_REFUSED, UNKNOWN_TOKEN, error_text
from bot.telegram.update_processor import ALLOWED_UPDATES, ProcessUpdate, chat_of

_log = logging.getLogger(__name__)

#: Seconds for which Telegram holds a request while there are no updates.
_LONG_POLL_S = 30
#: Seconds more for the answer to arrive.
_TRANSFER_S = 15
#: Seconds to wait for the updates in progress between two requests.
_WAIT_S = 0.5
#: The most that Telegram sends at once. It sends those that are not acknowledged again, so that no
#: more than these are ever in progress.
_BATCH_SIZE = 100
#: Seconds to wait after the first failure in a row, and the most after further ones.
_FIRST_PAUSE_S, _MOST_PAUSE_S = 1.0, 30.0

_Update = Dict[str, Any]


class GetRawUpdates(TelegramMethod[List[_Update]]):
    """getUpdates without parsing: an update that aiogram cannot parse must not block the others."""

    __returning__ = List[_Update]
    __api_method__ = "getUpdates"

    offset: Optional[int]
    limit: int
    timeout: int
    allowed_updates: List[str]


class Poller:
    """Passes updates to `update_processor` until it is cancelled.

    It processes the updates of one chat in order and those of different chats concurrently: a slow
    one, for example when Telegram asks to wait, delays only its own chat. It acknowledges all
    updates before the first that is not stored, and requests that one again together with those of
    the same chat that follow. It deletes a web hook, and receives the updates that were waiting.
    """

    def __init__(
        self,
        *,
        bot: Bot,
        update_processor: ProcessUpdate,
        backoff: Optional[Backoff] = None,
    ) -> None:
        self._bot = bot
        self._update_processor = update_processor
        self._backoff = backoff or Backoff(_FIRST_PAUSE_S, _MOST_PAUSE_S)
        self._problem = Problem(_log)
        self._next: Optional[int] = None
        # Received and not acknowledged: those not stored yet, and those that are.
        self._unstored: Set[int] = set()
        self._stored: Set[int] = set()
        self._waiting: Dict[Any, Deque[_Update]] = {}
        self._tasks: Set[asyncio.Task[None]] = set()
        self._webhook_deleted = False

    @property
    def problem(self) -> Optional[str]:
        """Why no updates arrive; `None` if they do."""
        return self._problem.text

    async def run(self) -> None:
        """Poll until cancelled; errors only cause a pause."""
        try:
            while True:
                await self._poll_or_back_off()
        finally:
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)

    async def _poll_or_back_off(self) -> None:
        try:
            if not self._webhook_deleted:
                await self._bot.delete_webhook(drop_pending_updates=False)
                self._webhook_deleted = True
            await self._poll()
        except (AiogramError, OSError) as error:
            if isinstance(error, TelegramConflictError):
                self._webhook_deleted = False
            await self._back_off(_describe(error))
        except NotStored as error:
            await self._back_off(f"Updates are not stored and stay with Telegram: {error}")
        else:
            self._backoff.reset()
            self._problem.report(None)

    async def _poll(self) -> None:
        offset = min(self._unstored, default=self._next)
        self._stored = {number for number in self._stored if offset is None or number >= offset}
        method = GetRawUpdates(
            offset=offset,
            limit=_BATCH_SIZE,
            # Telegram sends at once what is not acknowledged: there is nothing to wait for.
            timeout=0 if self._unstored else _LONG_POLL_S,
            allowed_updates=list(ALLOWED_UPDATES),
        )
        updates = await self._bot(method, request_timeout=_LONG_POLL_S + _TRANSFER_S)
        if updates:
            self._next = max(update["update_id"] for update in updates) + 1
            self._start_processing(updates)
        if self._tasks:
            done, self._tasks = await asyncio.wait(self._tasks, timeout=_WAIT_S)
            errors = [task.exception() for task in done if not task.cancelled()]
            for error in filter(None, errors):
                raise error

    def _start_processing(self, updates: Sequence[_Update]) -> None:
        """Start to process each update that is neither stored nor in progress."""
        in_progress = {each["update_id"] for waiting in self._waiting.values() for each in waiting}
        for update in updates:
            number = update["update_id"]
            if number in self._stored or number in in_progress:
                continue
            self._unstored.add(number)
            chat = chat_of(update)
            if chat in self._waiting:
                self._waiting[chat].append(update)
            else:
                self._waiting[chat] = deque([update])
                self._tasks.add(asyncio.ensure_future(self._process(chat)))

    async def _process(self, chat: Any) -> None:
        """Process the chat's updates in order; stop at one that is not stored."""
        waiting = self._waiting[chat]
        try:
            while waiting:
                number = waiting[0]["update_id"]
                await self._update_processor(waiting[0])
                waiting.popleft()
                self._unstored.discard(number)
                self._stored.add(number)
        finally:
            del self._waiting[chat]

    async def _back_off(self, problem: str) -> None:
        self._problem.report(problem)
        await asyncio.sleep(self._backoff.next())


def _describe(error: Exception) -> str:
    if isinstance(error, TelegramConflictError):
        return (
            "Another program receives this bot's updates (a second copy of it, or a web hook set"
            " elsewhere). Stop it, or get a second bot from @BotFather for one of the two."
            f" Telegram says: {error.message}"
        )
    if isinstance(error, TOKEN_REFUSED):
        return UNKNOWN_TOKEN
    return f"No updates from Telegram: {error_text(error)}"
