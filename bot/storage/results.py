"""The pictures of jobs on disk: results that wait to be sent, how they came about, and what jobs
work on."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Iterable, List, Set

#: Those of the results: pictures, and videos.
SUFFIXES = (".png", ".mp4")

#: The jobs whose stages are kept; with a megabyte each they fill no card.
MOST_STAGES = 100


class Results:
    """A folder of `ID.png` or `ID.mp4`, one a job, and a folder `ID` beside each while it is painted.

    A folder `ID.stages` holds the pictures that lead from the sketch to the result.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, job_id: int, suffix: str = ".png") -> Path:
        """Where the job's picture is, once it is painted; `suffix` is that of its order."""
        return self._folder / f"{job_id}{suffix}"

    def work_folder(self, job_id: int) -> Path:
        """An empty folder for what the job works on."""
        folder = self._folder / str(job_id)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def sketch(self, job_id: int) -> Path:
        """Where the job's sketch is, once it is drawn; its folder is there."""
        folder = self._stages(job_id)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / "sketch.jpg"

    def begin_stages(self, job_id: int) -> None:
        """Remove the stages of an earlier attempt, and those of the oldest of too many jobs."""
        for path in self._stages(job_id).glob("stage-*.jpg"):
            path.unlink()
        self._stages(job_id).mkdir(parents=True, exist_ok=True)
        folders = sorted(self._folder.glob("*.stages"), key=lambda path: int(path.stem))
        for path in folders[:-MOST_STAGES]:
            shutil.rmtree(path, ignore_errors=True)

    def keep_stage(self, job_id: int, preview: Path) -> None:
        """Keep a preview, whose file the next one replaces; without room there is no film."""
        folder = self._stages(job_id)
        # A link takes no time and no room.
        with suppress(OSError):
            os.link(preview, folder / f"stage-{len(list(folder.iterdir())):03}.jpg")

    def stages(self, job_id: int) -> List[Path]:
        """The JPEGs from the sketch to the last stage before the result; none if they are gone."""
        folder = self._stages(job_id)
        sketch = folder / "sketch.jpg"
        return [*([sketch] if sketch.exists() else []), *sorted(folder.glob("stage-*.jpg"))]

    def film(self, job_id: int) -> Path:
        """Where the film of the stages is, once it is made."""
        return self._stages(job_id) / "film.mp4"

    def _stages(self, job_id: int) -> Path:
        return self._folder / f"{job_id}.stages"

    def clear_work_folder(self, job_id: int) -> None:
        """Remove the folder; the job is done with it."""
        shutil.rmtree(self._folder / str(job_id), ignore_errors=True)

    def remove(self, job_ids: Iterable[int]) -> None:
        """Delete all files of these jobs."""
        for job_id in job_ids:
            self.clear_work_folder(job_id)
            shutil.rmtree(self._stages(job_id), ignore_errors=True)
            for suffix in SUFFIXES:
                with suppress(FileNotFoundError):
                    self.path(job_id, suffix).unlink()

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
