"""Which updates were handled: Telegram sends one again when it did not see the answer."""

from __future__ import annotations

import time

from bot.storage.database import Database


class SeenUpdates:
    """The numbers of handled updates in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def seen(self, update_id: int) -> bool:
        """Whether the update was handled."""
        query = "SELECT 1 FROM updates WHERE update_id = ?"
        return bool(await self._database.rows(query, update_id))

    async def mark(self, update_id: int) -> None:
        """Store that the update was handled."""
        query = "INSERT OR IGNORE INTO updates VALUES (?, ?)"
        await self._database.change(query, update_id, time.time())
