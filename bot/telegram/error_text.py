"""What went wrong, in words that may be shown to anybody: the URL of a call holds the token."""

from __future__ import annotations

from aiogram.exceptions import TelegramAPIError, TelegramNetworkError

from bot.errors import BotError


def error_text(error: Exception) -> str:
    """What Telegram says, or this bot; of any other error no more than its name."""
    if isinstance(error, TelegramNetworkError):
        # aiogram writes "NAME: TEXT" of what aiohttp raised, whose text may show the URL.
        return error.message.partition(":")[0]
    if isinstance(error, TelegramAPIError):
        return error.message
    return str(error) if isinstance(error, BotError) else type(error).__name__
