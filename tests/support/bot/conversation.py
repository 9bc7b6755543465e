"""A conversation with the bot over real HTTP, with a sandbox; nothing is painted."""

from __future__ import annotations

import asyncio
import contextlib

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.fsm.storage.memory import SimpleEventIsolation

from bot.chat import middlewares
from bot.chat.albums import Albums
from bot.chat.submission import Submission
from bot.chat.texts import make_i18n
from bot.chat.uploads import Uploads
from bot.config import Config
from bot.handlers import make_router
from bot.jobs.scheduler import Estimate
from bot.metrics import Metrics
from bot.storage.database import Database
from bot.storage.fsm import SqliteStorage
from bot.storage.jobs import CANCELLED, Jobs
from bot.storage.jobs import Limits as JobLimits
from bot.storage.pictures import Pictures
from bot.storage.results import Results
from bot.storage.seen_updates import Updates
from bot.storage.statistics import Statistics
from bot.storage.users import Settings, Users
from bot.telegram.polling import Poller
from bot.telegram.rate_limits import Limits, Rate, RateLimiter
from bot.telegram.update_processor import UpdateProcessor

PER_USER, IN_ALL = 3, 6
QUIET = 0.15
FAST = Rate(10_000, 10_000)


class SchedulerDouble:
    """Paints nothing: what is queued stays so, the first as if it were being painted."""

    def __init__(self, jobs):
        self._jobs = jobs
        self.woken = 0

    def wake(self):
        self.woken += 1

    async def cancel(self, job_id):
        return await self._jobs.finish(job_id, CANCELLED)

    async def estimate(self, job):
        places = {each.id: place for place, each in enumerate(await self._jobs.queue())}
        return Estimate(places[job.id], 40.0) if job.id in places else None

    def progress(self, job_id):
        return None


class Conversation:
    """The bot's part of the conversation, and what it writes down."""

    def __init__(self, sandbox, folder, admins=()):
        self.sandbox = sandbox
        self.i18n = make_i18n()
        self.database = Database(folder / "state.sqlite3")
        self.jobs = Jobs(self.database, JobLimits(PER_USER, IN_ALL))
        self.users = Users(self.database, Settings(strength=0.5, size=384))
        self.pictures = Pictures(self.database)
        self.results = Results(folder / "results")
        self.scheduler = SchedulerDouble(self.jobs)
        self.storage = SqliteStorage(self.database)
        self.admins = admins
        self.poller = None

    async def start(self):
        metrics = Metrics()
        session = AiohttpSession(api=TelegramAPIServer.from_base(self.sandbox.url))
        session.middleware(RateLimiter(metrics, Limits(FAST, FAST, FAST, retry_delays=(0.01,))))
        self.bot = Bot(token=self.sandbox.token, session=session)
        await self.database.open()
        submission = Submission(
            bot=self.bot, pictures=self.pictures, jobs=self.jobs, scheduler=self.scheduler
        )
        self.albums = Albums(
            bot=self.bot,
            submission=submission,
            pictures=self.pictures,
            users=self.users,
            storage=self.storage,
            i18n=self.i18n,
            quiet=QUIET,
        )
        dispatcher = Dispatcher(
            storage=self.storage,
            events_isolation=SimpleEventIsolation(),
            albums=self.albums,
            config=Config(bot_token=self.sandbox.token, admin_ids=self.admins),
            statistics=Statistics(self.database),
            jobs=self.jobs,
            users=self.users,
            pictures=self.pictures,
            submission=submission,
            results=self.results,
            scheduler=self.scheduler,
            uploads=Uploads(self.database),
        )
        middlewares.install(dispatcher, i18n=self.i18n, users=self.users)
        dispatcher.include_router(make_router())
        update_processor = UpdateProcessor(
            self.bot, dispatcher, Updates(self.database), metrics, "polling"
        )
        await self.albums.start()
        self.poller = asyncio.ensure_future(
            Poller(bot=self.bot, update_processor=update_processor).run()
        )

    async def stop(self):
        self.poller.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.poller
        await self.albums.close()
        await self.database.close()
        await self.bot.session.close()

    async def settled(self):
        """Wait until all that was sent has been handled."""
        await self.sandbox.wait_until_taken()

    async def the_job(self, user):
        """The one job of a user."""
        (job,) = await self.jobs.active(user.id)
        return job


class Speaker:
    """A person in the sandbox, and how to follow what the bot says to them."""

    def __init__(self, conversation, person):
        self.conversation = conversation
        self.person = person
        self.id = person.id
        self.language = person.language

    def words(self, text, **values):
        """The text in the person's language."""
        i18n = self.conversation.i18n
        return i18n.gettext(text, locale=self.language).format(**values)

    def heard(self):
        return [message for message in self.person.messages if message.from_bot]

    async def says(self, text):
        """Write a text; returns the last answer."""
        await self.person.text(text)
        return await self.answer()

    async def answer(self):
        await self.conversation.settled()
        return self.heard()[-1]

    async def press(self, message, label, **values):
        """Press the button of that English label; returns what the bot answers to the press."""
        press = await self.person.press(message, self.words(label, **values))
        return await self._answered(press)

    async def press_data(self, message, data):
        return await self._answered(await self.person.press_data(message, data))

    async def _answered(self, press):
        answer = await press.answered()
        await self.conversation.settled()
        return answer.get("text") or ""

    async def hears(self, text, **values):
        """Wait for a message with that English text."""
        words = self.words(text, **values)
        return await self.person.wait_for(lambda message: words in message.text)


async def until(look, seconds=10.0):
    """Wait for what `await look()` finds; returns it."""
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        found = await look()
        if found:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("It did not come about.")


def check_language(message, language):
    """Fail if a message is not in that language, or its buttons are not."""
    labels = [button.text for row in message.buttons for button in row]
    languages = {"English", "Русский", "Язык · Language"}
    for text in filter(None, [message.text, *labels]):
        plain = text.replace("✓ ", "")
        if plain in languages or plain.isdigit() or plain.endswith(" px"):
            continue
        cyrillic = any("а" <= letter <= "я" for letter in text.lower())
        assert cyrillic == (language == "ru"), text
