"""Sketches the photo of each job as soon as it is ordered: the first preview of its message."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from pathlib import Path
from typing import Set

from bot.backoff import wait_at_most
from bot.errors import BotError, StoreError
from bot.jobs.fetching import Fetching
from bot.jobs.progress_board import ProgressBoard
from bot.painting.painters import Needs, Painters
from bot.painting.protocol import SketchRequest
from bot.storage.jobs import Job, Jobs, JobState
from bot.storage.results import Results
from bot.threads import held_on_thread, on_thread
from runtime import SketchOptions, StylizeOptions

_log = logging.getLogger(__name__)

#: The longer side of a sketch in pixels, and the seconds after which it is dropped.
SIZE, WITHIN = 640, 20.0

#: Seconds to the next look after a failure of the database.
_REST = 5.0


class FirstSketches:
    """Draws the sketches one after the other, also of jobs that wait for others."""

    def __init__(
        self,
        *,
        jobs: Jobs,
        fetching: Fetching,
        painters: Painters,
        results: Results,
        board: ProgressBoard,
    ) -> None:
        self._jobs = jobs
        self._fetching = fetching
        self._painters = painters
        self._results = results
        self._board = board
        self._tried: Set[int] = set()
        # Whether a job was left for when a painter comes.
        self._put_off = False
        self._awake = asyncio.Event()
        board.listen(self._awake.set)
        painters.listen(self._resume)

    @property
    def _has_painter(self) -> bool:
        return bool(self._painters.able(Needs()))

    def _resume(self) -> None:
        if self._put_off and self._has_painter:
            self._awake.set()

    async def run(self) -> None:
        """Sketch until cancelled."""
        while True:
            self._awake.clear()
            try:
                await self._sketch_new_jobs()
            except StoreError as error:
                _log.error("No job can be sketched: %s", error)
                await wait_at_most(self._awake, _REST)
            else:
                await self._awake.wait()

    async def _sketch_new_jobs(self) -> None:
        active = [job for job in await self._jobs.active() if job.state is not JobState.FINISHED]
        self._tried &= {job.id for job in active}
        self._board.forget_sketches(besides=self._tried)
        self._put_off = False
        for job in active:
            if job.id not in self._tried:
                if not self._has_painter:
                    self._put_off = True
                    return
                self._tried.add(job.id)
                await self._sketch(job)

    async def _sketch(self, job: Job) -> None:
        """Show the job's sketch, which is drawn unless there is one from before a restart."""
        options = job.order.options
        if not isinstance(options, StylizeOptions):
            return
        output = await on_thread(self._results.sketch, job.id)
        if not output.exists():
            try:
                await self._draw(job, options, output)
            except StoreError:
                self._tried.discard(job.id)
                raise
            except (BotError, OSError) as error:
                _log.info("Job %d has no sketch: %s", job.id, error)
                return
        self._board.sketched(job.id, output)

    async def _draw(self, job: Job, options: StylizeOptions, output: Path) -> None:
        async with held_on_thread(tempfile.TemporaryDirectory(prefix="jetbrush-sketch-")) as name:
            folder = Path(name)
            request = SketchRequest(
                photo=await self._fetching.photo(job.order.picture, folder / "photo"),
                output=str(output),
                looks=(await self._fetching.look(job.order.styles, folder),),
                options=SketchOptions(size=SIZE, keep_colours=options.keep_colours),
            )
            await self._painters.sketch(request, within=WITHIN)
