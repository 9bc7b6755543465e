"""The question about a photo becomes a sheet: the photo sketched in every style, to choose from.

The question is sent at once, with buttons that do without sketches, and is edited when the sheet is
drawn. A sheet that is overdue, that fails, or that a restart interrupts leaves the question as it is.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import BufferedInputFile, InlineKeyboardMarkup, InputMediaPhoto
from aiogram.utils.i18n import I18n
from aiogram.utils.i18n import gettext as _

from bot.background import Background
from bot.chat.catalog import Catalog
from bot.chat.keyboards.menus import sheet_keyboard
from bot.chat.replies import with_retries
from bot.errors import BotError
from bot.jobs.fetching import Fetching
from bot.painting.painters import Painters
from bot.painting.protocol import SketchRequest
from bot.storage.pictures import Picture, Pictures
from bot.storage.styles import StyleChoice, Styles, alone
from bot.telegram.error_text import error_text
from bot.threads import held_on_thread, on_thread
from runtime import SketchOptions, Style

_log = logging.getLogger(__name__)

#: Seconds from the photo after which a sheet comes too late.
OVERDUE = 8.0

#: The most sketches on a sheet, and the longer side of each in pixels: three rows of three are as
#: large as Telegram shows photos.
MOST, SIZE = 9, 416

#: core.telegram.org/bots/api#sendphoto
_LONGEST_CAPTION = 1024


@dataclass(frozen=True)
class _Offer:
    """What is on a sheet: styles of the gallery, from its first on, and perhaps the user's own."""

    gallery: Sequence[Style]
    own: Styles
    own_title: str
    more: bool

    def looks(self) -> List[Styles]:
        """The styles of each sketch, in their order."""
        found = [alone(StyleChoice(name=style.name)) for style in self.gallery]
        return [*found, self.own] if self.own else found


class ContactSheets:
    """Draws sheets in the background; `overdue` is in seconds."""

    def __init__(
        self,
        *,
        bot: Bot,
        i18n: I18n,
        pictures: Pictures,
        catalog: Catalog,
        fetching: Fetching,
        painters: Painters,
        overdue: float = OVERDUE,
    ) -> None:
        self._bot = bot
        self._i18n = i18n
        self._pictures = pictures
        self._catalog = catalog
        self._fetching = fetching
        self._painters = painters
        self._overdue = overdue
        self.work = Background()

    def begin(self, photo: Picture, language: str, styles: Styles) -> None:
        """Turn the question about the photo into a sheet; `styles` are the user's, if any."""
        self.work.start(self._turn(photo, language, styles))

    async def _turn(self, photo: Picture, language: str, styles: Styles) -> None:
        begun = asyncio.get_running_loop().time()
        with self._i18n.context(), self._i18n.use_locale(language):
            try:
                offer = await self._offer(styles, language)
                if len(offer.looks()) > 1:
                    sheet = await self._draw(photo, offer, begun + self._overdue)
                    await self._show(photo, sheet, *await self._words(photo, offer, language))
            except (BotError, OSError) as error:
                _log.info("A photo is not shown in all styles: %s", error)
            except TelegramAPIError as error:
                _log.warning("A photo is not shown in all styles: %s", error_text(error))

    async def _offer(self, styles: Styles, language: str) -> _Offer:
        gallery = list((await self._catalog.styles()).values())
        # One that is in the gallery is on the sheet already.
        own = styles if len(styles) > 1 or any(each.choice.picture for each in styles) else ()
        title = await self._catalog.title_of_styles(own, language) if own else ""
        most = MOST - 1 if own else MOST
        return _Offer(gallery[:most], own, title, len(gallery) > most)

    async def _draw(self, photo: Picture, offer: _Offer, deadline: float) -> bytes:
        """The sheet as a JPEG."""
        async with held_on_thread(tempfile.TemporaryDirectory(prefix="jetbrush-sheet-")) as name:
            folder = Path(name)
            request = SketchRequest(
                photo=await self._fetching.photo(photo.id, folder / "photo"),
                output=str(folder / "sheet.jpg"),
                looks=tuple([await self._fetching.look(each, folder) for each in offer.looks()]),
                options=SketchOptions(size=SIZE),
            )
            left = deadline - asyncio.get_running_loop().time()
            await self._painters.sketch(request, within=max(left, 0.0))
            return await on_thread((folder / "sheet.jpg").read_bytes)

    async def _words(
        self, photo: Picture, offer: _Offer, language: str
    ) -> Tuple[str, InlineKeyboardMarkup]:
        """The caption and the buttons of a sheet."""
        titles = [style.title[language] for style in offer.gallery]
        titles += [offer.own_title] if offer.own else []
        lines = [f"{number}. {title}" for number, title in enumerate(titles, 1)]
        text = "\n".join(
            [_("Which style shall I paint this photo in? These are sketches."), *lines]
        )
        keyboard = sheet_keyboard(
            photo.id,
            offer.gallery,
            own=bool(offer.own),
            more=offer.more,
            generators=(await self._catalog.generators()).values(),
        )
        return text[:_LONGEST_CAPTION], keyboard

    async def _show(
        self, photo: Picture, sheet: bytes, caption: str, keyboard: InlineKeyboardMarkup
    ) -> None:
        asked: Optional[Picture] = await self._pictures.get(photo.id)
        if asked is None or asked.question is None:
            # The user has had everything deleted meanwhile.
            return
        file = BufferedInputFile(file=sheet, filename="sketches.jpg")
        media = InputMediaPhoto(media=file, caption=caption, has_spoiler=photo.spoiler)
        await with_retries(
            lambda: self._bot.edit_message_media(
                chat_id=photo.chat_id,
                message_id=asked.question,
                media=media,
                reply_markup=keyboard,
            )
        )
