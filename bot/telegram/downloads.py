"""Downloads the files that users sent to Telegram."""

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

#: Bots cannot download larger files (core.telegram.org/bots/api#getfile).
MOST_BYTES = 20_000_000

_SECONDS = 120

#: Errors that a retry cannot help. The first is a subclass of aiogram's network error.
_FINAL = (TelegramEntityTooLarge, TelegramBadRequest, TelegramForbiddenError, TelegramNotFound)


async def download(bot: Bot, file_id: str, path: Path) -> None:
    """Write the file to `path`.

    Raises `TelegramUnreachable` when a retry may help, `DownloadRefused` when none will.
    """
    try:
        await bot.download(file=file_id, destination=path, timeout=_SECONDS)
    except _FINAL as error:
        too_big = isinstance(error, TelegramEntityTooLarge) or "too big" in error.message
        raise DownloadRefused(
            "too-heavy" if too_big else "gone",
            f"Telegram refuses to send the picture: {error_text(error)}.",
        ) from None
    except aiohttp.ClientResponseError as error:
        _raise_for(error.status)
    except (aiohttp.ClientError, asyncio.TimeoutError, AiogramError) as error:
        # Not `from error`, whose text may contain the URL.
        raise TelegramUnreachable(
            f"A picture could not be downloaded: {error_text(error)}."
        ) from None


def _raise_for(status: int) -> None:
    """Raise an error for the status; aiohttp's own one contains the URL, and so the token."""
    answer = f"Telegram's file server answered {status}"
    if 400 <= status < 500 and status != 429:
        raise DownloadRefused("gone", f"{answer}: the picture is gone.") from None
    raise TelegramUnreachable(f"A picture could not be downloaded: {answer}.") from None
