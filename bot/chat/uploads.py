"""Sends pictures of this disk: each is uploaded once, and then sent by Telegram's file id."""

from __future__ import annotations

import hashlib
import io
import logging
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Union

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import BufferedInputFile, InputMediaPhoto, Message

from bot.chat.replies import in_topic, with_retries
from bot.storage.database import Database
from bot.storage.pictures import MediaKind
from bot.threads import on_thread
from runtime.errors import PictureError
from runtime.imaging.reading import read_picture

_log = logging.getLogger(__name__)

#: The most pictures in an album (core.telegram.org/bots/api#sendmediagroup).
MOST_IN_ALBUM = 10

#: Longer side of what is uploaded: enough for a phone's screen.
_SIDE = 1024
_QUALITY = 88


@dataclass(frozen=True)
class Captioned:
    """A picture of this disk, and the line under it."""

    path: Path
    caption: str


@dataclass(frozen=True)
class _Ready:
    """A picture about to be sent: known to Telegram, or as bytes."""

    key: str
    media: Union[str, BufferedInputFile]
    caption: str


class Uploads:
    """The pictures that the bot has uploaded before, in the database."""

    def __init__(self, bot: Bot, database: Database) -> None:
        self._bot = bot
        self._database = database

    async def send_album(self, pictures: Sequence[Captioned], place: Dict[str, Any]) -> None:
        """Send one to ten pictures as an album to a place that `bot.chat.replies` named.

        One that cannot be read is left out, and logged.
        """
        try:
            await self._send(await self._prepare(pictures), place)
        except TelegramBadRequest as error:
            # Telegram may forget a file, though it hardly ever does.
            _log.warning("Pictures known to Telegram could not be sent (%s); uploading", error)
            await self._send(await self._prepare(pictures, upload=True), place)

    async def _send(self, ready: Sequence[_Ready], place: Dict[str, Any]) -> None:
        if not ready:
            return
        sent = await with_retries(
            lambda: in_topic(place, lambda there: _post(self._bot, ready, there))
        )
        await self._remember(ready, sent)

    async def _prepare(
        self, pictures: Sequence[Captioned], *, upload: bool = False
    ) -> List[_Ready]:
        ready = []
        for picture in pictures:
            try:
                digest = await on_thread(_digest, picture.path)
                # File ids are worth nothing to another bot.
                key = f"{self._bot.id}:{MediaKind.PHOTO.value}:{digest}"
                media: Union[str, BufferedInputFile, None] = (
                    None if upload else await self._get(key)
                )
                if media is None:
                    data = await on_thread(_as_jpeg, picture.path)
                    media = BufferedInputFile(file=data, filename=f"{picture.path.stem}.jpg")
            except (OSError, PictureError) as error:
                _log.error("%s is not shown: %s", picture.path, error)
            else:
                ready.append(_Ready(key, media, picture.caption))
        return ready

    async def _get(self, key: str) -> Optional[str]:
        rows = await self._database.rows("SELECT file_id FROM uploads WHERE digest = ?", key)
        return rows[0]["file_id"] if rows else None

    async def _remember(self, ready: Sequence[_Ready], sent: Sequence[Message]) -> None:
        rows = [
            (one.key, max(message.photo, key=lambda size: size.width * size.height).file_id)
            for one, message in zip(ready, sent)
            if message.photo
        ]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO uploads VALUES (?, ?)", rows)

        await self._database.run(work)


async def _post(bot: Bot, ready: Sequence[_Ready], place: Dict[str, Any]) -> List[Message]:
    if len(ready) == 1:
        (one,) = ready
        return [await bot.send_photo(photo=one.media, caption=one.caption, **place)]
    media: List[Any] = [InputMediaPhoto(media=it.media, caption=it.caption) for it in ready]
    return await bot.send_media_group(media=media, **place)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _as_jpeg(path: Path) -> bytes:
    image = read_picture(path)
    image.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
