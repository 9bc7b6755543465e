"""The updates that wait for the bot, and the long polling that fetches them."""

from __future__ import annotations

import itertools
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Tuple

from bot.sandbox.api.arguments import Json
from bot.sandbox.errors import Refusal
from bot.sandbox.signals import Signal

POLL_LIMIT = 100
POLL_SECONDS = 50


@dataclass(frozen=True)
class Update:
    """An update that waits. Those of one lane, that is of one chat, go out one by one."""

    number: int
    lane: int
    body: Json


class Updates:
    """The queue of updates. Each stays until the bot has acknowledged it."""

    def __init__(self) -> None:
        self.allowed: Tuple[str, ...] = ()
        self.changed = Signal()
        self.on_push: Callable[[int], None] = lambda lane: None
        self._lanes: Dict[int, OrderedDict[int, Update]] = {}
        self._numbers = itertools.count(1)
        # A bot that remembers the ids of a former sandbox must not take these for the same.
        self._ids = itertools.count(int(time.time()))
        self._polls = 0
        self._conflict = ""

    def __len__(self) -> int:
        return sum(map(len, self._lanes.values()))

    @property
    def lanes(self) -> List[int]:
        """The lanes in which updates wait."""
        return list(self._lanes)

    def push(self, kind: str, payload: Json, lane: int) -> None:
        """Queue an update, unless the bot did not ask for its kind."""
        if not self.allowed or kind in self.allowed:
            self.push_raw({kind: payload}, lane)

    def push_raw(self, body: Json, lane: int) -> int:
        """Queue any object as an update and return its `update_id`, a new one if it has none."""
        if "update_id" not in body:
            body = {"update_id": next(self._ids), **body}
        update = Update(next(self._numbers), lane, body)
        self._lanes.setdefault(lane, OrderedDict())[update.number] = update
        self.changed.fire()
        self.on_push(lane)
        return int(body["update_id"])

    def first(self, lane: int) -> Optional[Update]:
        """The oldest update of a lane."""
        return next(iter(self._lanes.get(lane, {}).values()), None)

    def acknowledge(self, update: Update) -> None:
        """Forget an update that the bot has taken."""
        waiting = self._lanes.get(update.lane, OrderedDict())
        waiting.pop(update.number, None)
        if not waiting:
            self._lanes.pop(update.lane, None)
        self.changed.fire()

    def drop(self) -> None:
        """Forget all that wait."""
        self._lanes.clear()
        self.changed.fire()

    def in_order(self) -> List[Update]:
        """All updates that wait, oldest first."""
        waiting = [update for lane in self._lanes.values() for update in lane.values()]
        return sorted(waiting, key=lambda update: update.number)

    def interrupt(self, reason: str) -> None:
        """End the poll that waits, if any, with a conflict."""
        self._polls += 1
        self._conflict = reason
        self.changed.fire()

    async def poll(self, offset: int, limit: int, seconds: float) -> List[Json]:
        """What `getUpdates` answers. Raises `Refusal` when another poll takes over.

        Updates before `offset` are acknowledged; a negative one counts from the newest.
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
        while not len(self) and time.monotonic() < deadline:
            await self.changed.wait(deadline - time.monotonic())
            if self._polls != own_poll:
                raise Refusal(409, f"Conflict: {self._conflict}")
        return [update.body for update in self.in_order()[:limit]]
