"""Where the scheduler writes how far the running jobs are, and who shows it reads.

The scheduler does not know who reads, and the readers do not know the scheduler.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Callable, Container, Dict, List, Optional, Sequence, Tuple

from bot.painting.painters import LOCAL
from bot.painting.protocol import PaintProgress
from bot.storage.jobs import Job

#: The number of the sketch among a job's previews.
SKETCH = 1

#: From this share of the work on a painting shows more than the job's sketch.
PREVIEW_FROM = 1 / 3


class Painting:
    """A job that is painted: by whom, since when, and how far it is."""

    def __init__(self, job: Job, task: Optional[asyncio.Task[None]], painter: str) -> None:
        self.job = job
        self.task = task
        self.painter = painter
        self.since = time.monotonic()
        self.progress: Optional[PaintProgress] = None
        self.preview: Optional[Path] = None
        self.previews = 0

    @property
    def elapsed(self) -> float:
        """Seconds since the painting began."""
        return time.monotonic() - self.since


class ProgressBoard:
    """The jobs that are painted, their progress and previews; it calls listeners at each change."""

    def __init__(self) -> None:
        self._paintings: Dict[int, Painting] = {}
        self._sketches: Dict[int, Path] = {}
        self._listeners: List[Callable[[], None]] = []

    @property
    def paintings(self) -> Sequence[Painting]:
        """The jobs that are painted, in the order in which they were begun."""
        return tuple(self._paintings.values())

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever there is something new to show, or a new job."""
        self._listeners.append(listener)

    def changed(self) -> None:
        """Call the listeners: the store or the board has changed."""
        for listener in self._listeners:
            listener()

    def begin(self, job: Job, task: Optional[asyncio.Task[None]], painter: str = LOCAL) -> None:
        """Show that `painter` paints `job`, in this process by `task`."""
        self._paintings[job.id] = Painting(job, task, painter)
        self.changed()

    def report(self, job_id: int, progress: PaintProgress) -> None:
        """Show how far the job is."""
        painting = self._paintings[job_id]
        painting.progress = progress
        if progress.preview is not None and progress.share >= PREVIEW_FROM:
            painting.preview = progress.preview
            painting.previews += 1
        self.changed()

    def sketched(self, job_id: int, sketch: Path) -> None:
        """Show the sketch of a job, queued or painted, until there is a preview."""
        self._sketches[job_id] = sketch
        self.changed()

    def forget_sketches(self, besides: Container[int]) -> None:
        """Show no sketches but those of the jobs `besides`."""
        self._sketches = {key: each for key, each in self._sketches.items() if key in besides}

    def end(self, job_id: int) -> None:
        """Show that the job is no longer painted."""
        self._paintings.pop(job_id, None)
        self.changed()

    def interrupt(self, job_id: int) -> None:
        """Cancel the painting of the job, if it is painted."""
        painting = self._paintings.get(job_id)
        if painting is not None and painting.task is not None:
            painting.task.cancel()

    def progress(self, job_id: int) -> Optional[PaintProgress]:
        """How far the job is, `None` if it is not painted or has just begun."""
        painting = self._paintings.get(job_id)
        return None if painting is None else painting.progress

    def preview(self, job_id: int) -> Tuple[Optional[Path], int]:
        """What there is to see of a job, a JPEG, and its number: 1 is the sketch.

        `None` and 0 while there is nothing.
        """
        painting = self._paintings.get(job_id)
        if painting is not None and painting.preview is not None:
            return painting.preview, SKETCH + painting.previews
        sketch = self._sketches.get(job_id)
        return (None, 0) if sketch is None else (sketch, SKETCH)
