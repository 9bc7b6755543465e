"""Puts the bot together, starts its parts in order and stops them in the reverse."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from typing import IO, Callable, List, Optional, Sequence, Union

import aiohttp
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.fsm.storage.memory import SimpleEventIsolation

from bot.chat import middlewares
from bot.chat.albums import Albums
from bot.chat.commands import set_commands
from bot.chat.delivery import EDIT_INTERVAL, Delivery
from bot.chat.submission import Submission
from bot.chat.texts import make_i18n
from bot.chat.uploads import Uploads
from bot.config import Config
from bot.errors import PaintingError
from bot.handlers import make_router
from bot.jobs.eta import Eta
from bot.jobs.scheduler import Scheduler
from bot.metrics import Metrics
from bot.painting.client import PainterClient
from bot.service.instance_lock import hold
from bot.service.status import describe
from bot.service.supervisor import Supervisor
from bot.setting_types import Mode
from bot.storage.cleanup import clean_up_regularly
from bot.storage.database import Database
from bot.storage.fsm import SqliteStorage
from bot.storage.jobs import Jobs, Limits
from bot.storage.key_values import KeyValues
from bot.storage.pictures import Pictures
from bot.storage.results import Results
from bot.storage.seen_updates import Updates
from bot.storage.statistics import Statistics
from bot.storage.users import Settings, Users
from bot.systemd import SystemdNotifier
from bot.telegram.polling import Poller
from bot.telegram.rate_limits import RateLimiter
from bot.telegram.update_processor import UpdateProcessor
from bot.telegram.webhook_server import WebhookServer
from bot.telegram.webhook_sync import WebhookSync
from runtime import StylizeOptions

_log = logging.getLogger(__name__)

#: Seconds, at the most, that a stop takes besides the running job.
_CLOSING = 60


class Service:
    """The whole bot, between `start` and `stop`. Make it while the event loop runs.

    `painter_client` paints in the place of the child process, `edit_interval` is in seconds: for tests.
    """

    def __init__(
        self,
        config: Config,
        *,
        painter_client: Optional[PainterClient] = None,
        edit_interval: float = EDIT_INTERVAL,
        notifier: Optional[SystemdNotifier] = None,
    ) -> None:
        self._config = config
        self._notifier = notifier or SystemdNotifier()
        self._lock: Optional[IO[str]] = None
        self.metrics = Metrics()
        self._rate_limiter = RateLimiter(self.metrics)
        api = TelegramAPIServer.from_base(config.api_url)
        session = AiohttpSession(api=api)
        session.middleware(self._rate_limiter)
        self.bot = Bot(token=config.bot_token.get_secret_value(), session=session)
        self._database = Database(config.state_dir / "jetbrush.sqlite3")
        self._painter_client = painter_client or PainterClient(patience=config.patience)
        self._supervisor = Supervisor()
        self._wire(edit_interval)

    def _wire(self, edit_interval: float) -> None:
        config, bot = self._config, self.bot
        i18n = make_i18n()
        self._key_values = KeyValues(self._database)
        self.jobs = Jobs(self._database, Limits(config.jobs_per_user, config.jobs_in_all))
        self.pictures = Pictures(self._database)
        results = Results(config.state_dir / "results")
        defaults = Settings(strength=StylizeOptions().strength, size=config.size)
        users, eta = Users(self._database, defaults), Eta(self._key_values)
        storage = SqliteStorage(self._database)
        self._delivery = Delivery(
            bot=bot,
            i18n=i18n,
            jobs=self.jobs,
            pictures=self.pictures,
            results=results,
            rate_limiter=self._rate_limiter,
            edit_interval=edit_interval,
        )
        self.scheduler = Scheduler(
            bot=bot,
            config=config,
            jobs=self.jobs,
            pictures=self.pictures,
            results=results,
            painter_client=self._painter_client,
            eta=eta,
            metrics=self.metrics,
            on_change=self._delivery.wake,
        )
        submission = Submission(
            bot=bot, pictures=self.pictures, jobs=self.jobs, scheduler=self.scheduler
        )
        self._albums = Albums(
            bot=bot,
            submission=submission,
            pictures=self.pictures,
            users=users,
            storage=storage,
            i18n=i18n,
        )
        self._i18n, self._results = i18n, results
        # Updates of one dialogue are handled one after the other.
        self._dispatcher = Dispatcher(
            storage=storage,
            events_isolation=SimpleEventIsolation(),
            config=config,
            users=users,
            pictures=self.pictures,
            jobs=self.jobs,
            scheduler=self.scheduler,
            results=results,
            uploads=Uploads(self._database),
            statistics=Statistics(self._database),
            albums=self._albums,
            submission=submission,
        )
        middlewares.install(self._dispatcher, i18n=i18n, users=users)
        self._dispatcher.include_router(make_router())
        self._update_processor = UpdateProcessor(
            bot, self._dispatcher, Updates(self._database), self.metrics, config.mode
        )
        self._session: Optional[aiohttp.ClientSession] = None
        self._server: Optional[WebhookServer] = None
        self._transport: Union[WebhookSync, Poller, None] = None

    @property
    def port(self) -> int:
        """The port that the bot listens on, once it is started."""
        assert self._server is not None
        return self._server.port

    async def start(self) -> str:
        """Open the store and the port, then begin to work; what was begun before is gone on with.

        Returns the web hook's secret. Raises `BotError`, with everything closed again, when the store
        or the port cannot be had.
        """
        try:
            self._lock = hold(self._config.state_dir)
            await self._database.open()
            given = self._config.webhook_secret
            secret = given.get_secret_value() if given else await self._key_values.webhook_secret()
            by_hook = self._config.mode is Mode.WEBHOOK
            self._session = aiohttp.ClientSession()
            self._server = WebhookServer(
                host=self._config.host,
                port=self._config.port,
                health=self.health,
                metrics=self.metrics,
                update_processor=self._update_processor if by_hook else None,
                secret=secret if by_hook else None,
            )
            await self._server.start()
        except BaseException:
            await self._close()
            raise
        self._begin(secret, self._session)
        self._notifier.ready()
        await self._albums.start()
        return secret

    def _begin(self, secret: str, session: aiohttp.ClientSession) -> None:
        start = self._supervisor.start
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
            transport = Poller(bot=self.bot, update_processor=self._update_processor)
        self._transport = transport
        start("tidying", self._clean_up)
        start("delivery", lambda: self._delivery.run(self.scheduler))
        self._scheduling = start("scheduler", self.scheduler.run)
        start("painter's start", self._warm_up)
        start("command list", lambda: set_commands(self.bot, self._i18n))
        start("transport", transport.run)
        start("watchdog", self._notifier.keep_alive)
        start("status", lambda: self._notifier.keep_status(self._describe))

    def health(self) -> List[str]:
        """What is wrong with the bot, in words; nothing while it is well."""
        problem = None if self._transport is None else self._transport.problem
        return [] if problem is None else [problem]

    async def _describe(self) -> str:
        return await describe(self.scheduler, self._painter_client, self._transport)

    async def stop(self) -> None:
        """Take no more updates, let the running job end or hand it back, tell what is painted."""
        grace = self._config.stop_grace
        self._notifier.stopping(grace + _CLOSING)
        _log.info("Stopping; the running job has %d s.", grace)
        await self._update_processor.close()
        if self._server is not None:
            await self._server.close()
        await self._albums.close()
        await self.scheduler.stop(grace)
        await asyncio.wait([self._scheduling])
        await self._delivery.settle()
        await self._close()
        _log.info("Stopped.")

    async def _close(self) -> None:
        await self._supervisor.close()
        if self._server is not None:
            await self._server.close()
        await self._painter_client.close()
        await self.bot.session.close()
        if self._session is not None:
            await self._session.close()
        await self._database.close()
        if self._lock is not None:
            self._lock.close()

    async def _warm_up(self) -> None:
        """Start the child process before the first photo comes."""
        try:
            await self._painter_client.start()
        except PaintingError as error:
            _log.error("The painter does not start, and will be tried with each job: %s", error)

    async def _clean_up(self) -> None:
        await clean_up_regularly(self._database, self._results, self._config.keep_hours * 3600.0)


async def serve(
    config: Config,
    *,
    add_secret: Callable[[str], None] = lambda secret: None,
    painter: Optional[Sequence[str]] = None,
) -> None:
    """Run the bot until SIGTERM or SIGINT; `painter` is the command of the child process.

    `add_secret` receives the web hook's secret, to keep it out of the log. Raises `BotError` when
    the bot cannot start.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    service = Service(
        config,
        painter_client=PainterClient(painter, patience=config.patience),
        notifier=SystemdNotifier.from_environment(os.environ),
    )
    add_secret(await service.start())
    # What was imported stays: a full collection would go through it and block the loop for 0.1 s.
    gc.collect()
    gc.freeze()
    await stop.wait()
    await service.stop()
