"""Fetching the files that users sent from Telegram."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
from aiogram import Bot
from aiogram.exceptions import (
    AiogramError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramNotFound,
)

from bot.errors import DownloadRefused, TelegramUnreachable
from bot.telegram.error_text import error_text

#: Telegram gives no larger files to bots (core.telegram.org/bots/api#getfile).
MOST_BYTES = 20_000_000

_SECONDS = 120

#: What another try cannot help. The first of them is one of aiogram's network errors too.
_FINAL = (TelegramEntityTooLarge, TelegramBadRequest, TelegramForbiddenError, TelegramNotFound)


async def download(bot: Bot, file_id: str, path: Path) -> None:
    """Write the file to `path`.

    Raises `TelegramUnreachable` when another try may help, `DownloadRefused` when none will.
    """
    try:
        await bot.download(file=file_id, destination=path, timeout=_SECONDS)
    except _FINAL as error:
        too_big = isinstance(error, TelegramEntityTooLarge) or "too big" in error.message
        raise DownloadRefused(
            "too-heavy" if too_big else "gone",
            f"Telegram does not give the picture: {error_text(error)}.",
        ) from None
    except aiohttp.ClientResponseError as error:
        _tell_apart(error.status)
    except (aiohttp.ClientError, asyncio.TimeoutError, AiogramError) as error:
        # Not `from error`, whose text may show the URL.
        raise TelegramUnreachable(f"A picture could not be fetched: {error_text(error)}.") from None


def _tell_apart(status: int) -> None:
    """Raise for what the file server answered; its own error holds the URL, and so the token."""
    answer = f"Telegram's file server answered {status}"
    if 400 <= status < 500 and status != 429:
        raise DownloadRefused("gone", f"{answer}: the picture is not to be had.") from None
    raise TelegramUnreachable(f"A picture could not be fetched: {answer}.") from None
