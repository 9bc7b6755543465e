"""The middleware of all Bot API calls: pacing, flood waits, retries, harmless errors."""

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

#: A chat's number, or a channel's name.
Chat = Union[int, str]

#: Methods that send or edit messages: Telegram limits their rate.
_PACED = ("send", "edit", "copy", "forward")
#: Methods that change nothing in a chat as the bot calls them: they count for all chats together.
_PACED_OVERALL = ("stop",)
#: Idempotent methods: a retry does no harm.
_RETRIABLE = ("edit", "get", "set", "answer", "delete", "stop", "sendChatAction")
#: Not retried here, because polling has retries of its own.
_NOT_RETRIED = ("getUpdates",)

#: Errors, by method and text, after which nothing is wrong.
_HARMLESS = (
    ("edit", "message is not modified"),
    ("answerCallbackQuery", "query is too old"),
    ("answerCallbackQuery", "query id is invalid"),
)
#: Errors that are harmless on a retry: the first call may have succeeded and its answer been lost.
_HARMLESS_ON_RETRY = (("deleteMessage", "message to delete not found"),)

#: Seconds more than Telegram asks for, because clocks differ.
_MARGIN_S = 0.3
#: The number of chats above which idle ones are forgotten.
_MOST_BUCKETS = 1000


@dataclass(frozen=True)
class Rate:
    """Calls per second in the long run, and the most calls in a burst."""

    per_second: float
    burst: int


@dataclass(frozen=True)
class Limits:
    """Telegram's limits (core.telegram.org/bots/faq): 30 calls per second, 1 in one chat.

    Telegram allows short bursts: an album, its text and a few answers need not wait.

    retry_delays: seconds before each retry of a call that failed on the network or the server.
    """

    overall: Rate = Rate(25, 5)
    private: Rate = Rate(1, 20)
    #: Telegram allows at most 20 per minute.
    group: Rate = Rate(0.25, 5)
    retry_delays: Tuple[float, ...] = (0.5, 1.0, 2.0)


class RateLimiter(BaseRequestMiddleware):
    """A session middleware: `bot.session.middleware(RateLimiter(metrics))`.

    It sends and edits messages within `limits`, in the order of the calls. When Telegram asks to
    wait, it waits and retries the call until it succeeds: callers never get `TelegramRetryAfter`.
    It retries idempotent calls after network and server errors; for other calls (`send...`) the
    caller gets these errors, and decides whether a message may arrive twice. "Message is not
    modified" and "query is too old" count as success. Create it while the event loop runs.
    """

    def __init__(self, metrics: Metrics, limits: Limits = Limits()) -> None:
        self._metrics = metrics
        self._limits = limits
        self._overall = _TokenBucket(limits.overall)
        self._buckets: Dict[Chat, _TokenBucket] = {}

    def paused_until(self, chat_id: Chat) -> float:
        """The `time.monotonic()` until which calls for the chat wait; 0 if never paused."""
        bucket = self._buckets.get(chat_id)
        return bucket.paused_until if bucket else 0.0

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Make the call; raises aiogram's errors except `TelegramRetryAfter`."""
        name = method.__api_method__
        delays = iter(self._limits.retry_delays if _is_retriable(name) else ())
        is_retry = False
        while True:
            await self._wait_for_turn(name, method)
            try:
                result = await _request(make_request, bot, method)
            except TelegramRetryAfter as error:
                self._count(name, error)
                await self._wait_as_asked(name, method, error.retry_after)
            except (TelegramServerError, TelegramNetworkError) as error:
                self._count(name, error)
                delay = next(delays, None)
                if delay is None or isinstance(error, TelegramEntityTooLarge):
                    raise
                _log.info("%s failed (%s); retry in %g s", name, error, delay)
                is_retry = True
                await asyncio.sleep(delay)
            except TelegramBadRequest as error:
                self._count(name, error)
                if not _is_harmless(name, error.message, is_retry):
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
        if name == "sendChatAction" or not name.startswith(_PACED + _PACED_OVERALL):
            return
        # Telegram counts each picture of an album.
        cost = len(getattr(method, "media", ())) if name == "sendMediaGroup" else 1
        chat = _chat_of(method)
        if chat is not None and name.startswith(_PACED):
            await self._bucket(chat).take(cost)
        await self._overall.take(cost)

    async def _wait_as_asked(
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
        pause = retry_after + _MARGIN_S
        if chat is not None:
            self._bucket(chat).pause(pause)
        await asyncio.sleep(pause)

    def _bucket(self, chat: Chat) -> _TokenBucket:
        if chat not in self._buckets:
            if len(self._buckets) >= _MOST_BUCKETS:
                self._buckets = {
                    key: bucket for key, bucket in self._buckets.items() if not bucket.is_idle()
                }
            private = isinstance(chat, int) and chat > 0
            self._buckets[chat] = _TokenBucket(
                self._limits.private if private else self._limits.group
            )
        return self._buckets[chat]

    def _count(self, name: str, error: Exception) -> None:
        self._metrics.api_calls.labels(method=name, outcome=type(error).__name__).inc()


class _TokenBucket:
    """A token bucket that serves calls in their order; it serves none while paused."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._lock = asyncio.Lock()
        self._tokens = float(rate.burst)
        self._filled = time.monotonic()
        self.paused_until = 0.0

    async def take(self, cost: int) -> None:
        # The waiting call holds the lock, so that later ones queue behind it. After each sleep it
        # checks for a pause that began meanwhile.
        async with self._lock:
            delay = self._delay(cost)
            while delay > 0:
                await asyncio.sleep(delay)
                delay = self._delay(cost)
            self._tokens -= cost

    def pause(self, seconds: float) -> None:
        self.paused_until = max(self.paused_until, time.monotonic() + seconds)

    def is_idle(self) -> bool:
        full = self._delay(self._rate.burst) <= 0
        return full and not self._lock.locked()

    def _delay(self, cost: int) -> float:
        """Seconds until `cost` tokens are available."""
        now = time.monotonic()
        gained = (now - self._filled) * self._rate.per_second
        self._tokens = min(self._tokens + gained, float(self._rate.burst))
        self._filled = now
        # The bucket never holds more than a burst: a larger cost makes its level negative.
        missing = min(cost, self._rate.burst) - self._tokens
        return max(missing / self._rate.per_second, self.paused_until - now)


async def _request(
    make_request: NextRequestMiddlewareType[TelegramType],
    bot: Bot,
    method: TelegramMethod[TelegramType],
) -> Response[TelegramType]:
    try:
        return await make_request(bot, method)
    except ClientDecodeError as error:
        if not isinstance(error.original, json.JSONDecodeError):
            raise
        # The error page of a proxy, mostly with status 502, which aiogram reports as no API error.
        raise TelegramServerError(method=method, message="The answer is not JSON.") from error


def _chat_of(method: TelegramMethod[TelegramType]) -> Optional[Chat]:
    return cast(Optional[Chat], getattr(method, "chat_id", None))


def _is_retriable(name: str) -> bool:
    return name.startswith(_RETRIABLE) and name not in _NOT_RETRIED


def _is_harmless(name: str, message: str, is_retry: bool) -> bool:
    known = _HARMLESS + (_HARMLESS_ON_RETRY if is_retry else ())
    return any(name.startswith(prefix) and words in message.lower() for prefix, words in known)
