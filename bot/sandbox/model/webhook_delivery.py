"""Delivery of updates to the bot's web hook: in order within a chat, until the bot accepts them."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from typing import Dict, Optional, Tuple

import aiohttp

from bot.sandbox.api.arguments import Json
from bot.sandbox.change_signal import ChangeSignal
from bot.sandbox.model.update_queue import Update, UpdateQueue

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
DEFAULT_CONNECTIONS = 40

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Webhook:
    """The parameters of `setWebhook`, and the last delivery error."""

    url: str = ""
    secret_token: str = ""
    max_connections: int = DEFAULT_CONNECTIONS
    last_error_date: Optional[int] = None
    last_error_message: Optional[str] = None


@dataclass(frozen=True)
class Redelivery:
    """When an update that the bot did not accept is sent again; all in seconds.

    The delay doubles with each failure in a chat, from `first` to `longest`; a delivery without an
    answer fails after `timeout`.
    """

    first: float = 1.0
    longest: float = 60.0
    timeout: float = 60.0


class WebhookDelivery:
    """Sends the updates to the web hook while one is set."""

    def __init__(self, updates: UpdateQueue, redelivery: Redelivery) -> None:
        self.hook = Webhook()
        self._updates = updates
        self._redelivery = redelivery
        self._session: Optional[aiohttp.ClientSession] = None
        self._slots: Optional[asyncio.Semaphore] = None
        self._tasks: Dict[int, asyncio.Task[None]] = {}
        self._retry = ChangeSignal()
        updates.on_push = self._wake

    async def start(self) -> None:
        """Open the connection pool."""
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def close(self) -> None:
        """Stop all deliveries; updates that were not accepted are lost."""
        self.hook = Webhook()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def set(self, hook: Webhook) -> None:
        """Deliver to `hook` from now on; an empty URL stops the deliveries."""
        self.hook = hook
        self._slots = asyncio.Semaphore(hook.max_connections)
        self._retry.fire()
        for chat_id in self._updates.chat_ids:
            self._wake(chat_id)

    def info(self) -> Json:
        """The result of `getWebhookInfo`."""
        hook = self.hook
        described: Json = {
            "url": hook.url,
            "has_custom_certificate": False,
            "pending_update_count": len(self._updates),
        }
        if hook.url:
            described["max_connections"] = hook.max_connections
        if hook.last_error_date is not None:
            described["last_error_date"] = hook.last_error_date
            described["last_error_message"] = hook.last_error_message
        if self._updates.allowed:
            described["allowed_updates"] = list(self._updates.allowed)
        return described

    def _wake(self, chat_id: int) -> None:
        """Start to deliver a chat's updates, unless a task does already."""
        if self.hook.url and chat_id not in self._tasks:
            self._tasks[chat_id] = asyncio.ensure_future(self._deliver(chat_id))

    async def _deliver(self, chat_id: int) -> None:
        """Deliver a chat's updates one by one until none is left."""
        delay = self._redelivery.first
        try:
            while self.hook.url:
                update = self._updates.first(chat_id)
                if update is None:
                    return
                failure = await self._send(update)
                if failure is None:
                    self._updates.acknowledge(update)
                    delay = self._redelivery.first
                    continue
                _log.debug("Update %s was not accepted: %s", update.body["update_id"], failure)
                self.hook = replace(
                    self.hook, last_error_date=int(time.time()), last_error_message=failure
                )
                await self._retry.wait(delay)
                delay = min(2 * delay, self._redelivery.longest)
        finally:
            # Without an await since the queue was found empty: the next push starts a new task.
            del self._tasks[chat_id]

    async def _send(self, update: Update) -> Optional[str]:
        """Send one update; returns the error, None on success."""
        assert self._session is not None and self._slots is not None
        async with self._slots:
            hook = self.hook
            if not hook.url:
                return "The web hook was deleted"
            headers = {SECRET_HEADER: hook.secret_token} if hook.secret_token else {}
            try:
                async with self._session.post(
                    hook.url,
                    json=update.body,
                    headers=headers,
                    timeout=aiohttp.ClientTimeout(total=self._redelivery.timeout),
                    allow_redirects=False,
                ) as response:
                    await response.read()
                    if 200 <= response.status < 300:
                        return None
                    return f"Wrong response from the webhook: {response.status} {response.reason}"
            except asyncio.TimeoutError:
                return "Read timeout expired"
            except aiohttp.ClientConnectorError:
                return "Connection refused"
            except aiohttp.ClientError as error:
                return f"Connection failed: {type(error).__name__}"


def parse_allowed(names: object) -> Tuple[str, ...]:
    """The kinds of updates that the bot wants; none means the default kinds."""
    return tuple(str(name) for name in names) if isinstance(names, list) else ()
