"""Keeps users informed about their jobs: the place in the queue, the bar, the preview, the result.

The result is put into the job's one message by an edit, which may be done twice and is seen once:
a bot that dies while it sends a picture sends it again, and the user has it one time. A message that
was sent and whose number is not known is looked for before another one is sent
(`bot.telegram.lost_messages`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from contextlib import suppress
from typing import Callable, Dict, Optional

from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramMigrateToChat,
)
from aiogram.utils.i18n import I18n

from bot.backoff import Backoff, wait_at_most
from bot.chat import job_texts, media
from bot.chat.catalog import Catalog
from bot.chat.job_message import JobMessage
from bot.chat.keyboards.of_jobs import result_keyboard, status_keyboard
from bot.errors import StoreError
from bot.jobs.endings import Endings
from bot.jobs.estimates import Estimate, Estimates
from bot.jobs.progress_board import ProgressBoard
from bot.outcomes import FAILED, PAINTED
from bot.storage.jobs import Job, Jobs, JobState
from bot.storage.pictures import MediaKind, Pictures
from bot.storage.results import Results
from bot.stored_options import Kind
from bot.telegram.error_text import error_text, is_nobody_there
from bot.telegram.lost_messages import LostMessages
from bot.telegram.rate_limits import RateLimiter

_log = logging.getLogger(__name__)

#: The fewest seconds between two edits in a chat, and the seconds between two looks at the jobs.
EDIT_INTERVAL, LOOK_INTERVAL = 3.0, 1.0
#: Seconds in which changes that come together become one edit.
_GATHER = 0.1
#: Seconds to the next try after a failure: the first, and the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
#: Seconds in which a stopping bot sends what is painted.
STOP_SECONDS = 10.0

#: Telegram refuses these as often as they are sent.
_FINAL = (TelegramBadRequest, TelegramEntityTooLarge)


class _Report:
    """What the user has seen of one job, when the next look is due, and the task that shows it."""

    def __init__(self, message: JobMessage) -> None:
        self.message = message
        self.preview_seen = 0
        self.next_look = 0.0
        self.backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        # What Telegram does not take in this chat: previews, or even texts until there is an end.
        self.text_only = self.silent = False
        self.task: Optional[asyncio.Task[None]] = None

    def put_off(self, now: float) -> float:
        """Try again later, and later each time; returns the pause in seconds."""
        pause = self.backoff.next()
        self.next_look = now + pause
        return pause


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
        board: ProgressBoard,
        estimates: Estimates,
        endings: Endings,
        catalog: Catalog,
        lost_messages: LostMessages,
        rate_limiter: RateLimiter,
        edit_interval: float = EDIT_INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bot = bot
        self._i18n = i18n
        self._jobs = jobs
        self._pictures = pictures
        self._results = results
        self._board = board
        self._estimates = estimates
        self._endings = endings
        self._catalog = catalog
        self._lost_messages = lost_messages
        self._rate_limiter = rate_limiter
        self._edit_interval = edit_interval
        self._clock = clock
        self._awake = asyncio.Event()
        self._settled = asyncio.Event()
        self._reports: Dict[int, _Report] = {}
        self._jobs_in: Counter[int] = Counter()
        board.listen(self.wake)

    def wake(self) -> None:
        """Look at the jobs: something changed."""
        self._awake.set()

    async def run(self) -> None:
        """Show the users their jobs until cancelled; what is being sent then is finished."""
        try:
            while True:
                self._awake.clear()
                busy = await self._look()
                await wait_at_most(self._awake, LOOK_INTERVAL if busy else None)
                await asyncio.sleep(_GATHER)
        finally:
            await self._finish_tasks()

    async def settle(self) -> None:
        """Wait until all finished jobs are answered, but no longer than `STOP_SECONDS`."""
        self._settled.clear()
        self.wake()
        await wait_at_most(self._settled, STOP_SECONDS)

    async def _finish_tasks(self) -> None:
        tasks = [each.task for each in self._reports.values() if each.task is not None]
        if tasks:
            _done, late = await asyncio.wait(tasks, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()

    async def _look(self) -> bool:
        """Start a task for each job that is due; returns whether there are active jobs."""
        try:
            jobs = await self._jobs.active()
            # Without jobs too: it counts those that wait.
            estimates = await self._estimates.all()
        except StoreError as error:
            _log.error("No job can be shown: %s", error)
            return True
        if all(job.state is not JobState.FINISHED for job in jobs):
            self._settled.set()
        self._jobs_in = Counter(job.order.chat_id for job in jobs)
        known, active = self._reports, {job.id for job in jobs}
        self._reports = {
            key: each for key, each in known.items() if key in active or each.task is not None
        }
        for job in jobs:
            if job.id not in self._reports:
                self._reports[job.id] = _Report(JobMessage(self._bot, self._lost_messages, job))
            report = self._reports[job.id]
            if report.task is None and self._is_due(job, report):
                self._begin(job, report, estimates.get(job.id))
        return bool(jobs)

    def _is_due(self, job: Job, report: _Report) -> bool:
        now = self._clock()
        if job.state is JobState.FINISHED:
            # Not held up by the edit before it, only by a failure to send.
            return now >= report.next_look or not report.backoff.failing
        paused = self._rate_limiter.paused_until(job.order.chat_id) > now
        heard = not (report.message.lost or report.silent)
        # The first thing to see is shown at once; after a failure it waits as all do.
        first = not report.preview_seen and self._board.preview(job.id)[1]
        due = now >= report.next_look or bool(first and not report.backoff.failing)
        return due and heard and not paused

    def _begin(self, job: Job, report: _Report, estimate: Optional[Estimate]) -> None:
        def done(task: asyncio.Task[None]) -> None:
            report.task = None
            self.wake()
            if not task.cancelled() and task.exception() is not None:
                _log.error("Job %d cannot be shown.", job.id, exc_info=task.exception())
                report.put_off(self._clock())

        report.task = asyncio.ensure_future(self._update(job, report, estimate))
        report.task.add_done_callback(done)

    async def _update(self, job: Job, report: _Report, estimate: Optional[Estimate]) -> None:
        with self._i18n.context(), self._i18n.use_locale(job.order.language):
            try:
                if job.state is JobState.FINISHED:
                    await self._answer(job, report.message)
                else:
                    await self._show(job, report, estimate)
                report.backoff.reset()
            except TelegramMigrateToChat as error:
                await self._follow(job, error.migrate_to_chat_id)
            except (TelegramAPIError, StoreError) as error:
                await self._handle_failure(job, report, error)

    async def _handle_failure(self, job: Job, report: _Report, error: Exception) -> None:
        """Try again later, stay silent until the end, or end the job."""
        if is_nobody_there(error):
            _log.info("Job %d ends unseen: %s", job.id, error_text(error))
            await self._endings.cancel(job.id)
            await self._jobs.answered(job.id)
        elif isinstance(error, _FINAL) and job.state is JobState.FINISHED:
            await self._give_up(job, report.message, error)
        elif isinstance(error, _FINAL):
            _log.warning("Job %d is not shown before its end: %s", job.id, error_text(error))
            report.silent = True
        else:
            pause = report.put_off(self._clock())
            _log.warning("Job %d: %s. Next try in %.0f s.", job.id, error_text(error), pause)

    async def _follow(self, job: Job, chat_id: int) -> None:
        """Continue in the supergroup that the job's group has become."""
        _log.info("Job %d continues in chat %d, which its group became.", job.id, chat_id)
        await self._jobs.move(job.order.chat_id, chat_id)
        # The next look starts again, in the new chat.
        self._reports.pop(job.id, None)

    async def _give_up(self, job: Job, message: JobMessage, error: Exception) -> None:
        """End a job whose answer Telegram will never take, as in a group that forbids photos."""
        _log.error("Job %d cannot be answered: %s", job.id, error_text(error))
        with suppress(TelegramAPIError):
            await message.resend(job_texts.not_painted(FAILED))
            await message.clean_up()
        await self._jobs.answered(job.id)

    async def _show(self, job: Job, report: _Report, estimate: Optional[Estimate]) -> None:
        """Bring the message up to date, if there is something new to see."""
        if job.state is JobState.QUEUED:
            if estimate is None:
                return
            text = job_texts.waiting(estimate)
        else:
            text = job_texts.painting(self._board.progress(job.id), estimate)
        preview, seen = self._board.preview(job.id)
        if report.text_only:
            report.preview_seen = seen
        new_preview = preview if seen > report.preview_seen else None
        if text == report.message.text and new_preview is None:
            return
        if new_preview is not None:
            picture = await self._pictures.get(job.order.picture)
            report.message.spoiler = picture is not None and picture.spoiler
        try:
            await report.message.show(text, status_keyboard(job), new_preview)
        except _FINAL as error:
            if new_preview is None or is_nobody_there(error):
                raise
            _log.warning("Job %d is shown without previews: %s", job.id, error_text(error))
            report.text_only = True
            await report.message.show(text, status_keyboard(job))
        report.preview_seen = max(seen, report.preview_seen)
        # The jobs of an album share the edits that Telegram allows in a chat.
        report.next_look = self._clock() + self._edit_interval * self._jobs_in[job.order.chat_id]

    async def _answer(self, job: Job, message: JobMessage) -> None:
        """Give the user the result, or the reason why there is none."""
        ending = job.ending or FAILED
        if ending == PAINTED:
            await self._give(job, message)
        else:
            await message.resend(job_texts.not_painted(ending))
        await message.clean_up()
        await self._jobs.answered(job.id)

    async def _give(self, job: Job, message: JobMessage) -> None:
        path, keyboard = self._results.path(job.id, job.order.suffix), result_keyboard(job)
        title = await self._catalog.title_of_order(job.order, job.order.language)
        is_video = job.order.kind is Kind.VIDEO
        is_cut = is_video and await media.is_cut(path)
        caption = job_texts.painted(job.order, title, is_cut=is_cut)
        picture = await self._pictures.get(job.order.picture)
        otherwise = MediaKind.VIDEO_FILE if is_video else MediaKind.PHOTO
        kind = otherwise if picture is None else picture.media_kind
        spoiler = picture is not None and picture.spoiler
        try:
            content = await media.painted(path, kind, caption, spoiler=spoiler)
        except OSError as error:
            _log.error("Job %d: its picture cannot be read: %s", job.id, error)
            return await message.resend(job_texts.not_painted(FAILED))
        try:
            await message.replace_with_media(content, keyboard)
        except _FINAL as error:
            if kind in (MediaKind.DOCUMENT, MediaKind.VIDEO_FILE) or is_nobody_there(error):
                raise
            _log.warning("Job %d goes as a file: %s", job.id, error_text(error))
            content = await media.painted(path, MediaKind.DOCUMENT, caption)
            await message.replace_with_media(content, keyboard)
