"""/examples: pictures before and after, those that are there."""

from __future__ import annotations

from typing import Union

from aiogram import Router
from aiogram.types import CallbackQuery, Message
from aiogram.utils.i18n import gettext as _

from bot.chat.catalog import Catalog
from bot.chat.keyboards.data import OpenPage, Page
from bot.chat.replies import answer, answer_target
from bot.chat.uploads import MOST_IN_ALBUM, Captioned, Uploads
from bot.handlers.filters import command


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.message.register(show, command("examples"))
    router.callback_query.register(open_page, OpenPage.filter_for(Page.EXAMPLES))
    return router


async def show(
    event: Union[Message, CallbackQuery],
    uploads: Uploads,
    catalog: Catalog,
    language: str,
) -> None:
    """Send all examples, in albums."""
    pictures = [
        Captioned(example.path, example.title[language]) for example in await catalog.examples()
    ]
    if not pictures:
        await answer(
            event, _("There are no examples here yet. Send me a photo, and we'll make one!")
        )
    for start in range(0, len(pictures), MOST_IN_ALBUM):
        await uploads.send_album(pictures[start : start + MOST_IN_ALBUM], answer_target(event))


async def open_page(
    callback: CallbackQuery, uploads: Uploads, catalog: Catalog, language: str
) -> None:
    """Do the same by button."""
    await callback.answer()
    await show(callback, uploads, catalog, language)
