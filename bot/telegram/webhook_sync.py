"""Keeps Telegram's web hook where the bot can be reached, and tells of what Telegram says of it."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Optional, Tuple

import aiohttp
from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramUnauthorizedError
from aiogram.types import WebhookInfo

from bot.config import Config
from bot.errors import TunnelError
from bot.log import Problem
from bot.metrics import Metrics
from bot.telegram.error_text import error_text
from bot.telegram.tunnel import public_url, tunnel_trouble
from bot.telegram.webhook_server import ALLOWED_UPDATES, UPDATES_PATH

_log = logging.getLogger(__name__)

#: Updates that Telegram sends at once, the most it offers: those whose answers flood control holds
#: must not keep out the others.
_MAX_CONNECTIONS = 100
#: Seconds for which an error that Telegram met counts as one of now; it never forgets the last.
_FRESH_S = 600


class WebhookSync:
    """Compares the web hook with the wanted one every `period_s` seconds, and sets it again.

    It is set at the start in any case, since nobody can ask Telegram which secret it has. When
    that fails it tries every `retry_s` seconds. The web hook stays when the bot stops:
    Telegram keeps the updates for the next start.
    """

    def __init__(
        self,
        *,
        bot: Bot,
        config: Config,
        secret: str,
        session: aiohttp.ClientSession,
        metrics: Metrics,
        period_s: float = 30.0,
        retry_s: float = 5.0,
    ) -> None:
        self._bot = bot
        self._config = config
        self._secret = secret
        self._session = session
        self._metrics = metrics
        self._period_s = period_s
        self._retry_s = retry_s
        self._problem = Problem(_log)
        self._reported: Optional[Tuple[object, ...]] = None
        self._url: Optional[str] = None

    @property
    def url(self) -> Optional[str]:
        """The public URL that the web hook was last seen at, without its path."""
        return self._url

    @property
    def problem(self) -> Optional[str]:
        """Why updates may not arrive, in words."""
        return self._problem.text

    async def run(self) -> None:
        """Reconcile until cancelled, whatever Telegram, ngrok and the network do."""
        while True:
            settled = await self.reconcile()
            await asyncio.sleep(self._period_s if settled else self._retry_s)

    async def reconcile(self) -> bool:
        """Look once, set the web hook if it is not as wanted, and say whether it is now."""
        try:
            problem = await self._look()
            self._problem.tell(problem)
            return True
        except TunnelError as error:
            problem = str(error)
        except TelegramUnauthorizedError:
            problem = "Telegram does not know the token. Set BOT_TOKEN to what @BotFather shows."
        except (AiogramError, OSError) as error:
            problem = f"Telegram cannot be asked for the web hook: {error_text(error)}"
        self._problem.tell(problem)
        return False

    async def _look(self) -> Optional[str]:
        url = await public_url(self._config, self._session)
        info = await self._bot.get_webhook_info()
        self._metrics.webhook_pending.set(info.pending_update_count)
        if self._url is None or not _is_as_wanted(info, url):
            await self._bot.set_webhook(
                url=url + UPDATES_PATH,
                secret_token=self._secret,
                allowed_updates=list(ALLOWED_UPDATES),
                max_connections=_MAX_CONNECTIONS,
                drop_pending_updates=False,
            )
            _log.info("The web hook is set: %s", url + UPDATES_PATH)
            self._url = url
            # What Telegram met so far, it met before.
            return None
        return await self._what_telegram_met(info, url)

    async def _what_telegram_met(self, info: WebhookInfo, url: str) -> Optional[str]:
        """Why Telegram cannot deliver what waits; an error that is over is only logged."""
        if not info.last_error_message or info.last_error_date is None:
            return None
        error = (info.last_error_message, info.last_error_date)
        waiting = info.pending_update_count
        age = time.time() - info.last_error_date.timestamp()
        if not waiting or age > _FRESH_S:
            if error != self._reported:
                _log.info("Telegram met %r at the web hook %.0f s ago", error[0], age)
                self._reported = error
            return None
        self._reported = error
        trouble = await tunnel_trouble(url, self._session)
        advice = f" {trouble}" if trouble else ""
        return f"Telegram cannot deliver {waiting} updates: {info.last_error_message}.{advice}"


def _is_as_wanted(info: WebhookInfo, url: str) -> bool:
    return (
        info.url == url + UPDATES_PATH
        and set(info.allowed_updates or ()) == set(ALLOWED_UPDATES)
        and info.max_connections in (None, _MAX_CONNECTIONS)
    )
