"""What is said when a file cannot be fetched."""

from __future__ import annotations

import traceback

import aiohttp
import pytest
from aiogram import Bot

from bot.downloads import download
from bot.errors import DownloadRefused, TelegramUnreachable
from bot.sandbox import Sandbox
from tests.bot.end_to_end.stage import free_port, jpeg, plain

TOKEN = "42:a-token_of_nobody"


@pytest.fixture()
async def sandbox():
    async with Sandbox(TOKEN, free_port()) as sandbox:
        yield sandbox


@pytest.fixture()
async def bot(sandbox):
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer

    session = AiohttpSession(api=TelegramAPIServer.from_base(sandbox.url))
    bot = Bot(token=TOKEN, session=session)
    yield bot
    await session.close()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("rights", DownloadRefused),
        ("forbidden", DownloadRefused),
        ("flood", TelegramUnreachable),
        ("error", TelegramUnreachable),
        ("drop", TelegramUnreachable),
    ],
)
async def test_each_failure_is_told_apart_and_holds_no_token(
    sandbox, bot, tmp_path, fault, expected
):
    sent = await sandbox.user(name="Anna").photo(jpeg(plain("green")))
    sandbox.faults.add("download", fault, times=None)
    with pytest.raises(expected) as caught:
        await download(bot, sent.file_id, tmp_path / "photo")
    shown = "".join(
        traceback.format_exception(caught.type, caught.value, caught.value.__traceback__)
    )
    assert TOKEN not in str(caught.value)
    if not isinstance(caught.value.__cause__, aiohttp.ClientError):
        assert TOKEN not in shown
