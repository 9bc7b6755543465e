"""Single values that outlive the bot, such as the web hook's secret."""

from __future__ import annotations

import secrets
from typing import Optional

from pydantic import SecretStr

from bot.storage.database import Database

_SECRET = "webhook-secret"


class KeyValues:
    """Texts by key in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, key: str) -> Optional[str]:
        """The value, `None` if there is none."""
        rows = await self._database.rows("SELECT value FROM key_values WHERE key = ?", key)
        return rows[0]["value"] if rows else None

    async def set(self, key: str, value: str) -> None:
        """Store a value; it replaces the one before."""
        await self._database.change("INSERT OR REPLACE INTO key_values VALUES (?, ?)", key, value)

    async def webhook_secret(self) -> SecretStr:
        """The secret that Telegram sends with every update, made at the first start."""
        secret = await self.get(_SECRET)
        if secret is None:
            secret = secrets.token_urlsafe(32)
            await self.set(_SECRET, secret)
        return SecretStr(secret)
