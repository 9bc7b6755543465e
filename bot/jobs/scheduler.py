"""Takes the jobs from the store to the painters, as many at once as painters are free."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import Dict, Optional, Set

from bot.backoff import Backoff, wait_at_most
from bot.errors import (
    PainterDied,
    PainterLost,
    PainterStuck,
    PaintingError,
    PaintingFailed,
    PictureRefused,
    StoreError,
    TelegramUnreachable,
)
from bot.jobs.endings import Endings
from bot.jobs.estimates import Durations
from bot.jobs.fair_order import FairQueue
from bot.jobs.fetching import Fetching
from bot.jobs.needs import needs_of
from bot.jobs.progress_board import ProgressBoard
from bot.metrics import Metrics
from bot.outcomes import FAILED, PAINTED, Ending, Outcome, Reason, Refusal
from bot.painting.painters import LOCAL, Painters, Place
from bot.painting.protocol import PaintProgress, PaintRequest
from bot.storage.jobs import MOST_ATTEMPTS, Job, Jobs
from bot.storage.results import Results
from bot.stored_options import Kind
from bot.threads import on_thread

_log = logging.getLogger(__name__)

#: Seconds to the next try while Telegram cannot be reached: the first, and the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0


class Scheduler:
    """The loop between the store and the painters."""

    def __init__(
        self,
        *,
        jobs: Jobs,
        fetching: Fetching,
        results: Results,
        queue: FairQueue,
        board: ProgressBoard,
        endings: Endings,
        durations: Durations,
        painters: Painters,
        metrics: Metrics,
    ) -> None:
        self._jobs = jobs
        self._fetching = fetching
        self._results = results
        self._queue = queue
        self._board = board
        self._endings = endings
        self._durations = durations
        self._painters = painters
        self._metrics = metrics
        self._awake = asyncio.Event()
        self._stop_asked = asyncio.Event()
        self._paintings: Dict[int, asyncio.Task[None]] = {}
        self._servings: Set[asyncio.Task[None]] = set()
        self._failure: Optional[Exception] = None
        self._succeeded = False
        board.listen(self._awake.set)
        painters.listen(self._awake.set)

    async def run(self) -> None:
        """Paint job after job until `stop` is called."""
        backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        while not self._stop_asked.is_set():
            try:
                await self._recover()
                while not self._stop_asked.is_set():
                    await self._serve_next()
                    self._raise_failure()
                    if self._succeeded:
                        backoff.reset()
            except (TelegramUnreachable, StoreError, _TryLater) as error:
                pause = backoff.next()
                _log.warning("%s The painter pauses for %.0f s.", error, pause)
                await wait_at_most(self._stop_asked, pause)
        if self._servings:
            await asyncio.wait(self._servings)

    async def stop(self, grace: float) -> None:
        """Take no more jobs; wait `grace` seconds for the running ones, then hand them back."""
        self._stop_asked.set()
        self._awake.set()
        paintings = [each for each in self._paintings.values() if not each.done()]
        if paintings:
            await asyncio.wait(paintings, timeout=grace)
        for each in paintings:
            each.cancel()

    async def _recover(self) -> None:
        """Queue again what was running when the bot died, or when its store failed."""
        given_up = await self._jobs.recover(besides=self._paintings)
        if given_up:
            _log.error("Gave up %d jobs: the bot died at each of their attempts.", given_up)
            self._endings.count(FAILED, given_up)
            self._board.changed()

    async def _serve_next(self) -> None:
        """Begin the next job, or wait until there may be one and somebody to paint it."""
        self._awake.clear()
        claimed = None
        # Asked first: every step of a painting wakes this loop.
        if self._painters.idle:
            claimed = await self._queue.claim(self._reserve)
        if claimed is None:
            await self._awake.wait()
            return
        job, place = claimed
        if self._stop_asked.is_set():
            place.leave()
            await self._jobs.hand_back(job.id, count_attempt=False)
            return
        painting = asyncio.ensure_future(self._attempt(job, place))
        self._paintings[job.id] = painting
        self._board.begin(job, painting, place.painter)
        serving = asyncio.ensure_future(self._serve(job, painting, place))
        self._servings.add(serving)
        serving.add_done_callback(self._served)

    def _reserve(self, job: Job) -> Optional[Place]:
        if job.id in self._paintings:
            # It was handed back a moment ago, and its last attempt still clears its folder.
            return None
        return self._painters.reserve(needs_of(job.order))

    async def _serve(self, job: Job, painting: asyncio.Task[None], place: Place) -> None:
        """See a painting through to its end."""
        try:
            await asyncio.wait([painting])
            if painting.cancelled():
                # By the user, and the job has its ending, or by the end of the bot.
                await self._jobs.hand_back(job.id, count_attempt=False)
            else:
                painting.result()
        except TelegramUnreachable:
            await self._jobs.hand_back(job.id, count_attempt=False)
            raise
        finally:
            painting.cancel()
            self._board.end(job.id)
            await on_thread(self._results.clear_work_folder, job.id)
            # Not before: the folder of the next attempt has the same name.
            del self._paintings[job.id]
            place.leave()

    def _served(self, serving: asyncio.Task[None]) -> None:
        self._servings.discard(serving)
        error = None if serving.cancelled() else serving.exception()
        self._succeeded = error is None
        if isinstance(error, Exception):
            self._failure = error
        self._awake.set()

    def _raise_failure(self) -> None:
        """Raise what ended a painting, for the loop to pause."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    async def _attempt(self, job: Job, place: Place) -> None:
        try:
            seconds = await self._paint(job, place)
        except PictureRefused as error:
            await self._endings.finish(job.id, Ending(Outcome.REFUSED, error.refusal))
        except (PaintingError, OSError) as error:
            refusal = _fault_of_video(job, error)
            if refusal is None:
                await self._retry_or_fail(job, place, error)
            else:
                _log.error("Job %d: %s", job.id, error)
                await self._endings.finish(job.id, Ending(Outcome.REFUSED, refusal))
        else:
            self._metrics.job_seconds.labels(kind=job.order.kind.value).observe(seconds)
            await self._durations.learn(job.order, seconds, place.painter)
            await self._endings.finish(job.id, PAINTED)

    async def _retry_or_fail(self, job: Job, place: Place, error: Exception) -> None:
        # An OSError is the disk's, which may have room again for the next attempt.
        retriable = getattr(error, "retriable", True)
        _log.error("Job %d, attempt %d of %d: %s", job.id, job.attempts, MOST_ATTEMPTS, error)
        lost = isinstance(error, PainterLost)
        counts = not isinstance(error, PainterLost) or error.counts
        if retriable and (job.attempts < MOST_ATTEMPTS or not counts):
            # Through no fault of its user's a lost painter must not cost the job its turn.
            await self._jobs.hand_back(job.id, count_attempt=counts, keep_turn=not lost)
            # Another machine pauses by itself.
            here = place.painter == LOCAL and isinstance(error, PaintingFailed)
            if here or isinstance(error, OSError):
                raise _TryLater("The disk or the memory may be full.") from error
        else:
            await self._endings.finish(job.id, FAILED)

    async def _paint(self, job: Job, place: Place) -> float:
        """Paint the job's picture into its result file; returns the seconds from its start."""
        begin = time.monotonic()
        work_folder = await on_thread(self._results.work_folder, job.id)
        order = job.order
        photo = await self._fetching.photo(order.picture, work_folder / "photo", order.role)
        styles = await self._fetching.look(order.styles, work_folder)
        request = PaintRequest(
            photo=photo,
            output=str(self._results.path(job.id, order.suffix)),
            previews=str(work_folder),
            options=order.options,
            styles=styles,
            model=order.model,
        )
        if order.kind is not Kind.VIDEO:
            await on_thread(self._results.begin_stages, job.id)
        await place.submit(request, on_progress=partial(self._report, job.id))
        return time.monotonic() - begin

    def _report(self, job_id: int, progress: PaintProgress) -> None:
        if progress.preview is not None:
            self._results.keep_stage(job_id, progress.preview)
        self._board.report(job_id, progress)


def _fault_of_video(job: Job, error: Exception) -> Optional[Refusal]:
    """What is wrong with a job's video, if it ended the painter twice; else `None`.

    A video is decoded while it is repainted, so the painter cannot tell what crashed or hung.
    """
    if job.order.kind is not Kind.VIDEO or job.attempts < 2:
        return None
    if isinstance(error, PainterStuck):
        return Refusal(job.order.role, Reason.TOO_SLOW)
    if isinstance(error, PainterDied) and error.crashed:
        return Refusal(job.order.role, Reason.DAMAGED)
    return None


class _TryLater(Exception):
    """The next attempt would fail like this one unless it waits; says why."""
