"""The commands, and the menu of them that Telegram shows beside the text field."""

from __future__ import annotations

from typing import Dict

from aiogram import Bot
from aiogram.types import BotCommand
from aiogram.utils.i18n import I18n
from aiogram.utils.i18n import gettext as _

from bot.chat.languages import LANGUAGES, READERS


def described_commands() -> Dict[str, str]:
    """All commands that everyone may use, by name, each with what it does."""
    return {
        "start": _("open the menu"),
        "styles": _("choose a style"),
        "paint": _("repaint the photo you reply to"),
        "examples": _("examples, before and after"),
        "status": _("your place in the queue and the time left"),
        "cancel": _("cancel what I'm doing for you"),
        "settings": _("strength, size, brush, faces, colours"),
        "language": _("English or Russian"),
        "forget": _("delete everything I know about you"),
        "help": _("how it all works"),
    }


async def set_commands(bot: Bot, i18n: I18n) -> None:
    """Give Telegram the menu in every language."""
    for language in LANGUAGES:
        with i18n.context(), i18n.use_locale(language):
            described = described_commands()
        commands = [BotCommand(command=name, description=text) for name, text in described.items()]
        # Those who read no other language that is spoken here get the menu without a code.
        for code in READERS.get(language, (None,)):
            await bot.set_my_commands(commands=commands, language_code=code)
