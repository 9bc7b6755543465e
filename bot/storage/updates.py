"""The updates: those that were accepted and wait, and the numbers of those that were handled."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from typing import Any, Dict, List

from bot.storage.database import Database

_log = logging.getLogger(__name__)

#: How often an accepted update is started again after the bot died, before it counts as the cause.
MOST_RESTARTS = 10


class Updates:
    """The updates in the database.

    Telegram sends an update until the bot accepts it. What is accepted and not handled when the bot
    ends is in `waiting` at the next start.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accept(self, update_id: int, update: Dict[str, Any]) -> bool:
        """Store an update; returns whether it is new, neither accepted nor handled before."""

        def work(connection: sqlite3.Connection) -> bool:
            query = "SELECT 1 FROM updates WHERE update_id = ?"
            if connection.execute(query, (update_id,)).fetchone():
                return False
            query = "INSERT OR IGNORE INTO accepted_updates (update_id, body) VALUES (?, ?)"
            return connection.execute(query, (update_id, json.dumps(update))).rowcount > 0

        return await self._database.run(work)

    async def waiting(self) -> List[Dict[str, Any]]:
        """The accepted updates that are not handled, oldest first.

        Updates that were started `MOST_RESTARTS` times and never finished are dropped.
        """

        def work(connection: sqlite3.Connection) -> List[sqlite3.Row]:
            query = "SELECT update_id FROM accepted_updates WHERE restarts >= ?"
            for row in connection.execute(query, (MOST_RESTARTS,)).fetchall():
                _log.error("Dropped update %d: the bot died each time it handled it.", *row)
                _mark(connection, row["update_id"])
            query = "SELECT body FROM accepted_updates ORDER BY update_id"
            return connection.execute(query).fetchall()

        return [json.loads(row["body"]) for row in await self._database.run(work)]

    async def count_restart(self, update_id: int) -> None:
        """Store that an update from an earlier run is handled again."""
        query = "UPDATE accepted_updates SET restarts = restarts + 1 WHERE update_id = ?"
        await self._database.change(query, update_id)

    async def mark(self, update_id: int) -> None:
        """Store that the update was handled."""
        await self._database.run(lambda connection: _mark(connection, update_id))


def _mark(connection: sqlite3.Connection, update_id: int) -> None:
    connection.execute("INSERT OR IGNORE INTO updates VALUES (?, ?)", (update_id, time.time()))
    connection.execute("DELETE FROM accepted_updates WHERE update_id = ?", (update_id,))
