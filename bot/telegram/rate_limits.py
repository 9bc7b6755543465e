"""Every call of the Bot API goes through here: pacing, flood waits, repeats, harmless refusals."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from dataclasses import dataclass
from typing import Dict, Optional, Tuple, Union, cast

from aiogram import Bot
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType

from bot.metrics import Metrics

_log = logging.getLogger(__name__)

#: Telegram numbers chats; a channel may go by its name.
Chat = Union[int, str]

#: They make or change a message, which is what Telegram counts.
_PACED = ("send", "edit", "copy", "forward")
#: Doing them twice is doing them once.
_REPEATABLE = ("edit", "get", "set", "answer", "delete", "sendChatAction")
#: Polling backs off by itself.
_UNREPEATED = ("getUpdates",)

#: What a refusal says, for which methods, when all is as it should be.
_HARMLESS = (
    ("edit", "message is not modified"),
    ("answerCallbackQuery", "query is too old"),
    ("answerCallbackQuery", "query id is invalid"),
)
#: The same, for a call whose first answer may have been lost.
_HARMLESS_AGAIN = (("deleteMessage", "message to delete not found"),)

#: Seconds more than Telegram asks for: its clock is not ours.
_MARGIN = 0.3
_MANY_GATES = 1000


@dataclass(frozen=True)
class Rate:
    """Calls per second in the long run, and how many may go at once after a rest."""

    per_second: float
    burst: int


@dataclass(frozen=True)
class Limits:
    """What Telegram bears (core.telegram.org/bots/faq): 30 a second, 1 a second in a chat for long.

    It bears short bursts: an album, its text and a few answers must not wait for each other.

    repeats: seconds before each further try of a call that failed on the way.
    """

    overall: Rate = Rate(25, 5)
    private: Rate = Rate(1, 20)
    #: At most 20 in any minute.
    group: Rate = Rate(0.25, 5)
    repeats: Tuple[float, ...] = (0.5, 1.0, 2.0)


class RateLimiter(BaseRequestMiddleware):
    """A session middleware: `bot.session.middleware(FloodControl(metrics))`.

    Messages are sent and edited no faster than `limits`, first come, first served. When Telegram
    asks to wait, the call is held for so long and made again, as often as it takes: no caller sees
    `TelegramRetryAfter`. Calls that may be made twice are repeated after network and server errors;
    for the others (`send...`) those errors reach the caller, who alone knows whether twice is
    better than never. "Message is not modified" and "query is too old" count as success. Make it
    while the event loop runs.
    """

    def __init__(self, metrics: Metrics, limits: Limits = Limits()) -> None:
        self._metrics = metrics
        self._limits = limits
        self._overall = _Gate(limits.overall)
        self._gates: Dict[Chat, _Gate] = {}

    def paused_until(self, chat_id: Chat) -> float:
        """The `time.monotonic()` before which calls for the chat are held; 0 if never paused."""
        gate = self._gates.get(chat_id)
        return gate.paused_until if gate else 0.0

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Make the call; raises the errors of aiogram but `TelegramRetryAfter`."""
        name = method.__api_method__
        delays = iter(self._limits.repeats if _is_repeatable(name) else ())
        again = False
        while True:
            await self._wait_for_turn(name, method)
            try:
                result = await _asked(make_request, bot, method)
            except TelegramRetryAfter as error:
                self._count(name, error)
                await self._obey(name, method, error.retry_after)
            except (TelegramServerError, TelegramNetworkError) as error:
                self._count(name, error)
                delay = next(delays, None)
                if delay is None or isinstance(error, TelegramEntityTooLarge):
                    raise
                _log.info("%s failed (%s); again in %g s", name, error, delay)
                again = True
                await asyncio.sleep(delay)
            except TelegramBadRequest as error:
                self._count(name, error)
                if not _is_harmless(name, error.message, again):
                    raise
                _log.debug("%s: %s", name, error.message)
                return cast(Response[TelegramType], True)
            except TelegramAPIError as error:
                self._count(name, error)
                raise
            else:
                self._metrics.api_calls.labels(method=name, outcome="ok").inc()
                return result

    async def _wait_for_turn(self, name: str, method: TelegramMethod[TelegramType]) -> None:
        if name == "sendChatAction" or not name.startswith(_PACED):
            return
        # Each picture of an album counts.
        cost = len(getattr(method, "media", ())) if name == "sendMediaGroup" else 1
        chat = _chat_of(method)
        if chat is not None:
            await self._gate(chat).pass_through(cost)
        await self._overall.pass_through(cost)

    async def _obey(
        self, name: str, method: TelegramMethod[TelegramType], retry_after: float
    ) -> None:
        chat = _chat_of(method)
        _log.warning(
            "Telegram asks to wait %g s before %s%s",
            retry_after,
            name,
            "" if chat is None else f" in chat {chat}",
        )
        self._metrics.flood_waits.inc()
        self._metrics.flood_wait_seconds.inc(retry_after)
        pause = retry_after + _MARGIN
        if chat is not None:
            self._gate(chat).pause(pause)
        await asyncio.sleep(pause)

    def _gate(self, chat: Chat) -> _Gate:
        if chat not in self._gates:
            if len(self._gates) >= _MANY_GATES:
                self._gates = {key: gate for key, gate in self._gates.items() if not gate.is_idle()}
            private = isinstance(chat, int) and chat > 0
            self._gates[chat] = _Gate(self._limits.private if private else self._limits.group)
        return self._gates[chat]

    def _count(self, name: str, error: Exception) -> None:
        self._metrics.api_calls.labels(method=name, outcome=type(error).__name__).inc()


class _Gate:
    """Lets calls through in their order at a rate; none while it is paused."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._lock = asyncio.Lock()
        self._tokens = float(rate.burst)
        self._filled = time.monotonic()
        self.paused_until = 0.0

    async def pass_through(self, cost: int) -> None:
        # Whoever waits holds the lock, so that the next one queues behind it; a pause that begins
        # meanwhile is seen at the next round.
        async with self._lock:
            wait = self._wait(cost)
            while wait > 0:
                await asyncio.sleep(wait)
                wait = self._wait(cost)
            self._tokens -= cost

    def pause(self, seconds: float) -> None:
        self.paused_until = max(self.paused_until, time.monotonic() + seconds)

    def is_idle(self) -> bool:
        full = self._wait(self._rate.burst) <= 0
        return full and not self._lock.locked()

    def _wait(self, cost: int) -> float:
        """Seconds until `cost` may pass."""
        now = time.monotonic()
        gained = (now - self._filled) * self._rate.per_second
        self._tokens = min(self._tokens + gained, float(self._rate.burst))
        self._filled = now
        # More than a burst would never be there: it goes into debt.
        missing = min(cost, self._rate.burst) - self._tokens
        return max(missing / self._rate.per_second, self.paused_until - now)


async def _asked(
    make_request: NextRequestMiddlewareType[TelegramType],
    bot: Bot,
    method: TelegramMethod[TelegramType],
) -> Response[TelegramType]:
    try:
        return await make_request(bot, method)
    except ClientDecodeError as error:
        if not isinstance(error.original, json.JSONDecodeError):
            raise
        # The page of a proxy in between, mostly with 502: not one of aiogram's API errors.
        raise TelegramServerError(method=method, message="The answer is not JSON.") from error


def _chat_of(method: TelegramMethod[TelegramType]) -> Optional[Chat]:
    return cast(Optional[Chat], getattr(method, "chat_id", None))


def _is_repeatable(name: str) -> bool:
    return name.startswith(_REPEATABLE) and name not in _UNREPEATED


def _is_harmless(name: str, message: str, again: bool) -> bool:
    known = _HARMLESS + (_HARMLESS_AGAIN if again else ())
    return any(name.startswith(prefix) and words in message.lower() for prefix, words in known)
