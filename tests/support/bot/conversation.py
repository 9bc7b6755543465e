"""A conversation with the bot over real HTTP, with a sandbox; nothing is painted."""

from __future__ import annotations

import asyncio
import contextlib

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from bot.config import Config
from bot.config_types import Mode
from bot.jobs.estimates import Estimate
from bot.metrics import Metrics
from bot.painting.painters import LocalPainter
from bot.service.wiring import Parts, Seams
from bot.telegram.polling import Poller
from bot.telegram.rate_limits import Limits, Rate, RateLimiter
from tests.support.bot.doubles import FakePainterClient

PER_USER, IN_ALL = 3, 6
QUIET = 0.3
FAST = Rate(10_000, 10_000)


class EstimatesDouble:
    """Of jobs that stay queued, the first one as if it were being painted."""

    def __init__(self, queue):
        self.queue = queue

    async def all(self):
        return {job.id: Estimate(n, 40.0) for n, job in enumerate(await self.queue.waiting())}

    async def of(self, job):
        return (await self.all()).get(job.id)


class PlainSession(AiohttpSession):
    """Closes at once: aiogram's waits for connections over TLS, of which there are none here."""

    async def close(self):
        if self._session is not None:
            await self._session.close()


class Conversation:
    """The bot's part of the conversation, and what it writes down."""

    def __init__(self, sandbox, folder, catalog, admins=(), **settings):
        self.sandbox = sandbox
        self._config = Config(
            bot_token=sandbox.token,
            mode=Mode.POLLING,
            state_dir=folder,
            admin_ids=admins,
            jobs_per_user=PER_USER,
            jobs_in_all=IN_ALL,
            **settings,
        )
        self._catalog = catalog
        self.painter_client = FakePainterClient()
        self.parts = None

    async def start(self):
        metrics = Metrics()
        limiter = RateLimiter(metrics, Limits(FAST, FAST, FAST, retry_delays=(0.01,)))
        session = PlainSession(api=TelegramAPIServer.from_base(self.sandbox.url))
        session.middleware(limiter)
        self.bot = Bot(token=self.sandbox.token, session=session)
        estimates = EstimatesDouble(None)
        self.parts = Parts(
            self._config,
            bot=self.bot,
            painters=LocalPainter(self.painter_client),
            metrics=metrics,
            rate_limiter=limiter,
            seams=Seams(catalog=self._catalog, estimates=estimates, album_quiet=QUIET),
        )
        estimates.queue = self.parts.queue
        await self.parts.database.open()
        await self.parts.update_processor.start()
        await self.parts.albums.start()
        poller = Poller(bot=self.bot, update_processor=self.parts.update_processor)
        self.poller = asyncio.ensure_future(poller.run())

    def __getattr__(self, name):
        """The bot's parts by name: jobs, pictures, users, results, i18n."""
        return getattr(self.parts, name)

    async def stop(self):
        self.poller.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.poller
        await self.parts.update_processor.close()
        await self.parts.albums.close()
        await self.parts.contact_sheets.work.close()
        await self.parts.films.work.close()
        await self.parts.database.close()
        await self.bot.session.close()

    async def settled(self):
        """Wait until all that was sent has been handled."""
        await self.sandbox.wait_until_taken()
        await self.parts.update_processor.finish()
        await self.parts.contact_sheets.work.finish()
        await self.parts.films.work.finish()

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
        if plain in languages or plain.replace("/", "").isdigit() or plain.endswith(" px"):
            continue
        cyrillic = any("а" <= letter <= "я" for letter in text.lower())
        assert cyrillic == (language == "ru"), text
