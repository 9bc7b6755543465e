"""What is told of a job and when, against a Telegram that refuses."""

from __future__ import annotations

import asyncio
import logging
import threading
from types import SimpleNamespace

import pytest
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramMigrateToChat,
    TelegramNetworkError,
)

from bot.chat import delivery as delivery_module
from bot.chat.catalog import Catalog
from bot.chat.delivery import EDIT_INTERVAL, Delivery
from bot.chat.languages import make_i18n
from bot.metrics import Metrics
from bot.outcomes import CANCELLED, PAINTED
from bot.painting.protocol import PaintProgress
from bot.storage.jobs import Jobs, JobState, Limits
from bot.storage.pending_sends import PendingSends
from bot.storage.pictures import Pictures
from bot.storage.results import Results
from bot.telegram.lost_messages import LostMessages
from bot.telegram.rate_limits import RateLimiter
from tests.support.bot.conversation import until
from tests.support.bot.orders import order
from tests.support.bot.stage import plain as plain_picture
from tests.support.bot.stage import png

NO_RIGHTS = TelegramBadRequest(None, "Bad Request: not enough rights to send photos to the chat")
NOT_FOUND = TelegramBadRequest(None, "Bad Request: chat not found")
OLD, NEW = -5, -1005


class BotDouble:
    """Notes each call with the time; refuses those of a method, or to a chat, as it is told."""

    def __init__(self, clock):
        self.calls = []
        self.refusals = {}
        self._clock = clock

    def refuse(self, what, error):
        self.refusals[what] = error

    def of(self, method):
        return [call for call in self.calls if call.method == method]

    def __getattr__(self, method):
        async def call(**arguments):
            self.calls.append(SimpleNamespace(method=method, at=self._clock.now, **arguments))
            for what in (method, arguments["chat_id"]):
                if what in self.refusals:
                    raise self.refusals[what]
            return SimpleNamespace(message_id=100 + len(self.calls))

        return call


class Painting:
    """Board, estimates and endings in one: what is shown of the job that is painted."""

    def __init__(self, jobs):
        self._jobs = jobs
        self.share = 0.0
        self.shown, self.previews = None, 0
        self.looks = 0

    def listen(self, listener):
        pass

    async def all(self):
        self.looks += 1
        return {}

    def progress(self, job_id):
        return PaintProgress(share=self.share, step=1, steps=10)

    def preview(self, job_id):
        return self.shown, self.previews

    def show(self, preview):
        self.shown, self.previews = preview, self.previews + 1

    async def cancel(self, job_id):
        return await self._jobs.finish(job_id, CANCELLED)


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


class Stage:
    """A delivery with nothing but the store behind it."""

    def __init__(self, database, folder):
        self.clock = Clock()
        self.bot = BotDouble(self.clock)
        self.jobs = Jobs(database, Limits(9, 9))
        self.results = Results(folder)
        self.painting = Painting(self.jobs)
        self.delivery = Delivery(
            bot=self.bot,
            i18n=make_i18n(),
            jobs=self.jobs,
            pictures=Pictures(database),
            results=self.results,
            board=self.painting,
            estimates=self.painting,
            endings=self.painting,
            catalog=Catalog(folder),
            lost_messages=LostMessages(self.bot, PendingSends(database)),
            rate_limiter=RateLimiter(Metrics()),
            clock=self.clock,
        )

    async def look(self):
        """Have the delivery look at the jobs, and end what it does."""
        looks = self.painting.looks
        self.delivery.wake()

        async def looked():
            return self.painting.looks > looks

        await until(looked)
        await until(self._idle)

    async def _idle(self):
        return all(each.task is None for each in self.delivery._reports.values())

    async def running(self, **changes):
        job, _new = await self.jobs.submit(order(**changes))
        return await self.jobs.take(job.id)

    async def painted(self, job):
        """End the job with a picture."""
        self.results.path(job.id).write_bytes(png(plain_picture("green")))
        await self.jobs.finish(job.id, PAINTED)
        self.delivery.wake()

    async def answered(self, job):
        async def look():
            return (await self.jobs.get(job.id)).state == JobState.ANSWERED

        await until(look)


@pytest.fixture()
async def stage(database, tmp_path, monkeypatch):
    monkeypatch.setattr(delivery_module, "_GATHER", 0)
    stage = Stage(database, tmp_path)
    task = asyncio.ensure_future(stage.delivery.run())
    yield stage
    task.cancel()
    await asyncio.wait([task])


def told(caplog, level):
    return [each.getMessage() for each in caplog.records if each.levelno >= level]


async def test_edits_of_a_status_are_three_seconds_apart(stage):
    job = await stage.running()
    for step in range(60):
        stage.painting.share = step / 60
        await stage.look()
        stage.clock.now += 0.5
    times = [call.at for call in stage.bot.calls]
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    assert EDIT_INTERVAL == 3.0 and min(gaps) >= EDIT_INTERVAL
    # Nor are they held up for longer.
    assert max(gaps) <= EDIT_INTERVAL + 0.5
    # The end is told at once.
    await stage.jobs.finish(job.id, CANCELLED)
    await stage.look()
    assert stage.bot.calls[-1].text == "Cancelled." and stage.bot.calls[-1].at == stage.clock.now


async def test_the_jobs_of_a_chat_share_its_edits(stage):
    for _ in range(3):
        await stage.running()
    looks = 60
    for step in range(looks):
        stage.painting.share = step / looks
        await stage.look()
        stage.clock.now += 0.5
    edits = stage.bot.of("edit_message_text")
    most = looks * 0.5 / EDIT_INTERVAL
    assert most / 2 <= len(edits) <= most


async def test_a_text_that_is_the_same_is_not_sent_again(stage):
    await stage.running()
    for _ in range(5):
        await stage.look()
        stage.clock.now += 10
    assert [call.method for call in stage.bot.calls] == ["send_message"]


async def test_a_change_at_the_moment_of_the_end_does_not_hold_it_up(stage):
    task = asyncio.ensure_future(stage.delivery.run())
    await stage.look()
    stage.delivery.wake()
    # The loop has seen the change when the cancellation comes, and not yet gone on.
    await asyncio.sleep(0)
    task.cancel()
    done, _late = await asyncio.wait([task], timeout=2)
    assert task in done


async def test_the_queue_is_counted_when_it_is_empty_too(stage):
    await stage.look()
    assert stage.painting.looks and not stage.bot.calls


@pytest.mark.parametrize(
    "error", [NO_RIGHTS, TelegramEntityTooLarge(None, "Request Entity Too Large")]
)
@pytest.mark.parametrize("mute", [False, True])
async def test_a_picture_that_telegram_never_takes_ends_the_job_with_one_try_of_a_text(
    stage, caplog, error, mute
):
    job = await stage.running()
    await stage.look()
    stage.bot.refuse("edit_message_media", error)
    if mute:
        stage.bot.refuse("edit_message_text", NO_RIGHTS)
    await stage.painted(job)
    await stage.answered(job)
    methods = [call.method for call in stage.bot.calls]
    # As a photo, then as a file.
    assert methods == ["send_message"] + ["edit_message_media"] * 2 + ["edit_message_text"]
    assert "could not paint" in stage.bot.calls[-1].text
    assert len(told(caplog, logging.ERROR)) == 1


async def test_a_chat_that_is_gone_ends_the_job_unseen(stage, caplog):
    stage.bot.refuse("send_message", NOT_FOUND)
    job = await stage.running()
    stage.delivery.wake()
    await stage.answered(job)
    assert (await stage.jobs.get(job.id)).ending == CANCELLED
    assert not told(caplog, logging.WARNING) and len(stage.bot.calls) == 1


async def test_a_job_follows_its_group_into_a_supergroup(stage):
    job = await stage.running(chat_id=OLD)
    await stage.look()
    stage.bot.refuse(OLD, TelegramMigrateToChat(None, "upgraded", NEW))
    await stage.painted(job)
    await stage.answered(job)
    followed = [call for call in stage.bot.calls if call.chat_id == NEW]
    assert [call.method for call in followed] == ["send_message", "edit_message_media"]
    # No message has its old number there.
    assert vars(followed[0]).get("reply_parameters") is None
    assert len([call for call in stage.bot.calls if call.chat_id == OLD]) == 2


async def test_without_the_right_to_previews_the_text_goes_on(stage, caplog):
    job = await stage.running()
    await stage.look()
    stage.bot.refuse("edit_message_media", NO_RIGHTS)
    for share in (0.4, 0.5, 0.6):
        stage.clock.now += 10
        stage.painting.share = share
        stage.painting.show(SimpleNamespace(read_bytes=lambda: b"jpeg"))
        await stage.look()
        assert f"{share * 100:.0f}%" in stage.bot.calls[-1].text
    assert len(stage.bot.of("edit_message_media")) == 1
    assert told(caplog, logging.WARNING) == [
        f"Job {job.id} is shown without previews: {NO_RIGHTS.message}"
    ]


async def test_without_the_right_to_texts_nothing_is_told_before_the_end(stage, caplog):
    stage.bot.refuse("send_message", NO_RIGHTS)
    job = await stage.running()
    for share in (0.4, 0.5, 0.6):
        stage.painting.share = share
        await stage.look()
        stage.clock.now += 100
    assert len(stage.bot.calls) == len(told(caplog, logging.WARNING)) == 1
    del stage.bot.refusals["send_message"]
    await stage.painted(job)
    await stage.answered(job)
    assert stage.bot.calls[-1].method == "edit_message_media"


@pytest.mark.parametrize("content", [None, b"no picture"])
async def test_a_picture_that_cannot_be_read_is_told_of(stage, caplog, content):
    job = await stage.running()
    if content is not None:
        stage.results.path(job.id).write_bytes(content)
    await stage.jobs.finish(job.id, PAINTED)
    stage.delivery.wake()
    await stage.answered(job)
    assert "could not paint" in stage.bot.calls[-1].text
    assert len(told(caplog, logging.ERROR)) == 1


async def test_a_network_error_is_told_without_the_url(stage, caplog):
    url = "http://host/bot42:secret/sendMessage"
    error = TelegramNetworkError(None, f"ClientResponseError: 400, url='{url}'")
    stage.bot.refuse("send_message", error)
    await stage.running()
    await stage.look()
    assert "ClientResponseError" in caplog.text and "secret" not in caplog.text
    # It is tried again, later and later.
    for pause in (1, 2, 4):
        calls = len(stage.bot.calls)
        await stage.look()
        assert len(stage.bot.calls) == calls
        stage.clock.now += pause
        await stage.look()
        assert len(stage.bot.calls) == calls + 1


async def test_previews_are_read_beside_the_loop(stage):
    threads = []

    def read_bytes():
        threads.append(threading.get_ident())
        return b"jpeg"

    await stage.running()
    stage.painting.show(SimpleNamespace(read_bytes=read_bytes))
    await stage.look()
    assert len(threads) == 1 and threads[0] != threading.get_ident()


@pytest.mark.parametrize(
    "message", ["Bad Request: MESSAGE_ID_INVALID", "Bad Request: something new"]
)
async def test_a_picture_that_no_edit_takes_is_sent_as_a_new_message(stage, caplog, message):
    job = await stage.running()
    await stage.look()
    stage.bot.refuse("edit_message_media", TelegramBadRequest(None, message))
    await stage.painted(job)
    await stage.answered(job)
    methods = [call.method for call in stage.bot.calls]
    # The old message would stay at some percentage.
    assert methods == ["send_message", "edit_message_media", "delete_message", "send_photo"]
    assert stage.bot.calls[-1].caption == "Your photo in the style “Night Swirls”."
    assert (await stage.jobs.get(job.id)).ending == PAINTED


@pytest.mark.parametrize(
    "message", ["Bad Request: MESSAGE_ID_INVALID", "Bad Request: something new"]
)
async def test_an_ending_that_no_edit_takes_is_sent_as_a_new_message(stage, message):
    job = await stage.running()
    await stage.look()
    stage.bot.refuse("edit_message_text", TelegramBadRequest(None, message))
    await stage.jobs.finish(job.id, CANCELLED)
    stage.delivery.wake()
    await stage.answered(job)
    assert [call.method for call in stage.bot.calls] == [
        "send_message",
        "edit_message_text",
        "delete_message",
        "send_message",
    ]
    assert stage.bot.calls[-1].text == "Cancelled."
