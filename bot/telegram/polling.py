"""Long polling: updates are asked for, taken in, and only then acknowledged."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Any, Deque, Dict, List, Optional, Sequence, Set

from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramConflictError, TelegramUnauthorizedError
from aiogram.methods import TelegramMethod

from bot.errors import NotStored
from bot.log import Problem
from bot.telegram.error_text import error_text
from bot.telegram.webhook_server import ALLOWED_UPDATES, UpdateProcessor

_log = logging.getLogger(__name__)

#: Seconds that Telegram may hold a request while nothing happens.
_HOLD_S = 30
#: Seconds more that the answer may take to arrive.
_TRANSFER_S = 15
#: Seconds that updates in work may take before others are asked for, and again each time.
_LOOK_S = 0.5
#: As many updates are in work at the most: Telegram gives no more at once, and gives those that are
#: not acknowledged again.
_MOST = 100
#: Seconds to wait after the first failure, the second and so on; the last one for ever.
_BACK_OFF_S = (1.0, 2.0, 5.0, 10.0, 30.0)

_Update = Dict[str, Any]


class GetRawUpdates(TelegramMethod[List[_Update]]):
    """getUpdates as it comes: one update that aiogram cannot read must not hold up the others."""

    __returning__ = List[_Update]
    __api_method__ = "getUpdates"

    offset: Optional[int]
    limit: int
    timeout: int
    allowed_updates: List[str]


class Poller:
    """Feeds `update_processor` until it is cancelled.

    Updates of one chat are taken in one after the other, those of different chats at once; one that
    takes long, as when Telegram asks to wait, holds up its own chat only. Acknowledged is what comes
    before the first that is not stored. That one is asked for again, and so are those of its chat
    after it. A web hook that is set goes away; what it had waiting comes.
    """

    def __init__(
        self,
        *,
        bot: Bot,
        update_processor: UpdateProcessor,
        back_off_s: Sequence[float] = _BACK_OFF_S,
    ) -> None:
        self._bot = bot
        self._update_processor = update_processor
        self._back_off_s = back_off_s
        self._problem = Problem(_log)
        self._failures = 0
        self._next: Optional[int] = None
        # Those given to this bot and not acknowledged: still to be stored, and stored.
        self._left: Set[int] = set()
        self._stored: Set[int] = set()
        self._waiting: Dict[Any, Deque[_Update]] = {}
        self._tasks: Set[asyncio.Task[None]] = set()
        self._hook_is_gone = False

    @property
    def problem(self) -> Optional[str]:
        """Why no updates arrive, in words."""
        return self._problem.text

    async def run(self) -> None:
        """Poll until cancelled, whatever Telegram and the network do."""
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
            if not self._hook_is_gone:
                await self._bot.delete_webhook(drop_pending_updates=False)
                self._hook_is_gone = True
            await self._poll()
        except (AiogramError, OSError) as error:
            if isinstance(error, TelegramConflictError):
                self._hook_is_gone = False
            await self._back_off(_in_words(error))
        except NotStored as error:
            await self._back_off(f"Updates are left to Telegram: {error}")
        else:
            self._failures = 0
            self._problem.tell(None)

    async def _poll(self) -> None:
        offset = min(self._left, default=self._next)
        self._stored = {number for number in self._stored if offset is None or number >= offset}
        method = GetRawUpdates(
            offset=offset,
            limit=_MOST,
            # What is not acknowledged comes at once, whatever is asked for.
            timeout=0 if self._left else _HOLD_S,
            allowed_updates=list(ALLOWED_UPDATES),
        )
        updates = await self._bot(method, request_timeout=_HOLD_S + _TRANSFER_S)
        if updates:
            self._next = max(update["update_id"] for update in updates) + 1
            self._hand_out(updates)
        if self._tasks:
            done, self._tasks = await asyncio.wait(self._tasks, timeout=_LOOK_S)
            errors = [task.exception() for task in done if not task.cancelled()]
            for error in filter(None, errors):
                raise error

    def _hand_out(self, updates: Sequence[_Update]) -> None:
        """Have each update taken in that is neither stored nor in work."""
        in_work = {each["update_id"] for waiting in self._waiting.values() for each in waiting}
        for update in updates:
            number = update["update_id"]
            if number in self._stored or number in in_work:
                continue
            self._left.add(number)
            chat = _chat_of(update)
            if chat in self._waiting:
                self._waiting[chat].append(update)
            else:
                self._waiting[chat] = deque([update])
                self._tasks.add(asyncio.ensure_future(self._take_in(chat)))

    async def _take_in(self, chat: Any) -> None:
        """Take in the chat's updates up to one that is not stored; those after it are not tried."""
        waiting = self._waiting[chat]
        try:
            while waiting:
                number = waiting[0]["update_id"]
                await self._update_processor(waiting[0])
                waiting.popleft()
                self._left.discard(number)
                self._stored.add(number)
        finally:
            del self._waiting[chat]

    async def _back_off(self, problem: str) -> None:
        self._problem.tell(problem)
        delay = self._back_off_s[min(self._failures, len(self._back_off_s) - 1)]
        self._failures += 1
        await asyncio.sleep(delay)


def _chat_of(update: _Update) -> Any:
    """Which chat an update is from: of a message, or of a button's message."""
    for event in update.values():
        if isinstance(event, dict):
            message = event.get("message", event)
            for whereabouts in (message, event):
                for key in ("chat", "from"):
                    place = whereabouts.get(key) if isinstance(whereabouts, dict) else None
                    if isinstance(place, dict):
                        return place.get("id")
    return None


def _in_words(error: Exception) -> str:
    if isinstance(error, TelegramConflictError):
        return (
            "Another program takes this bot's updates (a second copy of it, or a web hook set"
            " elsewhere). Stop it, or give this one a bot of its own from @BotFather."
            f" Telegram says: {error.message}"
        )
    if isinstance(error, TelegramUnauthorizedError):
        return "Telegram does not know the token. Set BOT_TOKEN to the one that @BotFather shows."
    return f"No updates from Telegram: {error_text(error)}"
