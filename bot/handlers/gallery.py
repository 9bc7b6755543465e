"""Choosing a style: from the gallery, or a picture of one's own."""

from __future__ import annotations

from dataclasses import replace as changed
from html import escape
from typing import Optional, Union

from aiogram import Bot, Router
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message, Update
from aiogram.utils.i18n import gettext as _

from bot.chat import dialogue
from bot.chat.catalog import gallery_styles, style_of_key
from bot.chat.dialogue import Mode
from bot.chat.keyboards import ChooseStyle, OpenGallery, OwnStyle, gallery_keyboard
from bot.chat.replies import answer, answer_target, stale
from bot.chat.submission import Submission, order_for
from bot.chat.uploads import MOST_IN_ALBUM, Captioned, Uploads
from bot.handlers.filters import command
from bot.painting.protocol import STYLIZE
from bot.storage.users import StyleChoice, User, Users
from runtime import Style

#: Who painted the styles that come with the bot, which goes without saying.
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
    bot: Bot,
    uploads: Uploads,
    language: str,
    start: int = 0,
    picture: Optional[int] = None,
) -> None:
    """Show the styles from number `start` on, for the photo `picture` or one still to come."""
    styles = gallery_styles()
    page = styles[start : start + MOST_IN_ALBUM]
    following = start + len(page) if start + len(page) < len(styles) else None
    lines = [f"{n}. {_line(style, language)}" for n, style in enumerate(page, start + 1)]
    captioned = [Captioned(style.path, line) for style, line in zip(page, lines)]
    if captioned:
        await uploads.send_album(bot, captioned, answer_target(event))
    text = "\n".join(["<b>" + _("Choose a style:") + "</b>", *map(escape, lines)])
    keyboard = gallery_keyboard(page, start=start, following=following, picture=picture)
    await answer(event, text, keyboard, html=True)


async def open_page(
    callback: CallbackQuery, callback_data: OpenGallery, bot: Bot, uploads: Uploads,
    submission: Submission, language: str,
) -> None:  # fmt: skip
    """Do the same by button."""
    picture = callback_data.picture
    known = await submission.own_picture(picture, callback.from_user.id)
    if (picture is not None and known is None) or callback_data.start > len(gallery_styles()):
        return await stale(callback)
    await callback.answer()
    await show(callback, bot, uploads, language, callback_data.start, picture)


async def choose(
    callback: CallbackQuery, callback_data: ChooseStyle, state: FSMContext, users: Users,
    user: User, submission: Submission, language: str, event_update: Update,
) -> None:  # fmt: skip
    """Take a style of the gallery: for the photo that is known, and for the next ones."""
    style = style_of_key(callback_data.style)
    photo = await submission.own_picture(callback_data.picture, user.user_id)
    if style is None or (callback_data.picture is not None and photo is None):
        return await stale(callback)
    choice = StyleChoice(gallery=style.name)
    await users.choose_style(user.user_id, choice)
    await dialogue.begin(state, Mode(STYLIZE))
    if photo is not None:
        order = order_for(photo, user, language, f"update:{event_update.update_id}")
        return await submission.order_by_button(changed(order, style=choice), callback)
    await callback.answer()
    text = _("The style is “{style}”. Now send me the photo.").format(style=style.title[language])
    await answer(callback, text)


async def ask_for_own(
    callback: CallbackQuery, callback_data: OwnStyle, state: FSMContext, submission: Submission
) -> None:
    """Ask for a picture to be the style."""
    picture = callback_data.picture
    known = await submission.own_picture(picture, callback.from_user.id)
    if picture is not None and known is None:
        return await stale(callback)
    await callback.answer()
    await dialogue.await_style(state, picture)
    text = _("Send me a picture whose style you like: a painting, a pattern, anything.")
    await answer(callback, text)


def _line(style: Style, language: str) -> str:
    author = style.author[language] if style.author else ""
    if author == _OURS:
        return style.title[language]
    return ", ".join(filter(None, (style.title[language], author, str(style.year or ""))))
