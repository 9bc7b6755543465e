"""Brings the pictures of orders to this disk: from Telegram, or from the gallery."""

from __future__ import annotations

from pathlib import Path
from typing import Awaitable, Callable, Optional

from bot.errors import PictureRefused
from bot.jobs.kept_downloads import KeptDownloads
from bot.outcomes import PictureRole, Reason
from bot.painting.protocol import Look, StyleFile
from bot.storage.pictures import Pictures
from bot.storage.styles import StyleChoice, Styles
from runtime import Style


class Fetching:
    """Finds pictures as files.

    `find_style` gives the gallery's style of a name, `None` when there is none.
    """

    def __init__(
        self,
        downloads: KeptDownloads,
        pictures: Pictures,
        find_style: Callable[[str], Awaitable[Optional[Style]]],
    ) -> None:
        self._downloads = downloads
        self._pictures = pictures
        self._find_style = find_style

    async def photo(
        self, picture_id: int, path: Path, role: PictureRole = PictureRole.PHOTO
    ) -> str:
        """Bring a photo, or what else its `role` says, into the file `path`.

        Raises `PictureRefused` when it is gone, `TelegramUnreachable`.
        """
        return await self._download(role, picture_id, path)

    async def look(self, styles: Styles, folder: Path) -> Look:
        """The files of styles, with their weights; the users' own are brought into `folder`.

        Raises `PictureRefused` when one is gone, `TelegramUnreachable`.
        """
        files = []
        for number, each in enumerate(styles):
            path = await self._style(each.choice, folder / f"style-{number}")
            files.append(StyleFile(path, each.weight))
        return tuple(files)

    async def _style(self, choice: StyleChoice, path: Path) -> str:
        if choice.picture is not None:
            return await self._download(PictureRole.STYLE, choice.picture, path)
        found = await self._find_style(choice.name or "")
        if found is None:
            text = f"The style {choice.name!r} is no longer in the gallery."
            raise PictureRefused(text, PictureRole.STYLE, Reason.GONE)
        return str(found.path)

    async def _download(self, role: PictureRole, picture_id: int, path: Path) -> str:
        picture = await self._pictures.get(picture_id)
        if picture is None:
            text = f"Picture {picture_id} is no longer in the database."
            raise PictureRefused(text, role, Reason.GONE)
        await self._downloads.fetch(picture, path, role)
        return str(path)
