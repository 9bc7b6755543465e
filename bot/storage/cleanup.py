"""Deletes what is no longer needed: answered jobs, their pictures, and the numbers of updates."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from typing import Set

from bot.errors import StoreError
from bot.storage.database import Database
from bot.storage.jobs import JobState
from bot.storage.results import Results
from bot.threads import on_thread

_log = logging.getLogger(__name__)

_EVERY_SECONDS = 3600.0
#: Telegram keeps an undelivered update for a day (core.telegram.org/bots/api#getting-updates).
_UPDATE_SECONDS = 2 * 86400.0
#: A clock that differs by more than this after an hour was set meanwhile.
_DRIFT_SECONDS = 60.0

#: Every time that is stored, by table and column.
_TIMES = (
    ("updates", "seen"),
    ("jobs", "created"),
    ("jobs", "started"),
    ("jobs", "finished"),
    ("pictures", "received"),
)


class Cleanup:
    """Cleans up regularly, and keeps ages right when the system's clock jumps.

    A machine without a battery for its clock starts in the past and jumps once it has a network.
    """

    def __init__(self, database: Database, results: Results, keep_seconds: float) -> None:
        self._database = database
        self._results = results
        self._keep_seconds = keep_seconds
        self._offset = _offset()

    async def run(self) -> None:
        """Clean up now and every hour, until cancelled."""
        while True:
            try:
                await self.clean_up()
            except StoreError as error:
                _log.error("Nothing could be cleaned up: %s", error)
            await asyncio.sleep(_EVERY_SECONDS)

    async def clean_up(self) -> None:
        """Delete what is older than `keep_seconds`, but for pictures that are someone's style."""
        jump = _offset() - self._offset
        if abs(jump) > _DRIFT_SECONDS:
            _log.warning("The clock was set by %+.0f s; stored times follow it.", jump)
        known = await self._database.run(lambda connection: self._delete(connection, jump))
        self._offset += jump
        # Younger files may belong to a job of this very moment.
        orphans = await on_thread(self._results.orphans, known, _EVERY_SECONDS)
        await on_thread(self._results.remove, orphans)
        if orphans:
            _log.info("Removed the pictures of %d old jobs.", len(orphans))

    def _delete(self, connection: sqlite3.Connection, jump: float) -> Set[int]:
        """Delete old rows; returns the ids of the jobs that are left."""
        now = time.time()
        for table, column in _TIMES:
            if abs(jump) > _DRIFT_SECONDS:
                connection.execute(f"UPDATE {table} SET {column} = {column} + ?", (jump,))
            # From before the clock was set back: it would never grow old.
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {column} > ?", (now, now))
        connection.execute("DELETE FROM updates WHERE seen < ?", (now - _UPDATE_SECONDS,))
        oldest = now - self._keep_seconds
        connection.execute(
            "DELETE FROM jobs WHERE state = ? AND finished < ?", (JobState.ANSWERED.value, oldest)
        )
        connection.execute(
            "DELETE FROM pictures WHERE received < ? AND (album IS NULL OR album_answered)"
            " AND id NOT IN (SELECT picture FROM jobs)"
            f" AND id NOT IN ({_style_pictures('jobs')}) AND id NOT IN ({_style_pictures('users')})",
            (oldest,),
        )
        return {row["id"] for row in connection.execute("SELECT id FROM jobs")}


def _style_pictures(table: str) -> str:
    """A query for the pictures that are styles in the table."""
    picture = "json_extract(style.value, '$.picture')"
    return f"SELECT {picture} FROM {table}, json_each(styles) AS style WHERE {picture} IS NOT NULL"


def _offset() -> float:
    """The system's clock against the time since its start, which never jumps."""
    return time.time() - time.monotonic()
