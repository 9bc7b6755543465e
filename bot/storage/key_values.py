"""Single values that outlive the bot, such as the web hook's secret."""

from __future__ import annotations

import secrets
import sqlite3
from typing import Optional

from bot.storage.database import Database

_SECRET = "webhook-secret"


class KeyValues:
    """Texts by key in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, key: str) -> Optional[str]:
        """The value, `None` if there is none."""

        def work(connection: sqlite3.Connection) -> Optional[str]:
            row = connection.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()
            return row and row[0]

        return await self._database.run(work)

    async def set(self, key: str, value: str) -> None:
        """Keep a value in the place of the one before."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (key, value))

        await self._database.run(work)

    async def webhook_secret(self) -> str:
        """The secret that Telegram sends with every update, made at the first start."""
        secret = await self.get(_SECRET)
        if secret is None:
            secret = secrets.token_urlsafe(32)
            await self.set(_SECRET, secret)
        return secret
