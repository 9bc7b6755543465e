"""The installed generators: horse to zebra and the like."""

from __future__ import annotations

from dataclasses import replace as changed

from aiogram import Router
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Update
from aiogram.utils.i18n import gettext as _

from bot.chat import dialogue
from bot.chat.catalog import generator_of_key
from bot.chat.dialogue import Mode
from bot.chat.keyboards import UseGenerator
from bot.chat.replies import answer, stale
from bot.chat.submission import Submission, order_for
from bot.painting.protocol import TRANSLATE
from bot.storage.users import User


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.callback_query.register(use, UseGenerator.filter())
    return router


async def use(
    callback: CallbackQuery, callback_data: UseGenerator, state: FSMContext, user: User,
    submission: Submission, language: str, event_update: Update,
) -> None:  # fmt: skip
    """Run the photo that is known through a generator, or all that come from now on."""
    model = generator_of_key(callback_data.model)
    photo = await submission.own_picture(callback_data.picture, user.user_id)
    if model is None or (callback_data.picture is not None and photo is None):
        return await stale(callback)
    if photo is not None:
        order = order_for(photo, user, language, f"update:{event_update.update_id}")
        order = changed(order, kind=TRANSLATE, model=model.name)
        return await submission.order_by_button(order, callback)
    await callback.answer()
    await dialogue.begin(state, Mode(TRANSLATE, model.name))
    text = _("{title}: now send me the photo.").format(title=_(model.title))
    await answer(callback, text)
