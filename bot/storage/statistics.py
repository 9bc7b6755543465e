"""The owner's statistics, counted over the rows that are kept."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from typing import Mapping, Optional

from bot.outcomes import Ending, Outcome
from bot.storage.database import Database
from bot.storage.jobs import JobState, ending_of


@dataclass(frozen=True)
class Count:
    """The bot in numbers. Times are in seconds; `endings` are of the jobs that have ended."""

    uptime: float
    users: int
    waiting: int
    mean_seconds: Optional[float]
    endings: Mapping[Ending, int]


class Statistics:
    """Counts on demand; the time runs from when this is made."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._since = time.monotonic()

    async def take(self) -> Count:
        """Count now."""

        def work(connection: sqlite3.Connection) -> Count:
            (users,) = connection.execute(
                "SELECT COUNT(*) FROM (SELECT user_id FROM users UNION SELECT user_id FROM jobs"
                " UNION SELECT user_id FROM pictures)"
            ).fetchone()
            (waiting,) = connection.execute(
                "SELECT COUNT(*) FROM jobs WHERE state IN (?, ?)",
                (JobState.QUEUED.value, JobState.RUNNING.value),
            ).fetchone()
            (mean,) = connection.execute(
                "SELECT AVG(finished - started) FROM jobs WHERE outcome = ?",
                (Outcome.PAINTED.value,),
            ).fetchone()
            rows = connection.execute(
                "SELECT outcome, refused_picture, refusal_reason, COUNT(*) AS count FROM jobs"
                " WHERE outcome IS NOT NULL GROUP BY outcome, refused_picture, refusal_reason"
            )
            endings = {
                ending: row["count"] for row in rows for ending in [ending_of(row)] if ending
            }
            return Count(time.monotonic() - self._since, users, waiting, mean, endings)

        return await self._database.run(work)
