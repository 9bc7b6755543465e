"""/settings: strength, size and colours, changed by buttons."""

from __future__ import annotations

from dataclasses import replace as changed
from typing import Optional

from aiogram import Router
from aiogram.types import CallbackQuery, Message
from aiogram.utils.i18n import gettext as _

from bot.chat.keyboards import (
    COLOURS,
    SETTINGS,
    SIZE,
    STRENGTH,
    Change,
    OpenPage,
    settings_keyboard,
)
from bot.chat.replies import answer, replace, stale
from bot.handlers.filters import command
from bot.storage.users import SIZES, STRENGTHS, Settings, User, Users


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.message.register(show, command("settings"))
    router.callback_query.register(open_page, OpenPage.filter_for(SETTINGS))
    router.callback_query.register(change, Change.filter())
    return router


async def show(message: Message, user: User) -> None:
    """Show the settings."""
    settings = user.settings
    await answer(message, _described(settings), settings_keyboard(settings), html=True)


async def open_page(callback: CallbackQuery, user: User) -> None:
    """Do the same by button."""
    await callback.answer()
    settings = user.settings
    await answer(callback, _described(settings), settings_keyboard(settings), html=True)


async def change(callback: CallbackQuery, callback_data: Change, users: Users, user: User) -> None:
    """Change one setting and show them all."""
    settings = _with(user.settings, callback_data)
    if settings is None:
        return await stale(callback)
    await users.choose_settings(user.user_id, settings)
    await callback.answer(text=_("Noted for the next photos."))
    await replace(callback, _described(settings), settings_keyboard(settings), html=True)


def _with(settings: Settings, change: Change) -> Optional[Settings]:
    number = change.value
    if change.setting == STRENGTH and number < len(STRENGTHS):
        return changed(settings, strength=STRENGTHS[number])
    if change.setting == SIZE and number < len(SIZES):
        return changed(settings, size=SIZES[number])
    if change.setting == COLOURS and number < 2:
        return changed(settings, keep_colours=bool(number))
    return None


def _described(settings: Settings) -> str:
    number = min(range(len(STRENGTHS)), key=lambda n: abs(STRENGTHS[n] - settings.strength)) + 1
    colours = _("as in the photo") if settings.keep_colours else _("as in the style")
    return "\n\n".join(
        [
            _("<b>Settings</b> for style transfer"),
            _("<b>Strength:</b> {number} of {count}. How strongly the style shows.").format(
                number=number, count=len(STRENGTHS)
            ),
            _(
                "<b>Size:</b> {size} px. A larger size gives finer strokes and takes longer; the "
                "result is always as large as your photo."
            ).format(size=settings.size),
            _("<b>Colours:</b> {colours}.").format(colours=colours),
        ]
    )
