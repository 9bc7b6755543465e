"""The owner's figures, counted over the rows that are kept."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from typing import Dict, Optional, Tuple

from bot.storage.database import Database
from bot.storage.jobs import PAINTED, QUEUED, RUNNING


@dataclass(frozen=True)
class Count:
    """How the bot does. Times are in seconds; `outcomes` are of the jobs that have ended."""

    uptime: float
    users: int
    waiting: int
    mean_seconds: Optional[float]
    outcomes: Dict[str, int]


class Statistics:
    """Counts on demand; the time runs from when this is made."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._since = time.monotonic()

    async def take(self) -> Count:
        """Count now."""

        def work(
            connection: sqlite3.Connection,
        ) -> Tuple[int, int, Optional[float], Dict[str, int]]:
            (users,) = connection.execute(
                "SELECT COUNT(*) FROM (SELECT user_id FROM people UNION SELECT user_id FROM jobs"
                " UNION SELECT user_id FROM pictures)"
            ).fetchone()
            (waiting,) = connection.execute(
                "SELECT COUNT(*) FROM jobs WHERE state IN (?, ?)", (QUEUED, RUNNING)
            ).fetchone()
            (mean,) = connection.execute(
                "SELECT AVG(finished - started) FROM jobs WHERE outcome = ?", (PAINTED,)
            ).fetchone()
            rows = connection.execute(
                "SELECT outcome, COUNT(*) FROM jobs WHERE outcome IS NOT NULL GROUP BY outcome"
            )
            return users, waiting, mean, dict(map(tuple, rows))

        users, waiting, mean, outcomes = await self._database.run(work)
        return Count(time.monotonic() - self._since, users, waiting, mean, outcomes)
