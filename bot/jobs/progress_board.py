"""Where the scheduler writes how far the running job is, and who shows it reads.

The scheduler does not know who reads, and the readers do not know the scheduler.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Callable, List, Optional, Tuple

from bot.painting.protocol import PaintProgress
from bot.storage.jobs import Job


class ProgressBoard:
    """The job that is painted, its progress and its preview; it calls listeners at each change."""

    def __init__(self) -> None:
        self._job: Optional[Job] = None
        self._painting: Optional[asyncio.Task[None]] = None
        self._progress: Optional[PaintProgress] = None
        self._preview: Optional[Path] = None
        self._previews = 0
        self._since = 0.0
        self._listeners: List[Callable[[], None]] = []

    @property
    def job(self) -> Optional[Job]:
        """The job that is painted, `None` while none is."""
        return self._job

    @property
    def elapsed(self) -> float:
        """Seconds since the job that is painted was begun."""
        return time.monotonic() - self._since

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever there is something new to show, or a new job."""
        self._listeners.append(listener)

    def changed(self) -> None:
        """Call the listeners: the store or the board has changed."""
        for listener in self._listeners:
            listener()

    def begin(self, job: Job, painting: asyncio.Task[None]) -> None:
        """Show that `job` is painted, by the task `painting`."""
        self._job, self._painting = job, painting
        self._since = time.monotonic()
        self._progress, self._preview, self._previews = None, None, 0
        self.changed()

    def report(self, progress: PaintProgress) -> None:
        """Show how far the job is."""
        self._progress = progress
        if progress.preview is not None:
            self._preview = progress.preview
            self._previews += 1
        self.changed()

    def end(self) -> None:
        """Show that no job is painted."""
        self._job = self._painting = None
        self.changed()

    def interrupt(self, job_id: int) -> None:
        """Cancel the painting of the job, if it is the one that is painted."""
        if self._is_painted(job_id) and self._painting is not None:
            self._painting.cancel()

    def progress(self, job_id: int) -> Optional[PaintProgress]:
        """How far the job is, `None` if it is not the one that is painted or has just begun."""
        return self._progress if self._is_painted(job_id) else None

    def preview(self, job_id: int) -> Tuple[Optional[Path], int]:
        """The preview of the job that is painted, a JPEG, and its number, counted from 1.

        `None` and 0 while there is none.
        """
        return (self._preview, self._previews) if self._is_painted(job_id) else (None, 0)

    def _is_painted(self, job_id: int) -> bool:
        return self._job is not None and self._job.id == job_id
