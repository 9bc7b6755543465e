"""/settings: strength, size, brush, faces and colours, changed by buttons."""

from __future__ import annotations

from dataclasses import replace as changed
from typing import Union

from aiogram import Router
from aiogram.types import CallbackQuery, Message
from aiogram.utils.i18n import gettext as _

from bot.chat.keyboards.data import Change, OpenPage, Page
from bot.chat.keyboards.menus import settings_keyboard
from bot.chat.replies import answer, replace, stale
from bot.chat.submission import Sender
from bot.chat.user_options import described, settings_for
from bot.handlers.filters import command
from bot.storage.users import Users


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.message.register(show, command("settings"))
    router.callback_query.register(open_page, OpenPage.filter_for(Page.SETTINGS))
    router.callback_query.register(change, Change.filter())
    return router


async def show(event: Union[Message, CallbackQuery], sender: Sender, users: Users) -> None:
    """Show the settings."""
    settings, options = settings_for(users.defaults.fine), sender.user.options
    keyboard = settings_keyboard(settings, options)
    await answer(event, described(settings, options), keyboard, html=True)


async def open_page(callback: CallbackQuery, sender: Sender, users: Users) -> None:
    """Do the same by button."""
    await callback.answer()
    await show(callback, sender, users)


async def change(
    callback: CallbackQuery, callback_data: Change, sender: Sender, users: Users
) -> None:
    """Change one setting and show them all."""
    settings = settings_for(users.defaults.fine)
    setting = settings.get(callback_data.setting)
    if setting is None or callback_data.value >= len(setting.choices):
        return await stale(callback)
    value = setting.choices[callback_data.value]
    await users.choose_option(sender.user.user_id, setting.option, value)
    options = changed(sender.user.options, **{setting.option: value})
    await callback.answer(text=_("Noted for the next photos."))
    keyboard = settings_keyboard(settings, options)
    await replace(callback, described(settings, options), keyboard, html=True)
