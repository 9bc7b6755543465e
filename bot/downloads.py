"""Fetching the files that users sent from Telegram."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramNetworkError,
    TelegramServerError,
)

from bot.errors import DownloadRefused, TelegramUnreachable

#: Telegram gives no larger files to bots (core.telegram.org/bots/api#getfile).
MOST_BYTES = 20_000_000

_SECONDS = 120


async def download(bot: Bot, file_id: str, path: Path) -> None:
    """Write the file to `path`.

    Raises `TelegramUnreachable` when another try may help, `DownloadRefused` when none will.
    """
    try:
        await bot.download(file=file_id, destination=path, timeout=_SECONDS)
    except (TelegramNetworkError, TelegramServerError) as error:
        raise TelegramUnreachable(f"A picture could not be fetched: {error}") from error
    except (TelegramEntityTooLarge, TelegramBadRequest) as error:
        reason = "too-heavy" if "too big" in str(error) else "gone"
        raise DownloadRefused(reason, f"Telegram does not give the picture: {error}") from error
    except aiohttp.ClientResponseError as error:
        _tell_apart(error.status)
    except (aiohttp.ClientError, asyncio.TimeoutError, TelegramAPIError) as error:
        raise TelegramUnreachable(
            f"A picture could not be fetched: {type(error).__name__}"
        ) from error


def _tell_apart(status: int) -> None:
    """Raise for what the file server answered; its own error holds the URL, and so the token."""
    answer = f"Telegram's file server answered {status}"
    if 400 <= status < 500 and status != 429:
        raise DownloadRefused("gone", f"{answer}: the picture is not to be had.") from None
    raise TelegramUnreachable(f"A picture could not be fetched: {answer}.") from None
