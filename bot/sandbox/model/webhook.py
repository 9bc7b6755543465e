"""Updates to the bot's web hook: in order within a chat, chats side by side, until taken."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from typing import Dict, Optional, Tuple

import aiohttp

from bot.sandbox.api.arguments import Json
from bot.sandbox.model.updates import Update, Updates
from bot.sandbox.signals import Signal

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
DEFAULT_CONNECTIONS = 40

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WebHook:
    """What `setWebhook` set, and the last failure to deliver there."""

    url: str = ""
    secret_token: str = ""
    max_connections: int = DEFAULT_CONNECTIONS
    last_error_date: Optional[int] = None
    last_error_message: Optional[str] = None


@dataclass(frozen=True)
class Redelivery:
    """When an update that the bot did not take is sent again; all in seconds.

    The delay doubles with each failure of a chat from `first` to `longest`; after `timeout` an
    unanswered delivery counts as failed.
    """

    first: float = 1.0
    longest: float = 60.0
    timeout: float = 60.0


class Delivery:
    """Sends the updates to the web hook while there is one."""

    def __init__(self, updates: Updates, redelivery: Redelivery) -> None:
        self.hook = WebHook()
        self._updates = updates
        self._redelivery = redelivery
        self._session: Optional[aiohttp.ClientSession] = None
        self._slots: Optional[asyncio.Semaphore] = None
        self._lanes: Dict[int, asyncio.Task[None]] = {}
        self._again = Signal()
        updates.on_push = self._wake

    async def start(self) -> None:
        """Open the connections' pool."""
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def close(self) -> None:
        """Stop all deliveries; what was not taken is lost with the sandbox."""
        self.hook = WebHook()
        lanes = list(self._lanes.values())
        for task in lanes:
            task.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def set(self, hook: WebHook) -> None:
        """Deliver there from now on, at once; nowhere if the URL is empty."""
        self.hook = hook
        self._slots = asyncio.Semaphore(hook.max_connections)
        self._again.fire()
        for lane in self._updates.lanes:
            self._wake(lane)

    def described(self) -> Json:
        """What `getWebhookInfo` answers."""
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

    def _wake(self, lane: int) -> None:
        """Begin to deliver a chat's updates, unless that goes on already."""
        if self.hook.url and lane not in self._lanes:
            self._lanes[lane] = asyncio.ensure_future(self._serve(lane))

    async def _serve(self, lane: int) -> None:
        """Deliver a chat's updates one by one until none is left."""
        delay = self._redelivery.first
        try:
            while self.hook.url:
                update = self._updates.first(lane)
                if update is None:
                    return
                failure = await self._send(update)
                if failure is None:
                    self._updates.acknowledge(update)
                    delay = self._redelivery.first
                    continue
                _log.debug("Update %s was not taken: %s", update.body["update_id"], failure)
                self.hook = replace(
                    self.hook, last_error_date=int(time.time()), last_error_message=failure
                )
                await self._again.wait(delay)
                delay = min(2 * delay, self._redelivery.longest)
        finally:
            # In the same step as the look that found nothing: a push right after it wakes anew.
            del self._lanes[lane]

    async def _send(self, update: Update) -> Optional[str]:
        """Send one update; what went wrong, if anything did."""
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
    """The kinds of updates asked for; none means all that a bot gets by default."""
    return tuple(str(name) for name in names) if isinstance(names, list) else ()
