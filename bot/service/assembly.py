"""Starts the bot's parts in order and stops them in the reverse."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import threading
from typing import IO, Callable, List, Optional, Sequence, Union

import aiohttp
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import AiogramError
from pydantic import SecretStr

from bot.backoff import Backoff
from bot.chat.commands import set_commands
from bot.config import Config
from bot.config_types import Mode
from bot.errors import ConfigError, PaintingError
from bot.metrics import Metrics
from bot.painting.client import PainterClient
from bot.service.fleet import painters_of
from bot.service.instance_lock import hold
from bot.service.status import describe
from bot.service.supervisor import Supervisor
from bot.service.wiring import Parts, Seams
from bot.storage.cleanup import Cleanup
from bot.systemd import SystemdNotifier
from bot.telegram.error_text import TOKEN_REFUSED, UNKNOWN_TOKEN, error_text
from bot.telegram.polling import Poller
from bot.telegram.rate_limits import RateLimiter
from bot.telegram.webhook_server import WebhookServer
from bot.telegram.webhook_sync import WebhookSync

_log = logging.getLogger(__name__)

#: Seconds that a stop takes at most besides the running job.
_CLOSING = 60

#: Seconds to the next check of the token while Telegram cannot be reached: the first, the longest.
_TOKEN_PAUSES = 1.0, 60.0


class Service:
    """The whole bot, between `start` and `stop`. Make it while the event loop runs.

    `painter_client` may stand for the child process, `rate_limiter` and `seams` are for tests.
    """

    def __init__(
        self,
        config: Config,
        *,
        painter_client: Optional[PainterClient] = None,
        notifier: Optional[SystemdNotifier] = None,
        rate_limiter: Optional[RateLimiter] = None,
        metrics: Optional[Metrics] = None,
        seams: Optional[Seams] = None,
    ) -> None:
        self._config = config
        self._notifier = notifier or SystemdNotifier()
        self._lock: Optional[IO[str]] = None
        self._supervisor = Supervisor()
        self.metrics = metrics or Metrics()
        client = painter_client or PainterClient(patience=config.patience)
        self._painters = painters_of(config, client, self.metrics)
        limiter = rate_limiter or RateLimiter(self.metrics)
        session = AiohttpSession(api=TelegramAPIServer.from_base(config.api_url))
        session.middleware(limiter)
        self.bot = Bot(token=config.bot_token.get_secret_value(), session=session)
        self.parts = Parts(
            config,
            bot=self.bot,
            painters=self._painters,
            metrics=self.metrics,
            rate_limiter=limiter,
            seams=seams or Seams(),
        )
        self._session: Optional[aiohttp.ClientSession] = None
        self._server: Optional[WebhookServer] = None
        self._transport: Union[WebhookSync, Poller, None] = None

    @property
    def port(self) -> int:
        """The port that the bot listens on, once it is started."""
        assert self._server is not None
        return self._server.port

    async def start(self) -> SecretStr:
        """Open the store and the port, then start to work, with the jobs of the last run first.

        Returns the web hook's secret. Raises `BotError` when the store cannot be opened or the port
        is not free. Whatever it raises, everything is closed again.
        """
        try:
            return await self._start()
        except BaseException:
            await self._close()
            raise

    async def _start(self) -> SecretStr:
        self._lock = hold(self._config.state_dir)
        await self.parts.database.open()
        secret = await self._webhook_secret()
        by_hook = self._config.mode is Mode.WEBHOOK
        self._session = aiohttp.ClientSession()
        self._server = WebhookServer(
            host=self._config.host,
            port=self._config.port,
            health=self.health,
            metrics=self.metrics,
            update_processor=self.parts.update_processor if by_hook else None,
            secret=secret if by_hook else None,
        )
        # Before the port is open: updates of one chat are handled in order.
        await self.parts.update_processor.start()
        await self._server.start()
        # Before READY: it reads the store, and may fail.
        await self.parts.albums.start()
        self._begin(secret, self._session)
        self._notifier.ready()
        return secret

    async def _webhook_secret(self) -> SecretStr:
        return self._config.webhook_secret or await self.parts.key_values.webhook_secret()

    def _begin(self, secret: SecretStr, session: aiohttp.ClientSession) -> None:
        parts, start = self.parts, self._supervisor.start
        transport: Union[WebhookSync, Poller]
        if self._config.mode is Mode.WEBHOOK:
            transport = WebhookSync(
                bot=self.bot,
                config=self._config,
                secret=secret,
                session=session,
                metrics=self.metrics,
            )
        else:
            transport = Poller(bot=self.bot, update_processor=parts.update_processor)
        self._transport = transport
        keep_seconds = self._config.keep_hours * 3600.0
        cleanup = Cleanup(parts.database, parts.results, keep_seconds)
        start("cleanup", cleanup.run)
        start("kept downloads", parts.downloads.run)
        start("delivery", parts.delivery.run)
        self._scheduling = start("scheduler", parts.scheduler.run)
        start("first sketches", parts.first_sketches.run)
        start("painter's start", self._warm_up)
        start("command list", lambda: set_commands(self.bot, parts.i18n))
        start("transport", transport.run)
        start("watchdog", self._notifier.keep_alive)
        start("status", lambda: self._notifier.keep_status(self._describe))

    async def until_token_is_refused(self) -> None:
        """Return if Telegram does not know the token; wait for ever once it has accepted it.

        A token that is revoked later stops nothing: updates may wait for the owner's new one.
        """
        backoff = Backoff(*_TOKEN_PAUSES)
        while True:
            try:
                await self.bot.me()
            except TOKEN_REFUSED:
                return
            except (AiogramError, OSError) as error:
                _log.debug("The token cannot be checked yet: %s", error_text(error))
                await asyncio.sleep(backoff.next())
            else:
                await asyncio.Event().wait()

    def health(self) -> List[str]:
        """What is wrong with the bot, in words; nothing while it is well."""
        problem = None if self._transport is None else self._transport.problem
        return [] if problem is None else [problem]

    async def _describe(self) -> str:
        return await describe(self.parts.estimates, self._painters, self._transport)

    async def stop(self) -> None:
        """Take no more updates, let the running job end or hand it back, send what is painted."""
        grace = self._config.stop_grace
        self._notifier.stopping(grace + _CLOSING)
        _log.info("Stopping; the running job has %d s.", grace)
        await self.parts.update_processor.close()
        if self._server is not None:
            await self._server.close()
        await self.parts.albums.close()
        await self.parts.scheduler.stop(grace)
        await asyncio.wait([self._scheduling])
        await self.parts.delivery.settle()
        await self._close()
        _log.info("Stopped.")

    async def _close(self) -> None:
        await self._supervisor.close()
        await self.parts.update_processor.close()
        if self._server is not None:
            await self._server.close()
        await self.parts.albums.close()
        await self.parts.contact_sheets.work.close()
        await self.parts.films.work.close()
        await self._painters.close()
        await self.parts.downloads.clear()
        await self.bot.session.close()
        if self._session is not None:
            await self._session.close()
        await self.parts.database.close()
        if self._lock is not None:
            self._lock.close()

    async def _warm_up(self) -> None:
        """Get the painters ready before the first photo comes."""
        try:
            await self._painters.start()
        except PaintingError as error:
            _log.error("The painter does not start; each job will try again: %s", error)


async def serve(
    config: Config,
    *,
    add_secret: Callable[[str], None] = lambda secret: None,
    painter: Optional[Sequence[str]] = None,
) -> None:
    """Run the bot until SIGTERM or SIGINT; `painter` is the command of the child process.

    `add_secret` receives the web hook's secret, to keep it out of the log. Raises `BotError` when
    the bot cannot start, or when Telegram does not know its token.
    """
    stop = asyncio.Event()

    def ask_to_stop() -> None:
        stop.set()
        _end_after(config.stop_grace + _CLOSING)

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ask_to_stop)
    service = Service(
        config,
        painter_client=PainterClient(painter, patience=config.patience),
        notifier=SystemdNotifier.from_environment(os.environ),
    )
    add_secret((await service.start()).get_secret_value())
    # What was imported stays: a full collection would go through it and block the loop for 0.1 s.
    gc.collect()
    gc.freeze()
    stopping = asyncio.ensure_future(stop.wait())
    refused = asyncio.ensure_future(service.until_token_is_refused())
    await asyncio.wait([stopping, refused], return_when=asyncio.FIRST_COMPLETED)
    refused.cancel()
    await service.stop()
    if not stop.is_set():
        raise ConfigError(UNKNOWN_TOKEN)


def _end_after(seconds: float) -> None:
    """End the process even if the stop hangs, as in a thread that waits for a dead disk."""

    def end() -> None:
        _log.critical("The bot did not stop within %.0f s and ends now.", seconds)
        os._exit(os.EX_SOFTWARE)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
