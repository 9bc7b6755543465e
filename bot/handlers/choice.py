"""What to do with a photo that came unasked."""

from __future__ import annotations

from aiogram import Router
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery
from aiogram.utils.i18n import gettext as _

from bot.chat import dialogue
from bot.chat.dialogue import Mode
from bot.chat.keyboards import Repaint, UseAsStyle
from bot.chat.replies import answer, stale
from bot.chat.submission import Sender, Submission, stylize_order
from bot.storage.pictures import Picture
from bot.storage.users import StyleChoice, Users
from bot.stored_options import Kind


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.callback_query.register(repaint, Repaint.filter())
    router.callback_query.register(use_as_style, UseAsStyle.filter())
    return router


async def repaint(
    callback: CallbackQuery, photo: Picture, sender: Sender, submission: Submission
) -> None:
    """Repaint the photo in the remembered style."""
    style = await submission.remembered_style(sender.user)
    if style is None:
        return await stale(callback)
    await submission.order_by_button(stylize_order(photo, sender, style), callback)


async def use_as_style(
    callback: CallbackQuery, photo: Picture, sender: Sender, state: FSMContext, users: Users
) -> None:
    """Take the picture as the style of the next photos."""
    await callback.answer()
    await users.choose_style(sender.user.user_id, StyleChoice(picture=photo.id))
    await dialogue.begin(state, Mode(Kind.STYLIZE))
    await answer(callback, _("This picture is your style now. Send me the photo to repaint."))
