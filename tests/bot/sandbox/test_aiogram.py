"""The sandbox as aiogram sees it."""

from __future__ import annotations

from io import BytesIO

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    ReplyParameters,
)

from tests.support.sandbox.client import picture, size

KEYBOARD = InlineKeyboardMarkup(
    inline_keyboard=[[InlineKeyboardButton(text="Stop", callback_data="stop")]]
)


def _session(sandbox):
    return AiohttpSession(api=TelegramAPIServer.from_base(sandbox.url))


@pytest.fixture()
async def aiobot(sandbox):
    bot = Bot(token=sandbox.token, session=_session(sandbox))
    yield bot
    await bot.session.close()


async def test_send_edit_and_download(sandbox, aiobot, anna):
    me = await aiobot.get_me()
    assert me.username == "jetbrush_sandbox_bot"
    status = await aiobot.send_message(
        chat_id=anna.id,
        text="<b>0 %</b>",
        parse_mode="HTML",
        reply_markup=KEYBOARD,
        reply_parameters=ReplyParameters(message_id=anna.messages[0].id),
    )
    assert status.html_text == "<b>0 %</b>" and status.reply_to_message.text == "/start"
    preview = BufferedInputFile(picture(), filename="preview.jpg")
    edited = await aiobot.edit_message_media(
        chat_id=anna.id,
        message_id=status.message_id,
        media=InputMediaPhoto(media=preview, caption="50 %"),
        reply_markup=KEYBOARD,
    )
    assert edited.photo[-1].width == 640
    file = await aiobot.get_file(file_id=edited.photo[1].file_id)
    data = await aiobot.download_file(file_path=file.file_path, destination=BytesIO())
    assert size(data.read()) == (320, 240)
    result = BufferedInputFile(picture(form="PNG"), filename="результат.png")
    done = await aiobot.edit_message_media(
        chat_id=anna.id, message_id=status.message_id, media=InputMediaDocument(media=result)
    )
    assert done.document.file_name == "результат.png"
    assert sandbox.bytes_of(done.document.file_id) == picture(form="PNG")


async def test_an_album_and_the_commands(aiobot, anna):
    media = [
        InputMediaPhoto(media=BufferedInputFile(picture(colour=colour), filename="a.jpg"))
        for colour in ("red", "green")
    ]
    sent = await aiobot.send_media_group(chat_id=anna.id, media=media)
    assert len({message.media_group_id for message in sent}) == 1
    again = [InputMediaPhoto(media=message.photo[-1].file_id) for message in sent]
    await aiobot.send_media_group(chat_id=anna.id, media=again)
    await aiobot.set_my_commands(
        commands=[BotCommand(command="start", description="Begin")], language_code="ru"
    )
    assert (await aiobot.get_my_commands(language_code="ru"))[0].command == "start"
    assert await aiobot.delete_webhook(drop_pending_updates=False)
    assert (await aiobot.get_webhook_info()).url == ""


async def test_all_updates_are_understood(aiobot, anna):
    await anna.photo(picture(), "caption")
    await anna.document(picture(), "a.jpg")
    await anna.sticker()
    await anna.video()
    await anna.voice()
    sent = await aiobot.send_message(chat_id=anna.id, text="x", reply_markup=KEYBOARD)
    await anna.press(anna.messages[-1], "stop")
    await anna.delete(anna.messages[-1])
    updates = await aiobot.get_updates()
    assert [update.event_type for update in updates] == ["message"] * 6 + ["callback_query"]
    assert updates[1].message.photo[0].width == 90
    query = updates[-1].callback_query
    assert query.message.message_id == sent.message_id
    assert await aiobot.answer_callback_query(callback_query_id=query.id, text="Yes")
    await anna.block()
    assert (await aiobot.get_updates())[-1].my_chat_member.new_chat_member.status == "kicked"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("flood", TelegramRetryAfter),
        ("forbidden", TelegramForbiddenError),
        ("error", TelegramServerError),
        ("gateway", TelegramNetworkError),
        ("drop", TelegramNetworkError),
    ],
)
async def test_faults_come_as_its_exceptions(sandbox, aiobot, kind, expected):
    sandbox.faults.add("getMe", kind)
    if kind == "gateway":
        # aiogram cannot decode the page; which exception says so depends on its version.
        with pytest.raises(Exception, match=r"(?i)decode|502"):
            await aiobot.get_me()
    else:
        with pytest.raises(expected):
            await aiobot.get_me()


async def test_refusals_come_as_its_exceptions(sandbox, aiobot, anna):
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await aiobot.send_message(chat_id=12345, text="x")
    stranger = Bot(token="1:stranger", session=_session(sandbox))
    try:
        with pytest.raises(TelegramUnauthorizedError):
            await stranger.get_me()
    finally:
        await stranger.session.close()
    with pytest.raises(TelegramNotFound):
        await aiobot.send_dice(chat_id=anna.id)
