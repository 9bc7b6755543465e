"""Choosing a style: from the gallery, or a picture of one's own."""

from __future__ import annotations

from html import escape
from typing import Optional, Union

from aiogram import Router
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message
from aiogram.utils.i18n import gettext as _

from bot.chat import dialogue
from bot.chat.catalog import Catalog
from bot.chat.dialogue import Mode
from bot.chat.keyboards import ChooseStyle, OpenGallery, OwnStyle, gallery_keyboard
from bot.chat.replies import answer, answer_target, stale
from bot.chat.submission import Sender, Submission, stylize_order
from bot.chat.uploads import MOST_IN_ALBUM, Captioned, Uploads
from bot.handlers.filters import command
from bot.storage.pictures import Picture
from bot.storage.users import StyleChoice, Users
from bot.stored_options import Kind
from runtime import Style

#: Who painted the styles that come with the bot; the gallery does not name this author.
_OURS = "Jetbrush"


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.message.register(show, command("styles"))
    router.callback_query.register(open_page, OpenGallery.filter())
    router.callback_query.register(choose, ChooseStyle.filter())
    router.callback_query.register(ask_for_own, OwnStyle.filter())
    return router


async def show(
    event: Union[Message, CallbackQuery],
    uploads: Uploads,
    catalog: Catalog,
    language: str,
    photo: Optional[Picture] = None,
    start: int = 0,
) -> None:
    """Show the styles from number `start` on, for `photo` or for one still to come."""
    styles = list((await catalog.styles()).values())
    page = styles[start : start + MOST_IN_ALBUM]
    following = start + len(page) if start + len(page) < len(styles) else None
    lines = [f"{n}. {_line(style, language)}" for n, style in enumerate(page, start + 1)]
    captioned = [Captioned(style.path, line) for style, line in zip(page, lines)]
    if captioned:
        await uploads.send_album(captioned, answer_target(event))
    text = "\n".join(["<b>" + _("Choose a style:") + "</b>", *map(escape, lines)])
    picture = None if photo is None else photo.id
    keyboard = gallery_keyboard(page, start=start, following=following, picture=picture)
    await answer(event, text, keyboard, html=True)


async def open_page(
    callback: CallbackQuery,
    callback_data: OpenGallery,
    photo: Optional[Picture],
    uploads: Uploads,
    catalog: Catalog,
    language: str,
) -> None:
    """Do the same by button."""
    if callback_data.start > len(await catalog.styles()):
        return await stale(callback)
    await callback.answer()
    await show(callback, uploads, catalog, language, photo, callback_data.start)


async def choose(
    callback: CallbackQuery,
    callback_data: ChooseStyle,
    photo: Optional[Picture],
    sender: Sender,
    state: FSMContext,
    users: Users,
    catalog: Catalog,
    submission: Submission,
) -> None:
    """Take a style of the gallery: for the photo that is known, and for the next ones."""
    style = await catalog.style_of_key(callback_data.style)
    if style is None:
        return await stale(callback)
    choice = StyleChoice(name=style.name)
    await users.choose_style(sender.user.user_id, choice)
    await dialogue.begin(state, Mode(Kind.STYLIZE))
    if photo is not None:
        return await submission.order_by_button(stylize_order(photo, sender, choice), callback)
    await callback.answer()
    title = style.title[sender.language]
    await answer(callback, _("The style is “{style}”. Now send me the photo.").format(style=title))


async def ask_for_own(callback: CallbackQuery, photo: Optional[Picture], state: FSMContext) -> None:
    """Ask for a picture to be the style."""
    await callback.answer()
    await dialogue.await_style(state, None if photo is None else photo.id)
    text = _("Send me a picture whose style you like: a painting, a pattern, anything.")
    await answer(callback, text)


def _line(style: Style, language: str) -> str:
    author = style.author[language] if style.author else ""
    if author == _OURS:
        return style.title[language]
    return ", ".join(filter(None, (style.title[language], author, str(style.year or ""))))
