"""The bot's parts and how they hang together; nothing here starts or stops.

Handlers take the parts by name: `Parts.dispatcher` hands each of them over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from aiogram import Bot, Dispatcher
from aiogram.fsm.storage.memory import SimpleEventIsolation

from bot.chat import middlewares
from bot.chat.albums import QUIET, Albums
from bot.chat.catalog import Catalog
from bot.chat.choosing import Choosing
from bot.chat.delivery import EDIT_INTERVAL, Delivery
from bot.chat.languages import make_i18n
from bot.chat.sketches.contact_sheet import OVERDUE, ContactSheets
from bot.chat.sketches.film import Films
from bot.chat.submission import Submission
from bot.chat.uploads import Uploads
from bot.config import Config
from bot.handlers import make_router
from bot.jobs.endings import Endings
from bot.jobs.estimates import Durations, Estimates
from bot.jobs.fair_order import FairQueue
from bot.jobs.fetching import Fetching
from bot.jobs.first_sketches import FirstSketches
from bot.jobs.kept_downloads import KeptDownloads
from bot.jobs.progress_board import ProgressBoard
from bot.jobs.scheduler import Scheduler
from bot.metrics import Metrics
from bot.painting.painters import Painters
from bot.storage.database import FILE_NAME, Database
from bot.storage.fsm import SqliteStorage
from bot.storage.jobs import Jobs, Limits
from bot.storage.key_values import KeyValues
from bot.storage.pending_sends import PendingSends
from bot.storage.pictures import Pictures
from bot.storage.results import Results
from bot.storage.statistics import Statistics
from bot.storage.updates import Updates
from bot.storage.users import Users
from bot.telegram.lost_messages import LostMessages
from bot.telegram.rate_limits import RateLimiter
from bot.telegram.update_processor import UpdateProcessor
from runtime.spec.folder import DEFAULT_ENGINES


@dataclass(frozen=True)
class Seams:
    """What a test may replace or hasten.

    catalog: what is installed. estimates: when jobs will be done. edit_interval, album_quiet: in
    seconds, see `Delivery` and `Albums`. sheet_overdue: in seconds, see `ContactSheets`.
    """

    catalog: Optional[Catalog] = None
    estimates: Optional[Estimates] = None
    edit_interval: float = EDIT_INTERVAL
    album_quiet: float = QUIET
    sheet_overdue: float = OVERDUE


class Parts:
    """The parts of one bot, whose session has the rate limiter. Make them while the loop runs."""

    def __init__(
        self,
        config: Config,
        *,
        bot: Bot,
        painters: Painters,
        metrics: Metrics,
        rate_limiter: RateLimiter,
        seams: Seams,
    ) -> None:
        self._config, self._bot = config, bot
        self.metrics = metrics
        self.i18n = make_i18n()
        self.catalog = seams.catalog or Catalog(DEFAULT_ENGINES, painters=painters)
        self._store(config)
        self.painters = painters
        self._queue(painters, seams)
        self._paint(painters, rate_limiter, seams)
        self._talk(painters, seams)

    def _store(self, config: Config) -> None:
        self.database = Database(config.state_dir / FILE_NAME)
        self.key_values = KeyValues(self.database)
        self.jobs = Jobs(self.database, Limits(config.jobs_per_user, config.jobs_in_all))
        self.pictures = Pictures(self.database)
        self.users = Users(self.database, config.stylize_options, config.file_fine)
        self.results = Results(config.state_dir / "results")
        self.dialogues = SqliteStorage(self.database)
        self.lost_messages = LostMessages(self._bot, PendingSends(self.database))
        self._bot.session.middleware(self.lost_messages)

    def _queue(self, painters: Painters, seams: Seams) -> None:
        self.queue = FairQueue(self.jobs)
        self.board = ProgressBoard()
        self.durations = Durations(self.key_values)
        self.endings = Endings(self.jobs, self.board, self.metrics)
        self.estimates = seams.estimates or Estimates(
            self.queue, self.board, self.durations, painters, self.metrics
        )

    def _paint(self, painters: Painters, rate_limiter: RateLimiter, seams: Seams) -> None:
        self.downloads = KeptDownloads(self._bot, self._config.state_dir / "photos")
        self.fetching = Fetching(self.downloads, self.pictures, self.catalog.find_style)
        self.first_sketches = FirstSketches(
            jobs=self.jobs,
            fetching=self.fetching,
            painters=painters,
            results=self.results,
            board=self.board,
        )
        self.scheduler = Scheduler(
            jobs=self.jobs,
            fetching=self.fetching,
            results=self.results,
            queue=self.queue,
            board=self.board,
            endings=self.endings,
            durations=self.durations,
            painters=painters,
            metrics=self.metrics,
        )
        self.delivery = Delivery(
            bot=self._bot,
            i18n=self.i18n,
            jobs=self.jobs,
            pictures=self.pictures,
            results=self.results,
            board=self.board,
            estimates=self.estimates,
            endings=self.endings,
            catalog=self.catalog,
            lost_messages=self.lost_messages,
            rate_limiter=rate_limiter,
            edit_interval=seams.edit_interval,
        )

    def _talk(self, painters: Painters, seams: Seams) -> None:
        self.contact_sheets = ContactSheets(
            bot=self._bot,
            i18n=self.i18n,
            pictures=self.pictures,
            catalog=self.catalog,
            fetching=self.fetching,
            painters=painters,
            overdue=seams.sheet_overdue,
        )
        self.films = Films(self._bot, self.i18n, self.results)
        self.submission = Submission(
            bot=self._bot,
            pictures=self.pictures,
            jobs=self.jobs,
            board=self.board,
            catalog=self.catalog,
            lost_messages=self.lost_messages,
            contact_sheets=self.contact_sheets,
            translate=self._config.translate_options,
        )
        self.albums = Albums(
            bot=self._bot,
            submission=self.submission,
            lost_messages=self.lost_messages,
            pictures=self.pictures,
            users=self.users,
            storage=self.dialogues,
            i18n=self.i18n,
            quiet=seams.album_quiet,
        )
        self.update_processor = UpdateProcessor(
            self._bot,
            self._dispatcher(),
            Updates(self.database),
            self.metrics,
            self._config.mode.value,
        )

    def _dispatcher(self) -> Dispatcher:
        dispatcher = Dispatcher(
            storage=self.dialogues,
            # Updates of one dialogue are handled one after the other.
            events_isolation=SimpleEventIsolation(),
            albums=self.albums,
            board=self.board,
            catalog=self.catalog,
            choosing=Choosing(self.users, self.submission),
            config=self._config,
            downloads=self.downloads,
            endings=self.endings,
            estimates=self.estimates,
            films=self.films,
            jobs=self.jobs,
            painters=self.painters,
            pictures=self.pictures,
            results=self.results,
            statistics=Statistics(self.database),
            submission=self.submission,
            uploads=Uploads(self._bot, self.database),
            users=self.users,
        )
        middlewares.install(
            dispatcher,
            config=self._config,
            i18n=self.i18n,
            users=self.users,
            pictures=self.pictures,
            jobs=self.jobs,
        )
        dispatcher.include_router(make_router())
        return dispatcher
