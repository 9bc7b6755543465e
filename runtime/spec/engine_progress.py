"""How far the engines of a folder are built, in a file that is there until all of them are."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Optional

from runtime.files import atomic_write
from runtime.spec.turns import is_building

#: Beside the engines. jetbrush-engines.service starts only while it exists.
PROGRESS_FILE = "progress.json"


class Activity(Enum):
    """What the builder does."""

    BUILDING = "building"
    PAINTING = "paused while a photo is painted"
    MEMORY = "waiting for memory"
    STOPPED = "stopped"


@dataclass(frozen=True)
class EngineProgress:
    """The engines `built` of those `planned`, of which `failed` could not be built.

    `seconds_left` is a forecast for the others.
    """

    built: int
    planned: int
    failed: int
    seconds_left: float
    activity: Activity

    @property
    def in_words(self) -> str:
        """The progress in one line."""
        parts = [f"{self.built} of {self.planned} engines built"]
        if self.failed:
            parts.append(f"{self.failed} not")
        if self.seconds_left:
            parts.append(f"about {in_minutes(self.seconds_left)} left")
        return f"{', '.join(parts)}; {self.activity.value}"


def write_progress(folder: Path, progress: EngineProgress) -> None:
    """Write the file in `folder`, or remove it if all engines are built; raises `OSError`."""
    path = folder / PROGRESS_FILE
    if progress.built == progress.planned:
        if path.exists():
            path.unlink()
        return
    values = {**asdict(progress), "activity": progress.activity.value}
    with atomic_write(path) as file:
        file.write(json.dumps(values).encode() + b"\n")


def read_progress(folder: Path) -> Optional[EngineProgress]:
    """What is in the file in `folder`; None without it, and for a file of another version."""
    try:
        values = json.loads((folder / PROGRESS_FILE).read_text())
        found = EngineProgress(**{**values, "activity": Activity(values["activity"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    # A builder that was killed could not say so.
    return found if is_building(folder) else replace(found, activity=Activity.STOPPED)


def in_minutes(seconds: float) -> str:
    """A duration in words, such as `50 min` or `3.5 h`."""
    if seconds < 90 * 60:
        return f"{max(1, round(seconds / 60))} min"
    return f"{seconds / 3600:.1f} h"
