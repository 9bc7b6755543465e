"""aiogram's dialogue state in the bot's own database."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Dict, Mapping, Optional

from aiogram.fsm.state import State
from aiogram.fsm.storage.base import BaseStorage, StateType, StorageKey

from bot.storage.database import Database


class SqliteStorage(BaseStorage):
    """States and data of dialogues; a dialogue with neither has no row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set_state(self, key: StorageKey, state: StateType = None) -> None:
        """Set the state, `None` for no state."""
        value = state.state if isinstance(state, State) else state
        await self._write(key, "state", value)

    async def get_state(self, key: StorageKey) -> Optional[str]:
        """The state, `None` for no state."""
        value: Optional[str] = await self._read(key, "state")
        return value

    async def set_data(self, key: StorageKey, data: Mapping[str, Any]) -> None:
        """Replace the data; it must be JSON."""
        await self._write(key, "data", json.dumps(dict(data)))

    async def get_data(self, key: StorageKey) -> Dict[str, Any]:
        """The data, a copy that the caller may change."""
        text = await self._read(key, "data")
        data: Dict[str, Any] = json.loads(text) if text else {}
        return data

    async def close(self) -> None:
        """Do nothing: the database belongs to the bot."""

    async def _read(self, key: StorageKey, column: str) -> Any:
        def work(connection: sqlite3.Connection) -> Any:
            query = f"SELECT {column} FROM dialogue WHERE key = ?"
            row = connection.execute(query, (_text(key),)).fetchone()
            return row and row[0]

        return await self._database.run(work)

    async def _write(self, key: StorageKey, column: str, value: Optional[str]) -> None:
        def work(connection: sqlite3.Connection) -> None:
            name = _text(key)
            connection.execute(
                "INSERT OR IGNORE INTO dialogue (key, user_id) VALUES (?, ?)", (name, key.user_id)
            )
            connection.execute(f"UPDATE dialogue SET {column} = ? WHERE key = ?", (value, name))
            connection.execute("DELETE FROM dialogue WHERE state IS NULL AND data = '{}'")

        await self._database.run(work)


def _text(key: StorageKey) -> str:
    # Fields that newer versions of aiogram added are read by name: 3.3 has no business_connection.
    extra = (getattr(key, name, None) for name in ("thread_id", "business_connection_id"))
    parts = (key.bot_id, key.chat_id, key.user_id, key.destiny, *extra)
    return ":".join("" if part is None else str(part) for part in parts)
