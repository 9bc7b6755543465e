"""Says how far the build of all engines is: in a file for the bot and `doctor`, and to systemd."""

from __future__ import annotations

import os
from pathlib import Path
from typing import List, Optional, Sequence

from export.engines.forecast import Forecast
from export.engines.job import Job
from runtime.spec.engine_progress import Activity, EngineProgress, write_progress
from runtime.systemd import notify


class Progress:
    """Counts the engines of a build: `left` are to be built, of `planned`.

    Without a folder, as for a build of a few engines only, there is no file.
    """

    def __init__(
        self, folder: Optional[Path], planned: int, left: Sequence[Job], forecast: Forecast
    ) -> None:
        self._folder, self._planned, self._forecast = folder, planned, forecast
        self._left: List[Job] = list(left)
        self._activity = Activity.BUILDING
        self._systemd = os.environ.get("NOTIFY_SOCKET", "")
        #: Those that could not be built.
        self.failed: List[Job] = []

    @property
    def for_systemd(self) -> bool:
        """Whether systemd started this build, and nobody waits for it at a terminal."""
        return bool(self._systemd)

    def ended(self, job: Job, *, built: bool) -> None:
        """Count an engine whose build has ended."""
        self._left.remove(job)
        if not built:
            self.failed.append(job)
        self.tell(self._activity)

    def tell(self, activity: Activity) -> None:
        """Say what the builder does now."""
        self._activity = activity
        now = EngineProgress(
            built=self._planned - len(self._left) - len(self.failed),
            planned=self._planned,
            failed=len(self.failed),
            seconds_left=round(self._forecast.of(self._left).seconds),
            activity=activity,
        )
        if self._folder is not None:
            write_progress(self._folder, now)
        if self._systemd:
            notify(self._systemd, STATUS=now.in_words)
        elif activity in (Activity.PAINTING, Activity.MEMORY):
            print(f"    {activity.value}", flush=True)
