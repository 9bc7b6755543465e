"""/language: which language is spoken."""

from __future__ import annotations

from typing import Union

from aiogram import Router
from aiogram.types import CallbackQuery, Message
from aiogram.utils.i18n import I18n
from aiogram.utils.i18n import gettext as _

from bot.chat.catalog import Catalog
from bot.chat.keyboards.data import ChooseLanguage, OpenPage, Page
from bot.chat.keyboards.menus import language_keyboard, menu_keyboard
from bot.chat.languages import LANGUAGES
from bot.chat.replies import answer, replace, stale
from bot.chat.submission import Sender
from bot.handlers.filters import command
from bot.storage.users import Users


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.message.register(ask, command("language"))
    router.callback_query.register(open_page, OpenPage.filter_for(Page.LANGUAGE))
    router.callback_query.register(choose, ChooseLanguage.filter())
    return router


async def ask(event: Union[Message, CallbackQuery]) -> None:
    """Offer the languages, each by its own name."""
    await answer(event, _("Which language shall I speak?"), language_keyboard())


async def open_page(callback: CallbackQuery) -> None:
    """Do the same by button."""
    await callback.answer()
    await ask(callback)


async def choose(
    callback: CallbackQuery,
    callback_data: ChooseLanguage,
    sender: Sender,
    users: Users,
    i18n: I18n,
    catalog: Catalog,
) -> None:
    """Speak the chosen language from now on."""
    language = callback_data.language
    if language not in LANGUAGES:
        return await stale(callback)
    await users.choose_language(sender.user.user_id, language)
    await callback.answer()
    with i18n.use_locale(language):
        text = _("OK, English it is. What shall we do?")
        generators = (await catalog.generators()).values()
        keyboard = menu_keyboard(generators, examples=bool(await catalog.examples()))
        await replace(callback, text, keyboard)
