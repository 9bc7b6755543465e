"""Choosing a style: from the gallery, or a picture of one's own."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import Optional, Sequence, Union

from aiogram import Router
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message
from aiogram.utils.i18n import gettext as _

from bot.chat import dialogue
from bot.chat.catalog import Catalog
from bot.chat.choosing import Choosing
from bot.chat.keyboards.data import NEXT_PHOTOS, ChooseStyle, OpenGallery, OwnStyle, Purpose
from bot.chat.keyboards.menus import gallery_keyboard, mix_keyboard
from bot.chat.replies import answer, answer_target, stale
from bot.chat.submission import Sender, Submission
from bot.chat.uploads import MOST_IN_ALBUM, Captioned, Uploads
from bot.handlers.filters import command
from bot.storage.jobs import Job
from bot.storage.pictures import Picture
from bot.storage.styles import StyleChoice
from bot.storage.users import Users
from runtime import Style

#: Who painted the styles that come with the bot; the gallery does not name this author.
_OURS = "Jetbrush"


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.message.register(show_all, command("styles"))
    router.callback_query.register(open_page, OpenGallery.filter())
    router.callback_query.register(choose, ChooseStyle.filter())
    router.callback_query.register(ask_for_own, OwnStyle.filter())
    return router


async def show_all(
    message: Message, sender: Sender, uploads: Uploads, catalog: Catalog, choosing: Choosing
) -> None:
    """Show the gallery."""
    await show(message, sender, uploads, catalog, choosing)


async def show(
    event: Union[Message, CallbackQuery],
    sender: Sender,
    uploads: Uploads,
    catalog: Catalog,
    choosing: Choosing,
    purpose: Purpose = NEXT_PHOTOS,
    job: Optional[Job] = None,
    start: int = 0,
) -> None:
    """Show the styles from number `start` on, for the photos of `purpose` or for some to come."""
    language = sender.language
    styles = list((await catalog.styles()).values())
    page = styles[start : start + MOST_IN_ALBUM]
    following = start + len(page) if start + len(page) < len(styles) else None
    lines = [f"{n}. {_line(style, language)}" for n, style in enumerate(page, start + 1)]
    captioned = [Captioned(style.path, line) for style, line in zip(page, lines)]
    if captioned:
        await uploads.send_album(captioned, answer_target(event))
    # The style that the chosen one is mixed with, or may be.
    base = await choosing.base(replace(purpose, mix=True), job, sender)
    base_title = None if base is None else await catalog.title_of_style(base, language)
    head, mixed_with = _("Choose a style:"), base_title
    if purpose.mix and base_title is not None:
        head = _("Choose a style to mix with “{style}”:").format(style=base_title)
        mixed_with = None
    text = "\n".join([f"<b>{escape(head)}</b>", *map(escape, lines)])
    keyboard = gallery_keyboard(
        page, purpose, start=start, following=following, mixed_with=mixed_with
    )
    await answer(event, text, keyboard, html=True)


async def open_page(
    callback: CallbackQuery,
    callback_data: OpenGallery,
    job: Optional[Job],
    sender: Sender,
    uploads: Uploads,
    catalog: Catalog,
    choosing: Choosing,
) -> None:
    """Do the same by button."""
    start, purpose = callback_data.start, callback_data.purpose
    if start > len(await catalog.styles()):
        return await stale(callback)
    await callback.answer()
    await show(callback, sender, uploads, catalog, choosing, purpose, job, start)


async def choose(
    callback: CallbackQuery,
    callback_data: ChooseStyle,
    photos: Sequence[Picture],
    job: Optional[Job],
    sender: Sender,
    state: FSMContext,
    users: Users,
    catalog: Catalog,
    choosing: Choosing,
    submission: Submission,
) -> None:
    """Take a style of the gallery: for the photos that are known, and for the next ones."""
    style = await catalog.style_of_key(callback_data.style)
    if style is None:
        return await stale(callback)
    choice, purpose = StyleChoice(name=style.name), callback_data.purpose
    orders = await choosing.orders(choice, purpose, photos, job, sender, state)
    if orders:
        return await submission.order_by_button(orders, callback)
    await callback.answer()
    styles = (await users.get(sender.user.user_id)).styles
    title = await catalog.title_of_styles(styles, sender.language)
    if len(styles) > 1:
        text = _("The style is a mix: {styles}. Now send me the photo.").format(styles=title)
        await answer(callback, text)
    else:
        text = _("The style is “{style}”. Now send me the photo.").format(style=title)
        await answer(callback, text, mix_keyboard())


async def ask_for_own(callback: CallbackQuery, callback_data: OwnStyle, state: FSMContext) -> None:
    """Ask for a picture to be the style."""
    await callback.answer()
    await dialogue.await_style(state, callback_data.purpose)
    text = _("Send me a picture whose style you like: a painting, a pattern, anything.")
    await answer(callback, text)


def _line(style: Style, language: str) -> str:
    author = style.author[language] if style.author else ""
    if author == _OURS:
        return style.title[language]
    return ", ".join(filter(None, (style.title[language], author, str(style.year or ""))))
