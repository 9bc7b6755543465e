"""Tells the users of their jobs: the place in the queue, the bar, the preview, the result.

The result is put into the job's one message by an edit, which may be done twice and is seen once:
a bot that dies while it sends a picture sends it again, and the user has it one time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import Callable, Dict, Optional

from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNotFound,
)
from aiogram.utils.i18n import I18n

from bot.backoff import wait_at_most
from bot.chat import captions, media
from bot.chat.job_message import JobMessage
from bot.chat.keyboards import result_keyboard, status_keyboard
from bot.errors import StoreError
from bot.jobs.scheduler import Estimate, Scheduler
from bot.storage.jobs import FAILED, FINISHED, PAINTED, QUEUED, Job, Jobs
from bot.storage.pictures import DOCUMENT, PHOTO, Pictures
from bot.storage.results import Results
from bot.telegram.error_text import error_text
from bot.telegram.rate_limits import RateLimiter

_log = logging.getLogger(__name__)

#: Seconds between two edits of a message at the least, and between two looks at the jobs.
EDIT_INTERVAL, LOOK_INTERVAL = 3.0, 1.0
#: Seconds in which changes that come together are told together.
_GATHER = 0.1
#: Seconds to the next try after a failure: the first, and the most.
_FIRST_PAUSE, _MOST_PAUSE = 1.0, 60.0
#: Seconds in which a stopping bot sends what is painted.
STOP_SECONDS = 10.0

#: What Telegram will refuse as often as it is sent.
_FINAL = (TelegramBadRequest, TelegramEntityTooLarge)


class _Telling:
    """What is told of one job, when next, and the task that does it."""

    def __init__(self, message: JobMessage) -> None:
        self.message = message
        self.preview_seen = 0
        self.next_look = 0.0
        self.pause = _FIRST_PAUSE
        # What Telegram does not take in this chat: previews, or even texts until there is an end.
        self.text_only = self.silent = False
        self.task: Optional[asyncio.Task[None]] = None

    def put_off(self, now: float) -> None:
        """Try again later, and later each time."""
        self.next_look = now + self.pause
        self.pause = min(2 * self.pause, _MOST_PAUSE)


class Delivery:
    """Keeps the messages of all active jobs up to date, each in a task of its own.

    `edit_interval` is in seconds, and so is what `clock` shows.
    """

    def __init__(
        self,
        *,
        bot: Bot,
        i18n: I18n,
        jobs: Jobs,
        pictures: Pictures,
        results: Results,
        rate_limiter: RateLimiter,
        edit_interval: float = EDIT_INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bot = bot
        self._i18n = i18n
        self._jobs = jobs
        self._pictures = pictures
        self._results = results
        self._rate_limiter = rate_limiter
        self._edit_interval = edit_interval
        self._clock = clock
        self._awake = asyncio.Event()
        self._settled = asyncio.Event()
        self._tellings: Dict[int, _Telling] = {}

    def wake(self) -> None:
        """Look at the jobs: something changed."""
        self._awake.set()

    async def run(self, scheduler: Scheduler) -> None:
        """Tell the users of their jobs until cancelled; what is being sent then is finished."""
        try:
            while True:
                self._awake.clear()
                busy = await self._look(scheduler)
                await wait_at_most(self._awake, LOOK_INTERVAL if busy else None)
                await asyncio.sleep(_GATHER)
        finally:
            await self._finish_tasks()

    async def settle(self) -> None:
        """Wait until all finished jobs are told of, but no longer than `STOP_SECONDS`."""
        self._settled.clear()
        self.wake()
        await wait_at_most(self._settled, STOP_SECONDS)

    async def _finish_tasks(self) -> None:
        tasks = [each.task for each in self._tellings.values() if each.task is not None]
        if tasks:
            _done, late = await asyncio.wait(tasks, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()

    async def _look(self, scheduler: Scheduler) -> bool:
        """Start a task for each job that is due; returns whether there are active jobs."""
        try:
            jobs = await self._jobs.active()
            # Without jobs too: it counts those that wait.
            estimates = await scheduler.estimates()
        except StoreError as error:
            _log.error("Nobody can be told of jobs: %s", error)
            return True
        if all(job.state != FINISHED for job in jobs):
            self._settled.set()
        known, active = self._tellings, {job.id for job in jobs}
        self._tellings = {
            key: each for key, each in known.items() if key in active or each.task is not None
        }
        for job in jobs:
            if job.id not in self._tellings:
                self._tellings[job.id] = _Telling(JobMessage(self._bot, self._jobs, job))
            telling = self._tellings[job.id]
            if telling.task is None and self._is_due(job, telling):
                self._begin(job, telling, scheduler, estimates.get(job.id))
        return bool(jobs)

    def _is_due(self, job: Job, telling: _Telling) -> bool:
        now = self._clock()
        if job.state == FINISHED:
            # Not held up by the edit before it, only by a failure to tell.
            failed = telling.pause > _FIRST_PAUSE
            return now >= telling.next_look or not failed
        paused = self._rate_limiter.paused_until(job.order.chat_id) > now
        heard = not (telling.message.lost or telling.silent)
        return now >= telling.next_look and heard and not paused

    def _begin(
        self, job: Job, telling: _Telling, scheduler: Scheduler, estimate: Optional[Estimate]
    ) -> None:
        def done(task: asyncio.Task[None]) -> None:
            telling.task = None
            self.wake()
            if not task.cancelled() and task.exception() is not None:
                _log.error("Job %d cannot be told of", job.id, exc_info=task.exception())
                telling.put_off(self._clock())

        telling.task = asyncio.ensure_future(self._tell(job, telling, scheduler, estimate))
        telling.task.add_done_callback(done)

    async def _tell(
        self, job: Job, telling: _Telling, scheduler: Scheduler, estimate: Optional[Estimate]
    ) -> None:
        with self._i18n.context(), self._i18n.use_locale(job.order.language):
            try:
                if job.state == FINISHED:
                    await self._answer(job, telling.message)
                else:
                    await self._show(job, telling, scheduler, estimate)
                telling.pause = _FIRST_PAUSE
            except TelegramMigrateToChat as error:
                await self._follow(job, error.migrate_to_chat_id)
            except (TelegramAPIError, StoreError) as error:
                await self._handle_failure(job, telling, scheduler, error)

    async def _handle_failure(
        self, job: Job, telling: _Telling, scheduler: Scheduler, error: Exception
    ) -> None:
        """Go on after a telling that failed: later, in silence, or not at all."""
        if _is_nobody_there(error):
            _log.info("Job %d ends unseen: %s", job.id, error_text(error))
            await scheduler.cancel(job.id)
            await self._jobs.answered(job.id)
        elif isinstance(error, _FINAL) and job.state == FINISHED:
            await self._give_up(job, telling.message, error)
        elif isinstance(error, _FINAL):
            _log.warning("Job %d is not told of before its end: %s", job.id, error_text(error))
            telling.silent = True
        else:
            _log.warning(
                "Job %d: %s. Next try in %.0f s.", job.id, error_text(error), telling.pause
            )
            telling.put_off(self._clock())

    async def _follow(self, job: Job, chat_id: int) -> None:
        """Go on in the supergroup that the job's group has become."""
        _log.info("Job %d goes on in chat %d, which its group became.", job.id, chat_id)
        await self._jobs.move(job.order.chat_id, chat_id)
        # The next look begins anew, there.
        self._tellings.pop(job.id, None)

    async def _give_up(self, job: Job, message: JobMessage, error: Exception) -> None:
        """End a job whose answer Telegram will never take, as in a group that forbids photos."""
        _log.error("Job %d cannot be answered: %s", job.id, error_text(error))
        with suppress(TelegramAPIError):
            await message.resend(captions.reason(FAILED))
        await self._jobs.answered(job.id)

    async def _show(
        self, job: Job, telling: _Telling, scheduler: Scheduler, estimate: Optional[Estimate]
    ) -> None:
        """Bring the message up to date, if there is something new to see."""
        preview, seen = None, telling.preview_seen
        if job.state == QUEUED:
            if estimate is None:
                return
            text = captions.waiting(estimate)
        else:
            text = captions.painting(scheduler.progress(job.id), estimate)
            preview, seen = scheduler.preview(job.id)
        new_preview = preview if seen > telling.preview_seen and not telling.text_only else None
        if text == telling.message.text and new_preview is None:
            return
        try:
            await telling.message.show(text, status_keyboard(job), new_preview)
        except _FINAL as error:
            if new_preview is None or _is_nobody_there(error):
                raise
            _log.warning("Job %d is shown without previews: %s", job.id, error_text(error))
            telling.text_only = True
            await telling.message.show(text, status_keyboard(job))
        telling.preview_seen = max(seen, telling.preview_seen)
        telling.next_look = self._clock() + self._edit_interval

    async def _answer(self, job: Job, message: JobMessage) -> None:
        """Give the user the result, or the reason why there is none."""
        if job.outcome != PAINTED:
            await message.resend(captions.ended(job, job.order.language))
        else:
            await self._give(job, message)
        await self._jobs.answered(job.id)

    async def _give(self, job: Job, message: JobMessage) -> None:
        path, keyboard = self._results.path(job.id), result_keyboard(job)
        caption = captions.ended(job, job.order.language)
        picture = await self._pictures.get(job.order.picture)
        form = PHOTO if picture is None else picture.form
        try:
            content = await media.painted(path, form, caption)
        except OSError as error:
            _log.error("Job %d: its picture cannot be read: %s", job.id, error)
            return await message.resend(captions.reason(FAILED))
        try:
            await message.replace_with_media(content, keyboard)
        except _FINAL as error:
            if form == DOCUMENT or _is_nobody_there(error):
                raise
            _log.warning("Job %d goes as a file: %s", job.id, error_text(error))
            await message.replace_with_media(await media.painted(path, DOCUMENT, caption), keyboard)


def _is_nobody_there(error: Exception) -> bool:
    """Whether the user has blocked the bot, or the chat is gone."""
    gone = isinstance(error, TelegramBadRequest) and "chat not found" in error.message
    return gone or isinstance(error, (TelegramForbiddenError, TelegramNotFound))
