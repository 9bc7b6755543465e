"""Keeps Telegram's web hook at the bot's public URL, and reports delivery errors."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Optional, Tuple

import aiohttp
from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramBadRequest
from aiogram.types import WebhookInfo
from pydantic import SecretStr

from bot.config import Config
from bot.errors import TunnelError
from bot.log import Problem
from bot.metrics import Metrics
from bot.telegram.error_text import TOKEN_REFUSED, UNKNOWN_TOKEN, error_text
from bot.telegram.tunnel import public_url, tunnel_problem
from bot.telegram.update_processor import ALLOWED_UPDATES
from bot.telegram.webhook_server import UPDATES_PATH

_log = logging.getLogger(__name__)

#: Concurrent deliveries, the most that Telegram allows.
_MAX_CONNECTIONS = 100
#: Seconds that Telegram has to answer a request about the web hook.
_REQUEST_SECONDS = 60
#: Seconds after which a delivery error is over: Telegram reports the last one for ever.
_RECENT_S = 600


class WebhookSync:
    """Checks the web hook every `period_s` seconds, and sets it again when it differs.

    It always sets the web hook at the start, because Telegram does not show the current secret.
    After a failure it tries again every `retry_s` seconds. The web hook stays when the bot stops:
    Telegram keeps the updates for the next start.
    """

    def __init__(
        self,
        *,
        bot: Bot,
        config: Config,
        secret: SecretStr,
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
        """The public URL of the web hook, without its path; `None` until it is set."""
        return self._url

    @property
    def problem(self) -> Optional[str]:
        """Why updates may not arrive; `None` if nothing is wrong."""
        return self._problem.text

    async def run(self) -> None:
        """Reconcile until cancelled; errors only cause a retry."""
        while True:
            succeeded = await self.reconcile()
            await asyncio.sleep(self._period_s if succeeded else self._retry_s)

    async def reconcile(self) -> bool:
        """Check the web hook once and set it if it differs; returns whether that succeeded."""
        try:
            problem = await self._check()
            self._problem.report(problem)
            return True
        except TunnelError as error:
            problem = str(error)
        except TOKEN_REFUSED:
            problem = UNKNOWN_TOKEN
        except (AiogramError, OSError) as error:
            problem = f"The web hook cannot be checked: {error_text(error)}"
        self._problem.report(problem)
        return False

    async def _check(self) -> Optional[str]:
        url = await public_url(self._config, self._session)
        info = await self._bot.get_webhook_info(request_timeout=_REQUEST_SECONDS)
        self._metrics.webhook_pending.set(info.pending_update_count)
        if self._url is None or not _matches(info, url):
            await self._set(url + UPDATES_PATH)
            _log.info("The web hook is set: %s", url + UPDATES_PATH)
            self._url = url
            # An error in `info` is older than this web hook.
            return None
        return await self._delivery_problem(info, url)

    async def _set(self, url: str) -> None:
        try:
            await self._bot.set_webhook(
                url=url,
                secret_token=self._secret.get_secret_value(),
                allowed_updates=list(ALLOWED_UPDATES),
                max_connections=_MAX_CONNECTIONS,
                drop_pending_updates=False,
                request_timeout=_REQUEST_SECONDS,
            )
        except TelegramBadRequest as error:
            raise TunnelError(
                f"Telegram refuses the web hook {url}: {error.message}. It takes https URLs of"
                " public names on the ports 443, 80, 88 and 8443. Check WEBHOOK_URL or"
                " NGROK_DOMAIN, or set MODE=polling, which needs no web hook."
            ) from error

    async def _delivery_problem(self, info: WebhookInfo, url: str) -> Optional[str]:
        """Why Telegram cannot deliver the waiting updates; an error that is over is only logged."""
        if not info.last_error_message or info.last_error_date is None:
            return None
        error = (info.last_error_message, info.last_error_date)
        waiting = info.pending_update_count
        age = time.time() - info.last_error_date.timestamp()
        if not waiting or age > _RECENT_S:
            if error != self._reported:
                _log.info("Telegram got %r from the web hook %.0f s ago", error[0], age)
                self._reported = error
            return None
        self._reported = error
        problem = await tunnel_problem(url, self._session)
        advice = f" {problem}" if problem else ""
        return f"Telegram cannot deliver {waiting} updates: {info.last_error_message}.{advice}"


def _matches(info: WebhookInfo, url: str) -> bool:
    return (
        info.url == url + UPDATES_PATH
        and set(info.allowed_updates or ()) == set(ALLOWED_UPDATES)
        and info.max_connections in (None, _MAX_CONNECTIONS)
    )
