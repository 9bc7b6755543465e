"""Downloads photos, and keeps each for some minutes: its sheet, its sketch and its painting need it."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Container, MutableMapping
from weakref import WeakValueDictionary

from aiogram import Bot

from bot.outcomes import PictureRole
from bot.storage.pictures import Picture
from bot.telegram.downloads import download
from bot.threads import on_thread

#: Seconds that a file is kept after its download, and the bytes that are kept of all together.
KEPT_SECONDS, MOST_BYTES = 600.0, 100_000_000

_EVERY_SECONDS = 30.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Kept:
    size: int
    since: float


class KeptDownloads:
    """Files from Telegram; the kept ones are in `folder`, which nothing else uses.

    Every caller gets a copy of its own, so a kept file may be deleted at any time.
    """

    def __init__(self, bot: Bot, folder: Path) -> None:
        self._bot = bot
        self._folder = folder
        # The oldest first.
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._locks: MutableMapping[int, asyncio.Lock] = WeakValueDictionary()

    async def fetch(self, picture: Picture, path: Path, role: PictureRole) -> None:
        """Write the file of `picture` to `path`.

        Raises what `bot.telegram.downloads.download` raises, and `OSError` when the disk is full.
        """
        if role is PictureRole.VIDEO:
            # It is large, and needed once.
            await download(self._bot, picture.file_id, path, role)
            return
        # Not twice at the same time: the sheet and the painting may want it at once.
        async with self._lock(picture.id):
            if picture.id in self._kept and await on_thread(self._copy_kept, picture.id, path):
                return
            await download(self._bot, picture.file_id, path, role)
            await self._keep(picture.id, path)
        while sum(each.size for each in self._kept.values()) > MOST_BYTES:
            await self._delete(next(iter(self._kept)))

    async def run(self) -> None:
        """Delete what a run before this one left, and files as they grow old, until cancelled."""
        await on_thread(self._delete_others, {str(each) for each in self._kept})
        while True:
            oldest = asyncio.get_running_loop().time() - KEPT_SECONDS
            for number in [key for key, each in self._kept.items() if each.since < oldest]:
                await self._delete(number)
            await asyncio.sleep(_EVERY_SECONDS)

    async def clear(self) -> None:
        """Delete all files."""
        for number in list(self._kept):
            await self._delete(number)

    async def _keep(self, number: int, path: Path) -> None:
        try:
            size = await on_thread(self._copy, path, number)
        except OSError as error:
            _log.warning("A photo is not kept, and will be downloaded again: %s", error)
        else:
            self._kept[number] = _Kept(size, asyncio.get_running_loop().time())
            self._kept.move_to_end(number)

    async def _delete(self, number: int) -> None:
        async with self._lock(number):
            if self._kept.pop(number, None) is not None:
                with suppress(FileNotFoundError):
                    await on_thread(self._file(number).unlink)

    def _lock(self, number: int) -> asyncio.Lock:
        """The lock of a picture, which lives as long as somebody has it."""
        lock = self._locks.get(number)
        if lock is None:
            lock = self._locks[number] = asyncio.Lock()
        return lock

    def _copy_kept(self, number: int, path: Path) -> bool:
        """Copy a kept file to `path`; returns whether it was still there."""
        try:
            shutil.copyfile(self._file(number), path)
        except FileNotFoundError:
            return False
        return True

    def _copy(self, path: Path, number: int) -> int:
        """Copy a file to keep; returns its size in bytes."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return shutil.copyfile(path, self._file(number)).stat().st_size

    def _delete_others(self, names: Container[str]) -> None:
        for each in self._folder.glob("*"):
            if each.name not in names:
                each.unlink()

    def _file(self, number: int) -> Path:
        return self._folder / str(number)
