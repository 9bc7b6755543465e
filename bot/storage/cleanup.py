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

_log = logging.getLogger(__name__)

_EVERY_SECONDS = 3600.0
#: Telegram keeps an undelivered update for a day (core.telegram.org/bots/api#getting-updates).
_UPDATE_SECONDS = 2 * 86400.0


async def clean_up_regularly(database: Database, results: Results, keep_seconds: float) -> None:
    """Clean up now and every hour, until cancelled."""
    while True:
        try:
            await clean_up(database, results, keep_seconds)
        except StoreError as error:
            _log.error("Nothing could be cleaned up: %s", error)
        await asyncio.sleep(_EVERY_SECONDS)


async def clean_up(database: Database, results: Results, keep_seconds: float) -> None:
    """Delete what is older than `keep_seconds`, but for pictures that are someone's style."""
    now = time.time()

    def work(connection: sqlite3.Connection) -> Set[int]:
        connection.execute("DELETE FROM updates WHERE seen < ?", (now - _UPDATE_SECONDS,))
        connection.execute(
            "DELETE FROM jobs WHERE state = ? AND finished < ?",
            (JobState.ANSWERED.value, now - keep_seconds),
        )
        connection.execute(
            "DELETE FROM pictures WHERE received < ? AND album IS NULL"
            " AND id NOT IN (SELECT picture FROM jobs)"
            " AND id NOT IN (SELECT style_picture FROM jobs WHERE style_picture IS NOT NULL)"
            " AND id NOT IN (SELECT style_picture FROM users WHERE style_picture IS NOT NULL)",
            (now - keep_seconds,),
        )
        return {row["id"] for row in connection.execute("SELECT id FROM jobs")}

    known = await database.run(work)
    # Younger files may belong to a job of this very moment.
    loop = asyncio.get_running_loop()
    orphans = await loop.run_in_executor(None, results.orphans, known, _EVERY_SECONDS)
    await loop.run_in_executor(None, results.remove, orphans)
    if orphans:
        _log.info("Removed the pictures of %d old jobs.", len(orphans))
