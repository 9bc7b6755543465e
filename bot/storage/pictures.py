"""The pictures that users sent: where Telegram keeps them, and what they came as."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from typing import List, Optional

from bot.storage.database import Database

#: A picture came as a compressed photo or as a file; its repainted version goes back as it came.
PHOTO, DOCUMENT = "photo", "document"


@dataclass(frozen=True)
class Picture:
    """A picture in a chat. `album` is Telegram's id of the group of messages that it came in."""

    id: int
    user_id: int
    chat_id: int
    message_id: int
    file_id: str
    form: str
    album: Optional[str] = None


class Pictures:
    """The pictures in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self,
        *,
        user_id: int,
        chat_id: int,
        message_id: int,
        file_id: str,
        form: str,
        album: Optional[str] = None,
    ) -> Picture:
        """Take in the picture of a message; the same message again gives the same picture."""

        def work(connection: sqlite3.Connection) -> sqlite3.Row:
            connection.execute(
                "INSERT OR IGNORE INTO pictures"
                " (user_id, chat_id, message_id, file_id, form, album, received)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (user_id, chat_id, message_id, file_id, form, album, time.time()),
            )
            row: sqlite3.Row = connection.execute(
                "SELECT * FROM pictures WHERE chat_id = ? AND message_id = ?",
                (chat_id, message_id),
            ).fetchone()
            return row

        return _picture(await self._database.run(work))

    async def get(self, picture_id: int) -> Optional[Picture]:
        """The picture, `None` when it was tidied away or forgotten."""

        def work(connection: sqlite3.Connection) -> Optional[sqlite3.Row]:
            query = "SELECT * FROM pictures WHERE id = ?"
            row: Optional[sqlite3.Row] = connection.execute(query, (picture_id,)).fetchone()
            return row

        row = await self._database.run(work)
        return None if row is None else _picture(row)

    async def album(self, chat_id: int, album: str) -> List[Picture]:
        """The pictures of an album, in the order in which they were sent."""

        def work(connection: sqlite3.Connection) -> List[sqlite3.Row]:
            query = "SELECT * FROM pictures WHERE chat_id = ? AND album = ? ORDER BY message_id"
            return connection.execute(query, (chat_id, album)).fetchall()

        return [_picture(row) for row in await self._database.run(work)]

    async def open_albums(self) -> List[Picture]:
        """One picture of each album that was not closed yet."""

        def work(connection: sqlite3.Connection) -> List[sqlite3.Row]:
            query = "SELECT * FROM pictures WHERE album IS NOT NULL GROUP BY chat_id, album"
            return connection.execute(query).fetchall()

        return [_picture(row) for row in await self._database.run(work)]

    async def close_album(self, chat_id: int, album: str) -> None:
        """Note that the album was dealt with."""

        def work(connection: sqlite3.Connection) -> None:
            query = "UPDATE pictures SET album = NULL WHERE chat_id = ? AND album = ?"
            connection.execute(query, (chat_id, album))

        await self._database.run(work)


def _picture(row: sqlite3.Row) -> Picture:
    fields = ("id", "user_id", "chat_id", "message_id", "file_id", "form", "album")
    return Picture(**{name: row[name] for name in fields})
