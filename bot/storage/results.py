"""The pictures of jobs on disk: results that wait to be sent, and what jobs work on."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Iterable, Set


class Results:
    """A folder of `ID.png`, one a job, and a folder `ID` beside each while it is painted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, job_id: int) -> Path:
        """Where the job's picture is, once it is painted."""
        return self._folder / f"{job_id}.png"

    def work_folder(self, job_id: int) -> Path:
        """An empty folder for what the job works on."""
        folder = self._folder / str(job_id)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def clear_work_folder(self, job_id: int) -> None:
        """Remove the folder; the job is done with it."""
        shutil.rmtree(self._folder / str(job_id), ignore_errors=True)

    def remove(self, job_ids: Iterable[int]) -> None:
        """Delete all files of these jobs."""
        for job_id in job_ids:
            self.clear_work_folder(job_id)
            with suppress(FileNotFoundError):
                self.path(job_id).unlink()

    def orphans(self, known: Set[int], older_than: float) -> Set[int]:
        """The jobs that have files here, are not `known`, and last changed `older_than` s ago."""
        if not self._folder.exists():
            return set()
        limit = time.time() - older_than
        found = {
            int(path.stem)
            for path in self._folder.iterdir()
            if path.stem.isdigit() and path.stat().st_mtime < limit
        }
        return found - known
