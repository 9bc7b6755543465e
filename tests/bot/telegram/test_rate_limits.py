from __future__ import annotations

import asyncio
import logging
import time
import traceback

import pytest
import pytest_asyncio
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramServerError,
)
from aiogram.types import BufferedInputFile, InputMediaPhoto

from bot.metrics import Metrics
from bot.telegram.rate_limits import Limits, Rate, RateLimiter
from tests.support.bot import telegram_double
from tests.support.bot.telegram_double import Reply, message

QUICK = Limits(overall=Rate(1e6, 1000), private=Rate(1e6, 1000), retry_delays=(0.0, 0.0))
SENT = Reply(message())
FLOOD = Reply(status=429, description="Too Many Requests: retry after 1", retry_after=1)
LONG_FLOOD = Reply(status=429, description="Too Many Requests", retry_after=600)
NOT_MODIFIED = "Bad Request: message is not modified: specified new message content is the same"
TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"


@pytest_asyncio.fixture()
async def telegram():
    async with telegram_double.serving() as double:
        yield double


@pytest_asyncio.fixture()
async def bot(telegram):
    async with telegram_double.a_bot(telegram) as bot:
        yield bot


def controlled(bot, limits=QUICK):
    metrics = Metrics()
    rate_limiter = RateLimiter(metrics, limits)
    bot.session.middleware(rate_limiter)
    return rate_limiter, metrics


def edit(bot):
    return bot.edit_message_text(text="x", chat_id=7, message_id=1)


def times_of(telegram, method):
    return [call.at for call in telegram.calls_of(method)]


async def test_flooded_call_is_held_and_repeated(telegram, bot):
    rate_limiter, metrics = controlled(bot)
    telegram.script("sendMessage", FLOOD, SENT)
    sent = await bot.send_message(chat_id=7, text="x")
    assert sent.message_id == 1
    first, second = times_of(telegram, "sendMessage")
    assert second - first >= 1
    page = metrics.render().decode()
    assert "jetbrush_flood_waits_total 1.0" in page
    assert 'jetbrush_api_calls_total{method="sendMessage",outcome="ok"} 1.0' in page
    assert 'method="sendMessage",outcome="TelegramRetryAfter"} 1.0' in page
    assert 0 < rate_limiter.paused_until(7) <= time.monotonic()


async def test_pause_holds_its_chat_and_no_other(telegram, bot):
    rate_limiter, _ = controlled(bot)
    telegram.script("sendMessage", LONG_FLOOD, SENT)
    flooded = asyncio.ensure_future(bot.send_message(chat_id=7, text="flooded"))
    await telegram.wait_for("sendMessage")
    while rate_limiter.paused_until(7) == 0:
        await asyncio.sleep(0)
    assert rate_limiter.paused_until(7) > time.monotonic() and rate_limiter.paused_until(8) == 0
    held = asyncio.ensure_future(bot.send_message(chat_id=7, text="held"))
    await bot.send_message(chat_id=8, text="free")
    assert not flooded.done() and not held.done()
    assert [call.params["text"] for call in telegram.calls] == ["flooded", "free"]
    flooded.cancel()
    held.cancel()
    await asyncio.wait([flooded, held])


async def test_held_calls_go_on_after_the_pause(telegram, bot):
    rate_limiter, _ = controlled(bot)
    telegram.script("sendMessage", FLOOD, SENT)
    flooded = asyncio.ensure_future(bot.send_message(chat_id=7, text="flooded"))
    await telegram.wait_for("sendMessage")
    while rate_limiter.paused_until(7) == 0:
        await asyncio.sleep(0)
    await asyncio.gather(flooded, bot.send_message(chat_id=7, text="held"))
    first, *others = times_of(telegram, "sendMessage")
    assert len(others) == 2 and min(others) - first >= 1


async def test_flooded_call_without_a_chat_is_repeated(telegram, bot):
    controlled(bot)
    telegram.script("getMyCommands", FLOOD, Reply([]))
    assert await bot.get_my_commands() == []
    first, second = times_of(telegram, "getMyCommands")
    assert second - first >= 1


async def test_waiting_call_can_be_cancelled(telegram, bot):
    controlled(bot)
    telegram.script("sendMessage", LONG_FLOOD, SENT)
    task = asyncio.ensure_future(bot.send_message(chat_id=7, text="x"))
    await telegram.wait_for("sendMessage")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)


@pytest.mark.parametrize(
    "fault",
    [
        Reply(status=500, description="Internal Server Error"),
        Reply(status=502, page=b"<html>Bad Gateway</html>"),
        Reply(drop=True),
    ],
    ids=["500", "proxy's page", "dropped"],
)
async def test_repeatable_calls_survive_a_fault_and_others_report_it(telegram, bot, fault):
    controlled(bot)
    telegram.script("editMessageText", fault, fault, SENT)
    assert (await edit(bot)).message_id == 1
    telegram.script("sendMessage", fault, SENT)
    with pytest.raises((TelegramServerError, TelegramNetworkError)):
        await bot.send_message(chat_id=7, text="x")
    assert len(telegram.calls_of("sendMessage")) == 1


@pytest.mark.parametrize("fault", [Reply(drop=True), Reply(status=502, page=b"<"), FLOOD])
async def test_token_is_in_no_log_and_no_error(telegram, bot, fault, caplog):
    caplog.set_level(logging.DEBUG)
    controlled(bot)
    telegram.script("getMe", fault, Reply(status=500, description="Internal Server Error"))
    with pytest.raises(TelegramServerError) as caught:
        await bot.get_me()
    shown = "".join(traceback.format_exception(caught.type, caught.value, caught.tb)) + caplog.text
    assert caplog.text and telegram_double.TOKEN not in shown


async def test_unreachable_server_is_an_error_without_the_token(telegram, bot):
    controlled(bot)
    bot.session.api = TelegramAPIServer.from_base("http://127.0.0.1:1")
    with pytest.raises(TelegramNetworkError) as caught:
        await bot.get_me()
    assert telegram_double.TOKEN not in "".join(
        traceback.format_exception(caught.type, caught.value, caught.tb)
    )


async def test_repeats_come_to_an_end(telegram, bot):
    controlled(bot)
    telegram.script("getMe", Reply(status=500, description="Internal Server Error"))
    with pytest.raises(TelegramServerError):
        await bot.get_me()
    assert len(telegram.calls) == 3


async def test_polling_and_too_large_files_are_not_repeated(telegram, bot):
    controlled(bot)
    telegram.script("getUpdates", Reply(status=500, description="Internal Server Error"))
    with pytest.raises(TelegramServerError):
        await bot.get_updates()
    telegram.script("editMessageMedia", Reply(status=413, description="Request Entity Too Large"))
    media = InputMediaPhoto(media=BufferedInputFile(b"...", "a.jpg"))
    with pytest.raises(TelegramNetworkError):
        await bot.edit_message_media(media=media, chat_id=7, message_id=1)
    assert len(telegram.calls) == 2


async def test_harmless_refusals_are_success(telegram, bot):
    controlled(bot)
    telegram.script("editMessageText", Reply(status=400, description=NOT_MODIFIED))
    assert await edit(bot) is True
    telegram.script("answerCallbackQuery", Reply(status=400, description=TOO_OLD))
    assert await bot.answer_callback_query(callback_query_id="1") is True


async def test_message_deleted_by_a_lost_call_is_deleted(telegram, bot):
    controlled(bot)
    gone = Reply(status=400, description="Bad Request: message to delete not found")
    telegram.script("deleteMessage", Reply(drop=True), gone)
    assert await bot.delete_message(chat_id=7, message_id=1) is True
    with pytest.raises(TelegramBadRequest):
        await bot.delete_message(chat_id=7, message_id=1)


async def test_other_refusals_reach_the_caller(telegram, bot):
    controlled(bot)
    telegram.script("editMessageText", Reply(status=400, description="message to edit not found"))
    with pytest.raises(TelegramBadRequest):
        await edit(bot)
    telegram.script("sendMessage", Reply(status=403, description="bot was blocked by the user"))
    with pytest.raises(TelegramForbiddenError):
        await bot.send_message(chat_id=7, text="x")
    assert len(telegram.calls) == 2


async def test_chat_is_sent_to_in_bursts_and_then_at_its_rate(telegram, bot):
    controlled(bot, Limits(private=Rate(10, 3)))
    telegram.script("sendMessage", SENT)
    calls = [bot.send_message(chat_id=7, text=str(number)) for number in range(6)]
    begin = time.monotonic()
    await asyncio.gather(*calls)
    # Those of the burst travel side by side.
    texts = [call.params["text"] for call in telegram.calls]
    assert sorted(texts[:3]) == list("012") and sorted(texts) == list("012345")
    assert telegram.calls[-1].at - begin >= 0.29


async def test_groups_have_a_rate_of_their_own(telegram, bot):
    controlled(bot, Limits(private=Rate(0.001, 1), group=Rate(1e6, 100)))
    telegram.script("sendMessage", Reply(message(chat_id=-7)))
    calls = (bot.send_message(chat_id=-7, text="x") for _ in range(10))
    await asyncio.wait_for(asyncio.gather(*calls), 5)


async def test_all_chats_share_the_overall_rate(telegram, bot):
    controlled(bot, Limits(overall=Rate(20, 2)))
    telegram.script("sendMessage", SENT)
    begin = time.monotonic()
    await asyncio.gather(*(bot.send_message(chat_id=chat, text="x") for chat in range(1, 11)))
    assert telegram.calls[-1].at - begin >= 0.38


async def test_pictures_of_an_album_count_each(telegram, bot):
    controlled(bot, Limits(private=Rate(10, 2)))
    telegram.script("sendMediaGroup", Reply([message()]))
    telegram.script("sendMessage", SENT)
    album = [InputMediaPhoto(media=f"file{number}") for number in range(4)]
    begin = time.monotonic()
    await bot.send_media_group(chat_id=7, media=album)
    await bot.send_message(chat_id=7, text="after")
    assert telegram.calls[1].at - begin >= 0.28


async def test_reading_is_not_paced(telegram, bot):
    controlled(bot, Limits(overall=Rate(0.001, 1), private=Rate(0.001, 1)))
    telegram.script("getMyCommands", Reply([]))
    await asyncio.wait_for(asyncio.gather(*(bot.get_my_commands() for _ in range(20))), 5)


async def test_memory_of_chats_is_bounded(telegram, bot):
    rate_limiter, _ = controlled(bot, Limits(overall=Rate(1e6, 1000), private=Rate(1e6, 5)))
    telegram.script("sendMessage", SENT)
    for chat in range(1, 1101):
        rate_limiter._bucket(chat)
    assert len(rate_limiter._buckets) <= 1000
