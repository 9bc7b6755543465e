"""What is raised when a file cannot be downloaded."""

from __future__ import annotations

import traceback

import pytest
from aiogram.exceptions import TelegramEntityTooLarge, TelegramForbiddenError

from bot.errors import PictureRefused, TelegramUnreachable
from bot.outcomes import PictureRole, Reason, Refusal
from bot.sandbox import Sandbox
from bot.telegram.downloads import download
from tests.support.bot import telegram_double
from tests.support.bot.stage import jpeg, plain
from tests.support.bot.telegram_double import serving_garbage


@pytest.fixture()
async def sandbox():
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture()
async def bot(sandbox):
    async with telegram_double.a_bot(sandbox) as bot:
        yield bot


async def failure(bot, file_id, folder, expected):
    """The error that fetching ends in; nothing that is shown of it holds the token."""
    with pytest.raises(expected) as caught:
        await download(bot, file_id, folder / "photo", PictureRole.PHOTO)
    error = caught.value
    shown = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    assert bot.token not in shown
    return error


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("rights", PictureRefused),
        ("forbidden", PictureRefused),
        ("flood", TelegramUnreachable),
        ("error", TelegramUnreachable),
        ("drop", TelegramUnreachable),
    ],
)
@pytest.mark.parametrize("method", ["getFile", "download"])
async def test_each_failure_is_distinguished(sandbox, bot, tmp_path, method, fault, expected):
    sent = await sandbox.user(name="Anna").photo(jpeg(plain("green")))
    sandbox.faults.add(method, fault, times=None)
    error = await failure(bot, sent.file_id, tmp_path, expected)
    if expected is PictureRefused:
        assert error.refusal == Refusal(PictureRole.PHOTO, Reason.GONE)


async def test_what_is_no_http_is_reported_without_the_url(tmp_path):
    async with serving_garbage() as server, telegram_double.a_bot(server) as bot:
        error = await failure(bot, "file", tmp_path, TelegramUnreachable)
    assert "ClientResponseError" in str(error)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TelegramEntityTooLarge(None, "Request Entity Too Large"), Reason.TOO_HEAVY),
        (TelegramForbiddenError(None, "Forbidden: bot was kicked"), Reason.GONE),
    ],
)
async def test_what_will_never_be_given_is_not_asked_for_again(
    bot, tmp_path, monkeypatch, error, reason
):
    async def refuse(*_args, **_options):
        raise error

    monkeypatch.setattr(type(bot), "download", refuse)
    assert (await failure(bot, "file", tmp_path, PictureRefused)).refusal.reason is reason
