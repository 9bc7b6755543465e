"""What each user chose: language, options of style transfer, and the style for the next photos."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import List, Mapping, Optional

from bot.storage.database import Database
from bot.stored_options import with_chosen
from runtime import StylizeOptions


@dataclass(frozen=True)
class StyleChoice:
    """A style: one of the gallery by its name, or a picture that the user sent, by its id."""

    name: Optional[str] = None
    picture: Optional[int] = None

    @classmethod
    def of_row(cls, row: sqlite3.Row) -> Optional[StyleChoice]:
        """The choice in the columns `style_name` and `style_picture`; `None` for none."""
        if row["style_name"] is None and row["style_picture"] is None:
            return None
        return cls(row["style_name"], row["style_picture"])


@dataclass(frozen=True)
class User:
    """A user: `language` is `None` until one is chosen, `style` until one is.

    options: how the user's photos are repainted, with the owner's defaults for what was not chosen.
    """

    user_id: int
    options: StylizeOptions
    language: Optional[str] = None
    style: Optional[StyleChoice] = None


class Users:
    """The users in the database; one who never chose anything has no row."""

    def __init__(self, database: Database, defaults: StylizeOptions) -> None:
        self._database = database
        self._defaults = defaults

    async def get(self, user_id: int) -> User:
        """The user, with the defaults for what was not chosen."""
        rows = await self._database.rows("SELECT * FROM users WHERE user_id = ?", user_id)
        if not rows:
            return User(user_id, self._defaults)
        (row,) = rows
        options = with_chosen(self._defaults, json.loads(row["options"]))
        return User(user_id, options, row["language"], StyleChoice.of_row(row))

    async def choose_language(self, user_id: int, language: str) -> None:
        """Remember the language, `en` or `ru`."""
        await self._set(user_id, {"language": language})

    async def choose_style(self, user_id: int, style: StyleChoice) -> None:
        """Remember the style for the next photos."""
        await self._set(user_id, {"style_name": style.name, "style_picture": style.picture})

    async def choose_option(self, user_id: int, name: str, value: object) -> None:
        """Remember the value of one of the fields of `StylizeOptions`."""

        def work(connection: sqlite3.Connection) -> None:
            _ensure_row(connection, user_id)
            query = "SELECT options FROM users WHERE user_id = ?"
            (text,) = connection.execute(query, (user_id,)).fetchone()
            chosen = json.dumps({**json.loads(text), name: value}, sort_keys=True)
            update = "UPDATE users SET options = ? WHERE user_id = ?"
            connection.execute(update, (chosen, user_id))

        await self._database.run(work)

    async def forget(self, user_id: int) -> List[int]:
        """Delete every row about the user; returns the ids of the jobs that were among them."""

        def work(connection: sqlite3.Connection) -> List[int]:
            rows = connection.execute("SELECT id FROM jobs WHERE user_id = ?", (user_id,))
            jobs = [row["id"] for row in rows]
            for table in ("jobs", "pictures", "dialogue", "users"):
                connection.execute(f"DELETE FROM {table} WHERE user_id = ?", (user_id,))
            return jobs

        return await self._database.run(work)

    async def _set(self, user_id: int, values: Mapping[str, object]) -> None:
        def work(connection: sqlite3.Connection) -> None:
            _ensure_row(connection, user_id)
            for column, value in values.items():
                query = f"UPDATE users SET {column} = ? WHERE user_id = ?"
                connection.execute(query, (value, user_id))

        await self._database.run(work)


def _ensure_row(connection: sqlite3.Connection, user_id: int) -> None:
    connection.execute("INSERT OR IGNORE INTO users (user_id) VALUES (?)", (user_id,))
