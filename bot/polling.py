"""Long polling: updates are asked for, taken in, and only then acknowledged."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramConflictError, TelegramUnauthorizedError
from aiogram.methods import TelegramMethod

from bot.errors import NotStored
from bot.log import Problem
from bot.webhook import ALLOWED_UPDATES, Intake

_log = logging.getLogger(__name__)

#: Seconds that Telegram may hold a request while nothing happens.
_HOLD_S = 30
#: Seconds more that the answer may take to arrive.
_TRANSFER_S = 15
#: Seconds to wait after the first failure, the second and so on; the last one for ever.
_BACK_OFF_S = (1.0, 2.0, 5.0, 10.0, 30.0)

#: An update's number, and why it was not stored.
_Refused = Tuple[int, NotStored]


class GetRawUpdates(TelegramMethod[List[Dict[str, Any]]]):
    """getUpdates as it comes: one update that aiogram cannot read must not hold up the others."""

    __returning__ = List[Dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: Optional[int]
    timeout: int
    allowed_updates: List[str]


class Poller:
    """Feeds `intake` until it is cancelled.

    Updates of one chat are taken in one after the other, those of different chats at once. An
    update that is not stored is asked for again, and with it all that came after it; whoever takes
    them in knows those it has seen. A web hook that is set goes away; what it had waiting comes.
    """

    def __init__(
        self, *, bot: Bot, intake: Intake, back_off_s: Sequence[float] = _BACK_OFF_S
    ) -> None:
        self._bot = bot
        self._intake = intake
        self._back_off_s = back_off_s
        self._problem = Problem(_log)
        self._failures = 0
        self._offset: Optional[int] = None
        self._hook_is_gone = False

    @property
    def problem(self) -> Optional[str]:
        """Why no updates arrive, in words."""
        return self._problem.text

    async def run(self) -> None:
        """Poll until cancelled, whatever Telegram and the network do."""
        while True:
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
        method = GetRawUpdates(
            offset=self._offset, timeout=_HOLD_S, allowed_updates=list(ALLOWED_UPDATES)
        )
        updates = await self._bot(method, request_timeout=_HOLD_S + _TRANSFER_S)
        chats: Dict[Any, List[Dict[str, Any]]] = {}
        for update in updates:
            chats.setdefault(_chat_of(update), []).append(update)
        outcomes = await asyncio.gather(*map(self._take_in, chats.values()))
        refused = [outcome for outcome in outcomes if outcome is not None]
        if refused:
            self._offset, reason = min(refused, key=lambda each: each[0])
            raise reason
        if updates:
            self._offset = max(update["update_id"] for update in updates) + 1

    async def _take_in(self, updates: Iterable[Dict[str, Any]]) -> Optional[_Refused]:
        """The first update that was not stored; those after it are not tried."""
        for update in updates:
            try:
                await self._intake(update)
            except NotStored as error:
                return update["update_id"], error
        return None

    async def _back_off(self, problem: str) -> None:
        self._problem.tell(problem)
        delay = self._back_off_s[min(self._failures, len(self._back_off_s) - 1)]
        self._failures += 1
        await asyncio.sleep(delay)


def _chat_of(update: Dict[str, Any]) -> Any:
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
    return f"No updates from Telegram: {error or type(error).__name__}"
