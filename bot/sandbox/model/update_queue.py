"""The updates that wait for the bot, and long polling."""

from __future__ import annotations

import itertools
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Tuple

from bot.sandbox.api.arguments import Json
from bot.sandbox.change_signal import ChangeSignal
from bot.sandbox.errors import ApiError

POLL_LIMIT = 100
POLL_SECONDS = 50


@dataclass(frozen=True)
class Update:
    """A waiting update. The updates of one chat are delivered one by one."""

    number: int
    chat_id: int
    body: Json


class UpdateQueue:
    """The queue of updates. Each stays in it until the bot acknowledges it."""

    def __init__(self) -> None:
        self.allowed: Tuple[str, ...] = ()
        self.changed = ChangeSignal()
        self.on_push: Callable[[int], None] = lambda chat_id: None
        self._by_chat: Dict[int, OrderedDict[int, Update]] = {}
        self._numbers = itertools.count(1)
        # A bot that remembers the ids of an earlier sandbox must not take these for known ones.
        self._ids = itertools.count(int(time.time()))
        self._polls = 0
        self._conflict = ""
        self._closed = False

    def __len__(self) -> int:
        return sum(map(len, self._by_chat.values()))

    @property
    def chat_ids(self) -> List[int]:
        """The chats of the waiting updates."""
        return list(self._by_chat)

    def push(self, kind: str, payload: Json, chat_id: int) -> None:
        """Queue an update if the bot asked for its kind."""
        if not self.allowed or kind in self.allowed:
            self.push_raw({kind: payload}, chat_id)

    def push_raw(self, body: Json, chat_id: int) -> int:
        """Queue any object as an update; returns its `update_id`, a new one if it has none."""
        if "update_id" not in body:
            body = {"update_id": next(self._ids), **body}
        update = Update(next(self._numbers), chat_id, body)
        self._by_chat.setdefault(chat_id, OrderedDict())[update.number] = update
        self.changed.fire()
        self.on_push(chat_id)
        return int(body["update_id"])

    def first(self, chat_id: int) -> Optional[Update]:
        """The oldest update of a chat."""
        return next(iter(self._by_chat.get(chat_id, {}).values()), None)

    def acknowledge(self, update: Update) -> None:
        """Remove an update that the bot has processed."""
        waiting = self._by_chat.get(update.chat_id, OrderedDict())
        waiting.pop(update.number, None)
        if not waiting:
            self._by_chat.pop(update.chat_id, None)
        self.changed.fire()

    def drop(self) -> None:
        """Remove all updates."""
        self._by_chat.clear()
        self.changed.fire()

    def in_order(self) -> List[Update]:
        """All waiting updates, oldest first."""
        waiting = [update for queue in self._by_chat.values() for update in queue.values()]
        return sorted(waiting, key=lambda update: update.number)

    def interrupt(self, reason: str) -> None:
        """End a waiting poll with a conflict."""
        self._polls += 1
        self._conflict = reason
        self.changed.fire()

    def close(self) -> None:
        """End a waiting poll, and each later one at once, without updates."""
        self._closed = True
        self.changed.fire()

    async def poll(self, offset: int, limit: int, seconds: float) -> List[Json]:
        """The result of `getUpdates`. Raises `ApiError` when another poll begins.

        UpdateQueue before `offset` are acknowledged; a negative one counts from the newest.
        """
        waiting = self.in_order()
        if offset < 0:
            for update in waiting[:offset]:
                self.acknowledge(update)
        for update in waiting:
            if offset > 0 and update.body["update_id"] < offset:
                self.acknowledge(update)
        self.interrupt(
            "terminated by other getUpdates request; make sure that only one bot instance is"
            " running"
        )
        own_poll = self._polls
        deadline = time.monotonic() + min(seconds, POLL_SECONDS)
        while not len(self) and not self._closed and time.monotonic() < deadline:
            await self.changed.wait(deadline - time.monotonic())
            if self._polls != own_poll:
                raise ApiError(409, f"Conflict: {self._conflict}")
        return [update.body for update in self.in_order()[:limit]]
