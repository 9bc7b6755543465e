"""Which updates were handled: Telegram sends one again when it did not see the answer."""

from __future__ import annotations

import sqlite3
import time

from bot.storage.database import Database


class Updates:
    """The numbers of handled updates in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def seen(self, update_id: int) -> bool:
        """Whether the update was handled."""

        def work(connection: sqlite3.Connection) -> bool:
            query = "SELECT 1 FROM updates WHERE update_id = ?"
            return connection.execute(query, (update_id,)).fetchone() is not None

        return await self._database.run(work)

    async def mark(self, update_id: int) -> None:
        """Note that the update was handled."""

        def work(connection: sqlite3.Connection) -> None:
            query = "INSERT OR IGNORE INTO updates VALUES (?, ?)"
            connection.execute(query, (update_id, time.time()))

        await self._database.run(work)
