"""Takes the jobs one after the other from the store to the painter."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Optional, Tuple, TypeVar

from aiogram import Bot

from bot.backoff import wait_at_most
from bot.config import Config
from bot.errors import (
    DownloadRefused,
    PaintingError,
    PaintingRefused,
    StoreError,
    TelegramUnreachable,
)
from bot.jobs.eta import Eta
from bot.metrics import Metrics
from bot.painting.client import PainterClient
from bot.painting.protocol import PaintProgress, PaintRequest
from bot.storage.jobs import CANCELLED, FAILED, MOST_ATTEMPTS, PAINTED, Job, Jobs
from bot.storage.pictures import Pictures
from bot.storage.results import Results
from bot.storage.users import StyleChoice
from bot.telegram.downloads import download
from runtime import installed_styles

_log = logging.getLogger(__name__)

Made = TypeVar("Made")

#: Seconds to the next try while Telegram cannot be reached: the first, and the most.
_FIRST_PAUSE, _MOST_PAUSE = 1.0, 30.0


@dataclass(frozen=True)
class Estimate:
    """When a job will be done: its place in the queue, 0 while it is painted, and seconds left.

    `seconds` is `None` until a job of each kind that comes before it has been measured.
    """

    place: int
    seconds: Optional[float]


class Scheduler:
    """The loop between the store and the painter.

    `on_change` is called whenever there is something new to tell a user.
    """

    def __init__(
        self,
        *,
        bot: Bot,
        config: Config,
        jobs: Jobs,
        pictures: Pictures,
        results: Results,
        painter_client: PainterClient,
        eta: Eta,
        metrics: Metrics,
        on_change: Callable[[], None],
    ) -> None:
        self._bot = bot
        self._config = config
        self._jobs = jobs
        self._pictures = pictures
        self._results = results
        self._painter_client = painter_client
        self._eta = eta
        self._metrics = metrics
        self._on_change = on_change
        self._awake = asyncio.Event()
        self._stop_asked = asyncio.Event()
        self._running: Optional[Job] = None
        self._painting: Optional[asyncio.Task[None]] = None
        self._progress: Optional[PaintProgress] = None
        self._preview: Optional[Path] = None
        self._previews = 0

    def wake(self) -> None:
        """Look at the store: there is a new job."""
        self._awake.set()
        self._on_change()

    async def run(self) -> None:
        """Paint job after job until `stop` is called."""
        pause = _FIRST_PAUSE
        while not self._stop_asked.is_set():
            try:
                await self._recover()
                while not self._stop_asked.is_set():
                    await self._serve_next()
                    pause = _FIRST_PAUSE
            except (TelegramUnreachable, StoreError) as error:
                _log.warning("%s The painter rests for %.0f s.", error, pause)
                await wait_at_most(self._stop_asked, pause)
                pause = min(2 * pause, _MOST_PAUSE)

    async def stop(self, grace: float) -> None:
        """Take no more jobs; wait `grace` seconds for the running one, then hand it back."""
        self._stop_asked.set()
        self._awake.set()
        if self._painting is not None and not self._painting.done():
            await asyncio.wait([self._painting], timeout=grace)
            self._painting.cancel()

    async def cancel(self, job_id: int) -> bool:
        """End a queued or running job; returns whether it had not ended before."""
        cancelled = await self._finish(job_id, CANCELLED)
        if cancelled and self._running is not None and self._running.id == job_id:
            assert self._painting is not None
            self._painting.cancel()
        self._on_change()
        return cancelled

    def progress(self, job_id: int) -> Optional[PaintProgress]:
        """How far the job is, `None` if it is not the one that is painted or has just begun."""
        running = self._running is not None and self._running.id == job_id
        return self._progress if running else None

    def preview(self, job_id: int) -> Tuple[Optional[Path], int]:
        """The preview of the job that is painted, a JPEG, and which one it is, counted from 1.

        `None` and 0 while there is none.
        """
        running = self._running is not None and self._running.id == job_id
        return (self._preview, self._previews) if running else (None, 0)

    async def estimates(self) -> Dict[int, Estimate]:
        """When each queued or running job will be done, by its id."""
        found: Dict[int, Estimate] = {}
        seconds: Optional[float] = 0.0
        if self._running is not None:
            seconds = await self._left(self._running)
            found[self._running.id] = Estimate(0, seconds)
        queued = await self._jobs.queue()
        self._metrics.queue_length.set(len(queued))
        for place, job in enumerate(queued, start=1):
            expected = await self._eta.expected(job.order)
            seconds = None if seconds is None or expected is None else seconds + expected
            found[job.id] = Estimate(place, seconds)
        return found

    async def estimate(self, job: Job) -> Optional[Estimate]:
        """When the job will be done, `None` if it is neither queued nor running."""
        return (await self.estimates()).get(job.id)

    async def _recover(self) -> None:
        """Take up what was running when the bot died, or when its store failed."""
        given_up = await self._jobs.recover()
        if given_up:
            _log.error("Gave up %d jobs: the bot died at each of their attempts.", given_up)
            self._metrics.jobs.labels(outcome=FAILED).inc(given_up)
            self._on_change()

    async def _serve_next(self) -> None:
        """Take the next job, or wait until there may be one."""
        self._awake.clear()
        job = await self._jobs.claim()
        if job is None:
            await self._awake.wait()
        elif self._stop_asked.is_set():
            await self._jobs.hand_back(job.id, count_attempt=False)
        else:
            await self._take(job)

    async def _left(self, job: Job) -> Optional[float]:
        """Seconds that the running job still takes, from its own speed or from those before."""
        elapsed = time.time() - (job.started or time.time())
        if self._progress is not None and self._progress.share > 0.1:
            return elapsed * (1 / self._progress.share - 1)
        expected = await self._eta.expected(job.order)
        return None if expected is None else max(expected - elapsed, 1.0)

    async def _take(self, job: Job) -> None:
        self._running, self._progress = job, None
        self._preview, self._previews = None, 0
        self._painting = asyncio.ensure_future(self._attempt(job))
        self._on_change()
        try:
            await asyncio.wait([self._painting])
            if self._painting.cancelled():
                # By the user, and the job has its outcome, or by the end of the bot.
                await self._jobs.hand_back(job.id, count_attempt=False)
            else:
                self._painting.result()
        except TelegramUnreachable:
            await self._jobs.hand_back(job.id, count_attempt=False)
            raise
        finally:
            self._painting.cancel()
            self._running = None
            await _on_thread(self._results.clear_workplace, job.id)
            self._on_change()

    async def _attempt(self, job: Job) -> None:
        try:
            seconds = await self._paint(job)
        except PaintingRefused as error:
            await self._finish(job.id, f"{error.picture}:{error.reason}")
        except _Refused as error:
            await self._finish(job.id, str(error))
        except (PaintingError, OSError) as error:
            # An OSError is the disk's, which may have room again for the next attempt.
            again = getattr(error, "retriable", True) and job.attempts < MOST_ATTEMPTS
            _log.error(
                "Job %d, attempt %d of %d: %s", job.id, job.attempts, MOST_ATTEMPTS, error
            )  # fmt: skip
            if again:
                await self._jobs.hand_back(job.id, count_attempt=True)
            else:
                await self._finish(job.id, FAILED)
        else:
            self._metrics.job_seconds.labels(kind=job.order.kind).observe(seconds)
            await self._eta.learn(job.order, seconds)
            await self._finish(job.id, PAINTED)

    async def _finish(self, job_id: int, outcome: str) -> bool:
        """Note and count how a job ended; returns whether it had not ended before."""
        ended = await self._jobs.finish(job_id, outcome)
        if ended:
            self._metrics.jobs.labels(outcome=outcome).inc()
            _log.info("Job %d: %s", job_id, outcome)
        return ended

    async def _paint(self, job: Job) -> float:
        """Paint the job's picture into its result file; returns the seconds from its start."""
        begin = time.monotonic()
        work_folder = await _on_thread(self._results.work_folder, job.id)
        order = job.order
        photo = await self._fetch("photo", order.picture, work_folder / "photo")
        style = await self._style(order.style, work_folder / "style")
        task = PaintRequest(
            kind=order.kind,
            photo=str(photo),
            style=None if style is None else str(style),
            model=order.model,
            output=str(self._results.path(job.id)),
            previews=str(work_folder),
            size=order.settings.size,
            strength=order.settings.strength,
            keep_colours=order.settings.keep_colours,
            steps=self._config.steps,
            backend=self._config.backend,
        )
        await self._painter_client.submit(task, on_progress=self._report)
        return time.monotonic() - begin

    async def _style(self, choice: Optional[StyleChoice], path: Path) -> Optional[Path]:
        if choice is None:
            return None
        if choice.picture is not None:
            return await self._fetch("style", choice.picture, path)
        found = installed_styles().get(choice.gallery or "")
        if found is None:
            raise _Refused("style:gone")
        return found.path

    async def _fetch(self, role: str, picture_id: int, path: Path) -> Path:
        """Download a picture; `role` is `photo` or `style`."""
        picture = await self._pictures.get(picture_id)
        if picture is None:
            raise _Refused(f"{role}:gone")
        try:
            await download(self._bot, picture.file_id, path)
        except DownloadRefused as error:
            raise _Refused(f"{role}:{error.reason}") from error
        return path

    def _report(self, progress: PaintProgress) -> None:
        self._progress = progress
        if progress.preview is not None:
            self._preview = progress.preview
            self._previews += 1
        self._on_change()


async def _on_thread(work: Callable[[int], Made], job_id: int) -> Made:
    """Do what waits for the disk."""
    return await asyncio.get_running_loop().run_in_executor(None, work, job_id)


class _Refused(Exception):
    """A job that will never succeed; its text is the outcome."""
