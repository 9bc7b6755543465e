"""The pictures that users sent: where Telegram keeps them, and as which media kind they came."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from enum import Enum
from typing import List, Optional

from bot.storage.database import Database


class MediaKind(str, Enum):
    """What a picture came as; it goes back as the same, repainted."""

    PHOTO = "photo"
    DOCUMENT = "document"
    ANIMATION = "animation"
    VIDEO = "video"
    VIDEO_NOTE = "video-note"
    #: A GIF or a video that was sent as a file.
    VIDEO_FILE = "video-file"

    @property
    def is_moving(self) -> bool:
        """Whether it is a video or a GIF."""
        return self not in (MediaKind.PHOTO, MediaKind.DOCUMENT)


@dataclass(frozen=True)
class Picture:
    """A picture in a chat.

    album: Telegram's id of the group of messages that it came in.
    album_answered: the album was answered when this part was in it.
    question: the bot's message that asks what to do with it, `None` where there is none.
    topic: the topic of a forum group that it was sent to, `None` elsewhere.
    spoiler: it was sent covered, and so are its previews and its result.
    """

    id: int
    user_id: int
    chat_id: int
    message_id: int
    file_id: str
    media_kind: MediaKind
    album: Optional[str] = None
    topic: Optional[int] = None
    spoiler: bool = False
    album_answered: bool = False
    question: Optional[int] = None


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
        media_kind: MediaKind,
        album: Optional[str] = None,
        topic: Optional[int] = None,
        spoiler: bool = False,
    ) -> Picture:
        """Store the picture of a message; the same message again gives the same picture."""

        values = {
            "user_id": user_id,
            "chat_id": chat_id,
            "message_id": message_id,
            "file_id": file_id,
            "media_kind": media_kind.value,
            "album": album,
            "topic": topic,
            "spoiler": spoiler,
            "received": time.time(),
        }

        def work(connection: sqlite3.Connection) -> sqlite3.Row:
            connection.execute(
                "INSERT OR IGNORE INTO pictures"
                f" ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",
                tuple(values.values()),
            )
            row: sqlite3.Row = connection.execute(
                "SELECT * FROM pictures WHERE chat_id = ? AND message_id = ?",
                (chat_id, message_id),
            ).fetchone()
            return row

        return _picture(await self._database.run(work))

    async def get(self, picture_id: int) -> Optional[Picture]:
        """The picture, `None` when it was cleaned up or forgotten."""
        found = await self._select("WHERE id = ?", picture_id)
        return found[0] if found else None

    async def of_user(self, picture_id: Optional[int], user_id: int) -> Optional[Picture]:
        """The user's picture, `None` when it is gone or someone else's."""
        found = await self._select("WHERE id = ? AND user_id = ?", picture_id, user_id)
        return found[0] if found else None

    async def album(self, chat_id: int, album: str) -> List[Picture]:
        """The pictures of an album, in the order in which they were sent."""
        return await self._select(
            "WHERE chat_id = ? AND album = ? ORDER BY message_id", chat_id, album
        )

    async def open_albums(self) -> List[Picture]:
        """One picture of each album that has parts for which it was not answered yet."""
        where = "WHERE album IS NOT NULL AND NOT album_answered GROUP BY chat_id, album"
        return await self._select(where)

    async def close_album(self, chat_id: int, album: str, last_id: Optional[int] = None) -> None:
        """Store that the album was answered: for all its parts, or for those up to `last_id`."""
        query = "UPDATE pictures SET album_answered = 1 WHERE chat_id = ? AND album = ?"
        if last_id is None:
            await self._database.change(query, chat_id, album)
        else:
            await self._database.change(f"{query} AND id <= ?", chat_id, album, last_id)

    async def drop_question(self, picture_id: int) -> None:
        """Store that the message that asked what to do with a picture is gone."""
        await self._database.change("UPDATE pictures SET question = NULL WHERE id = ?", picture_id)

    async def _select(self, where: str, *values: object) -> List[Picture]:
        rows = await self._database.rows(f"SELECT * FROM pictures {where}", *values)
        return [_picture(row) for row in rows]


def _picture(row: sqlite3.Row) -> Picture:
    return Picture(
        id=row["id"],
        user_id=row["user_id"],
        chat_id=row["chat_id"],
        message_id=row["message_id"],
        file_id=row["file_id"],
        media_kind=MediaKind(row["media_kind"]),
        album=row["album"],
        topic=row["topic"],
        spoiler=bool(row["spoiler"]),
        album_answered=bool(row["album_answered"]),
        question=row["question"],
    )
