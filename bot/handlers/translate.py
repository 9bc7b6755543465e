"""The installed generators: horse to zebra and the like."""

from __future__ import annotations

from typing import Sequence

from aiogram import Router
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery
from aiogram.utils.i18n import gettext as _

from bot.chat import dialogue
from bot.chat.catalog import Catalog
from bot.chat.dialogue import Mode
from bot.chat.keyboards.data import UseGenerator
from bot.chat.replies import answer, stale
from bot.chat.submission import Sender, Submission
from bot.storage.pictures import Picture
from bot.stored_options import Kind


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.callback_query.register(use, UseGenerator.filter())
    return router


async def use(
    callback: CallbackQuery,
    callback_data: UseGenerator,
    photos: Sequence[Picture],
    sender: Sender,
    state: FSMContext,
    catalog: Catalog,
    submission: Submission,
) -> None:
    """Run the photos that are known through a generator, or all that come from now on."""
    model = await catalog.generator_of_key(callback_data.model)
    if model is None:
        return await stale(callback)
    if photos:
        orders = [submission.translate_order(photo, sender, model.name) for photo in photos]
        return await submission.order_by_button(orders, callback)
    await callback.answer()
    await dialogue.begin(state, Mode(Kind.TRANSLATE, model.name))
    text = _("{title}: now send me the photo.").format(title=_(model.title))
    await answer(callback, text)
