"""What an error of Telegram means, and its text without the URL of the failed call, which contains the
bot's token.
"""

from __future__ import annotations

from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)

from bot.errors import BotError

#: Telegram's answers to a token that it does not know: 401 to a revoked one, 404 to any other text.
#: Methods without a chat or a file have no other reason for 404.
TOKEN_REFUSED = (TelegramUnauthorizedError, TelegramNotFound)

UNKNOWN_TOKEN = "Telegram does not know the token. Set BOT_TOKEN to the one that @BotFather shows."


def error_text(error: Exception) -> str:
    """The message of an error from Telegram or this bot; for any other error its class name."""
    if isinstance(error, TelegramNetworkError):
        # aiogram writes "NAME: TEXT" for an error of aiohttp; the text may contain the URL.
        return error.message.partition(":")[0]
    if isinstance(error, TelegramAPIError):
        return error.message
    return str(error) if isinstance(error, BotError) else type(error).__name__


def is_nobody_there(error: Exception) -> bool:
    """Whether the user has blocked the bot, or the chat is gone."""
    gone = isinstance(error, TelegramBadRequest) and "chat not found" in error.message
    return gone or isinstance(error, (TelegramForbiddenError, TelegramNotFound))
