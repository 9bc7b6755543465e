"""Ends jobs: stores, counts and logs how, and stops the painting of a cancelled one."""

from __future__ import annotations

import logging

from bot.jobs.progress_board import ProgressBoard
from bot.metrics import Metrics
from bot.outcomes import CANCELLED, Ending
from bot.storage.jobs import Jobs

_log = logging.getLogger(__name__)


class Endings:
    """How jobs end, by the scheduler or by the user."""

    def __init__(self, jobs: Jobs, board: ProgressBoard, metrics: Metrics) -> None:
        self._jobs = jobs
        self._board = board
        self._metrics = metrics

    async def finish(self, job_id: int, ending: Ending) -> bool:
        """End a job; returns whether it had not ended before."""
        ended = await self._jobs.finish(job_id, ending)
        if ended:
            self.count(ending)
            _log.info("Job %d: %s", job_id, ending.label)
        return ended

    async def cancel(self, job_id: int) -> bool:
        """End a queued or running job; returns whether it had not ended before."""
        cancelled = await self.finish(job_id, CANCELLED)
        if cancelled:
            self._board.interrupt(job_id)
        self._board.changed()
        return cancelled

    def count(self, ending: Ending, number: int = 1) -> None:
        """Count jobs that ended."""
        self._metrics.jobs.labels(outcome=ending.label).inc(number)
