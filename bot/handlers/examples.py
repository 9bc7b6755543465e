"""/examples: pictures before and after, those that are there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import List, Mapping, NamedTuple, Union

from aiogram import Bot, Router
from aiogram.types import CallbackQuery, Message
from aiogram.utils.i18n import gettext as _

from bot.chat.keyboards import EXAMPLES, OpenPage
from bot.chat.replies import answer, answer_target
from bot.chat.uploads import MOST_IN_ALBUM, Captioned, Uploads
from bot.handlers.filters import command

#: `make examples` writes the pictures and their index.
FOLDER = Path(__file__).resolve().parent.parent / "examples"


class Example(NamedTuple):
    """A picture that shows before and after side by side; `title` is by language."""

    path: Path
    title: Mapping[str, str]


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.message.register(show, command("examples"))
    router.callback_query.register(open_page, OpenPage.filter_for(EXAMPLES))
    return router


def examples() -> List[Example]:
    """The examples whose pictures are there."""
    index = FOLDER / "index.json"
    if not index.exists():
        return []
    entries = json.loads(index.read_text(encoding="utf-8"))
    found = [Example(FOLDER / entry["file"], entry["title"]) for entry in entries]
    return [example for example in found if example.path.exists()]


async def show(
    event: Union[Message, CallbackQuery], bot: Bot, uploads: Uploads, language: str
) -> None:
    """Send all examples, in albums."""
    pictures = [Captioned(example.path, example.title[language]) for example in examples()]
    if not pictures:
        await answer(
            event, _("There are no examples here yet. Send me a photo, and we'll make one!")
        )
    for start in range(0, len(pictures), MOST_IN_ALBUM):
        await uploads.send_album(bot, pictures[start : start + MOST_IN_ALBUM], answer_target(event))


async def open_page(callback: CallbackQuery, bot: Bot, uploads: Uploads, language: str) -> None:
    """Do the same by button."""
    await callback.answer()
    await show(callback, bot, uploads, language)
