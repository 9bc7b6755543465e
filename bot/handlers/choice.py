"""What to do with a photo that came unasked."""

from __future__ import annotations

from dataclasses import replace as changed

from aiogram import Router
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Update
from aiogram.utils.i18n import gettext as _

from bot.chat import dialogue
from bot.chat.dialogue import Mode
from bot.chat.keyboards import Repaint, UseAsStyle
from bot.chat.replies import answer, stale
from bot.chat.submission import Submission, order_for
from bot.painting.protocol import STYLIZE
from bot.storage.users import StyleChoice, User, Users


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.callback_query.register(repaint, Repaint.filter())
    router.callback_query.register(use_as_style, UseAsStyle.filter())
    return router


async def repaint(
    callback: CallbackQuery, callback_data: Repaint, user: User, submission: Submission,
    language: str, event_update: Update,
) -> None:  # fmt: skip
    """Repaint the photo in the remembered style."""
    photo = await submission.own_picture(callback_data.picture, user.user_id)
    style = await submission.remembered_style(user)
    if photo is None or style is None:
        return await stale(callback)
    order = order_for(photo, user, language, f"update:{event_update.update_id}")
    await submission.order_by_button(changed(order, style=style), callback)


async def use_as_style(
    callback: CallbackQuery, callback_data: UseAsStyle, state: FSMContext, users: Users,
    user: User, submission: Submission,
) -> None:  # fmt: skip
    """Take the picture as the style of the next photos."""
    picture = await submission.own_picture(callback_data.picture, user.user_id)
    if picture is None:
        return await stale(callback)
    await callback.answer()
    await users.choose_style(user.user_id, StyleChoice(picture=picture.id))
    await dialogue.begin(state, Mode(STYLIZE))
    await answer(callback, _("This picture is your style now. Send me the photo to repaint."))
