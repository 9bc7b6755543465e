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

from bot.errors import BotError, PictureRefused, TelegramUnreachable
from bot.outcomes import PictureRole, Reason
from bot.telegram.error_text import error_text

#: Bots cannot download larger files (core.telegram.org/bots/api#getfile).
MOST_BYTES = 20_000_000

_SECONDS = 120

#: Errors that a retry cannot help. The first is a subclass of aiogram's network error.
_FINAL = (TelegramEntityTooLarge, TelegramBadRequest, TelegramForbiddenError, TelegramNotFound)


async def download(bot: Bot, file_id: str, path: Path, picture: PictureRole) -> None:
    """Write the file, which is the job's photo or its style, to `path`.

    Raises `TelegramUnreachable` when a retry may help, `PictureRefused` when none will.
    """
    try:
        await bot.download(file=file_id, destination=path, timeout=_SECONDS)
    except _FINAL as error:
        too_big = isinstance(error, TelegramEntityTooLarge) or "too big" in error.message
        raise PictureRefused(
            f"Telegram refuses to send the picture: {error_text(error)}.",
            picture,
            Reason.TOO_HEAVY if too_big else Reason.GONE,
        ) from None
    except aiohttp.ClientResponseError as error:
        raise _error_for(error.status, picture) from None
    except (aiohttp.ClientError, asyncio.TimeoutError, AiogramError) as error:
        # Not `from error`, whose text may contain the URL.
        raise TelegramUnreachable(
            f"A picture could not be downloaded: {error_text(error)}."
        ) from None


def _error_for(status: int, picture: PictureRole) -> BotError:
    """The error for the status; aiohttp's own one contains the URL, and so the token."""
    answer = f"Telegram's file server answered {status}"
    if 400 <= status < 500 and status != 429:
        return PictureRefused(f"{answer}: the picture is gone.", picture, Reason.GONE)
    return TelegramUnreachable(f"A picture could not be downloaded: {answer}.")
