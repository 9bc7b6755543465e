"""What each user chose: language, settings, and the style for the next photos."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import List, Optional, Tuple

from bot.storage.database import Database

#: What the settings offer. Strength goes from 0 (gentle) to 1 (strong); size is the longer side in
#: pixels of the picture that is worked on.
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
SIZES = (256, 384, 512)


@dataclass(frozen=True)
class StyleChoice:
    """A style: one of the gallery by name, or a picture that the user sent, by its id."""

    gallery: Optional[str] = None
    picture: Optional[int] = None

    def __str__(self) -> str:
        return f"picture:{self.picture}" if self.picture else f"gallery:{self.gallery}"

    @classmethod
    def parse(cls, text: Optional[str]) -> Optional[StyleChoice]:
        """The choice that `str` gave as text; `None` for `None`."""
        if text is None:
            return None
        kind, _, value = text.partition(":")
        return cls(picture=int(value)) if kind == "picture" else cls(gallery=value)


@dataclass(frozen=True)
class Settings:
    """How a user's photos are repainted."""

    strength: float
    size: int
    keep_colours: bool = False


@dataclass(frozen=True)
class User:
    """A user: `language` is `None` until one is chosen, `style` until one is."""

    user_id: int
    settings: Settings
    language: Optional[str] = None
    style: Optional[StyleChoice] = None


class Users:
    """The users in the database; one who never chose anything has no row."""

    def __init__(self, database: Database, defaults: Settings) -> None:
        self._database = database
        self._defaults = defaults

    async def get(self, user_id: int) -> User:
        """The user, with the defaults for what was not chosen."""

        def work(connection: sqlite3.Connection) -> Optional[sqlite3.Row]:
            query = "SELECT * FROM people WHERE user_id = ?"
            row: Optional[sqlite3.Row] = connection.execute(query, (user_id,)).fetchone()
            return row

        row = await self._database.run(work)
        return self._person(user_id, row)

    async def choose_language(self, user_id: int, language: str) -> None:
        """Remember the language, `en` or `ru`."""
        await self._set(user_id, ("language", language))

    async def choose_style(self, user_id: int, style: StyleChoice) -> None:
        """Remember the style for the next photos."""
        await self._set(user_id, ("style", str(style)))

    async def choose_settings(self, user_id: int, settings: Settings) -> None:
        """Remember the settings."""
        await self._set(
            user_id,
            ("strength", settings.strength),
            ("size", settings.size),
            ("keep_colours", settings.keep_colours),
        )

    async def forget(self, user_id: int) -> List[int]:
        """Delete every row about the user; returns the ids of the jobs that were among them."""

        def work(connection: sqlite3.Connection) -> List[int]:
            rows = connection.execute("SELECT id FROM jobs WHERE user_id = ?", (user_id,))
            jobs = [row["id"] for row in rows]
            for table in ("jobs", "pictures", "dialogue", "people"):
                connection.execute(f"DELETE FROM {table} WHERE user_id = ?", (user_id,))
            return jobs

        return await self._database.run(work)

    def _person(self, user_id: int, row: Optional[sqlite3.Row]) -> User:
        if row is None:
            return User(user_id, self._defaults)
        defaults = self._defaults
        strength, size, keep = row["strength"], row["size"], row["keep_colours"]
        settings = Settings(
            strength=defaults.strength if strength is None else strength,
            size=defaults.size if size is None else size,
            keep_colours=defaults.keep_colours if keep is None else bool(keep),
        )
        return User(user_id, settings, row["language"], StyleChoice.parse(row["style"]))

    async def _set(self, user_id: int, *changes: Tuple[str, object]) -> None:
        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR IGNORE INTO people (user_id) VALUES (?)", (user_id,))
            for column, value in changes:
                query = f"UPDATE people SET {column} = ? WHERE user_id = ?"
                connection.execute(query, (value, user_id))

        await self._database.run(work)
