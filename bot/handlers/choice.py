"""What to do with a photo or an album that came unasked."""

from __future__ import annotations

from typing import Sequence

from aiogram import Router
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery
from aiogram.utils.i18n import gettext as _

from bot.chat import dialogue
from bot.chat.dialogue import Mode
from bot.chat.keyboards.data import Repaint, UseAsPair, UseAsStyle
from bot.chat.replies import answer, stale
from bot.chat.submission import Sender, Submission, stylize_order
from bot.storage.pictures import Picture
from bot.storage.styles import StyleChoice, alone
from bot.storage.users import Users
from bot.stored_options import Kind


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.callback_query.register(repaint, Repaint.filter())
    router.callback_query.register(use_as_style, UseAsStyle.filter())
    router.callback_query.register(use_as_pair, UseAsPair.filter())
    return router


async def repaint(
    callback: CallbackQuery, photos: Sequence[Picture], sender: Sender, submission: Submission
) -> None:
    """Repaint the photos in the remembered style."""
    styles = await submission.remembered_styles(sender.user)
    if not styles or not photos:
        return await stale(callback)
    orders = [stylize_order(photo, sender, styles) for photo in photos]
    await submission.order_by_button(orders, callback)


async def use_as_pair(
    callback: CallbackQuery, photos: Sequence[Picture], sender: Sender, submission: Submission
) -> None:
    """Repaint the second picture of an album in the style of the first."""
    if len(photos) != 2:
        return await stale(callback)
    style, photo = photos
    styles = alone(StyleChoice(picture=style.id))
    orders = [stylize_order(photo, sender, styles, of_album=True)]
    await submission.order_by_button(orders, callback)


async def use_as_style(
    callback: CallbackQuery,
    photos: Sequence[Picture],
    sender: Sender,
    state: FSMContext,
    users: Users,
) -> None:
    """Take the picture as the style of the next photos."""
    await callback.answer()
    await users.choose_styles(sender.user.user_id, alone(StyleChoice(picture=photos[0].id)))
    await dialogue.begin(state, Mode(Kind.STYLIZE))
    await answer(callback, _("This picture is your style now. Send me the photo to repaint."))
