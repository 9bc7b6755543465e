from __future__ import annotations

import aiohttp
import pytest

from bot.sandbox import Sandbox, WaitTimeout
from tests.support.sandbox.client import Client, picture, refusal

KEYBOARD = {"inline_keyboard": [[{"text": "Stop", "callback_data": "stop"}]]}


@pytest.fixture()
def photo():
    return {"p": ("a.jpg", picture())}


async def _send(bot, anna, text="one", **arguments):
    answer = await bot("sendMessage", chat_id=anna.id, text=text, **arguments)
    return {"chat_id": anna.id, "message_id": answer["result"]["message_id"]}


async def test_an_edit_changes_the_message_in_place(sandbox, bot, anna):
    place = await _send(bot, anna, reply_markup=KEYBOARD)
    message = anna.messages[-1]
    edited = await bot("editMessageText", **place, text="two", reply_markup=KEYBOARD)
    assert edited["result"]["edit_date"]
    assert message.text == "two" and message.button("stop")
    assert [version["text"] for version in message.versions] == ["one"]
    # As in Telegram, an edit that does not repeat the buttons takes them away.
    await bot("editMessageText", **place, text="three")
    assert message.buttons == []
    await bot("editMessageReplyMarkup", **place, reply_markup=KEYBOARD)
    assert message.text == "three" and message.button("Stop").data == "stop"
    edits = [call.method for call in sandbox.edits_of(message)]
    assert edits == ["editMessageText", "editMessageText", "editMessageReplyMarkup"]


async def test_what_is_the_same_is_not_modified(bot, anna):
    place = await _send(bot, anna, reply_markup=KEYBOARD)
    answer = await bot("editMessageText", **place, text="one", reply_markup=KEYBOARD)
    assert refusal(answer).startswith("Bad Request: message is not modified")
    answer = await bot("editMessageReplyMarkup", **place, reply_markup=KEYBOARD)
    assert refusal(answer).startswith("Bad Request: message is not modified")


async def test_text_becomes_a_photo_then_a_document(bot, anna, photo):
    place = await _send(bot, anna)
    media = {"type": "photo", "media": "attach://p", "caption": "<i>half</i>", "parse_mode": "HTML"}
    await bot.upload("editMessageMedia", photo, **place, media=media, reply_markup=KEYBOARD)
    message = anna.messages[-1]
    assert (message.kind, message.text) == ("photo", "half")
    answer = await bot("editMessageText", **place, text="back")
    assert refusal(answer) == "Bad Request: there is no text in the message to edit"
    await bot("editMessageCaption", **place, caption="most")
    assert (message.kind, message.text) == ("photo", "most")
    media = {"type": "document", "media": "attach://p"}
    await bot.upload("editMessageMedia", photo, **place, media=media)
    assert (message.kind, message.text, message.file_name) == ("document", "", "a.jpg")


async def test_the_same_file_again_is_not_modified(bot, anna, photo):
    sent = await bot.upload("sendPhoto", {"photo": photo["p"]}, chat_id=anna.id)
    place = {"chat_id": anna.id, "message_id": sent["result"]["message_id"]}
    media = {"type": "photo", "media": sent["result"]["photo"][-1]["file_id"]}
    answer = await bot("editMessageMedia", **place, media=media)
    assert refusal(answer).startswith("Bad Request: message is not modified")


async def test_messages_that_cannot_be_edited(bot, anna):
    theirs = {"chat_id": anna.id, "message_id": anna.messages[0].id}
    answer = await bot("editMessageText", **theirs, text="x")
    assert refusal(answer) == "Bad Request: message can't be edited"
    answer = await bot("editMessageText", chat_id=anna.id, message_id=999, text="x")
    assert refusal(answer) == "Bad Request: message to edit not found"
    place = await _send(bot, anna)
    answer = await bot("editMessageCaption", **place, caption="x")
    assert refusal(answer) == "Bad Request: there is no caption in the message to edit"
    await anna.delete(anna.messages[-1])
    answer = await bot("editMessageText", **place, text="x")
    assert refusal(answer) == "Bad Request: message to edit not found"


async def test_the_end_of_a_live_location_says_whose_a_message_is_and_changes_none(bot, anna):
    place = await _send(bot, anna, reply_markup=KEYBOARD)
    message = anna.messages[-1]
    for number, reason in (
        (message.id, "there is no live location in the message to edit"),
        (anna.messages[0].id, "message can't be edited"),
        (999, "message to edit not found"),
    ):
        answer = await bot("stopMessageLiveLocation", **{**place, "message_id": number})
        assert refusal(answer) == f"Bad Request: {reason}"
    assert message.button("stop") and not message.versions


async def test_messages_are_deleted(bot, anna):
    place = await _send(bot, anna)
    message = anna.messages[-1]
    assert (await bot("deleteMessage", **place))["ok"]
    assert message.deleted and message not in anna.messages
    answer = await bot("deleteMessage", **place)
    assert refusal(answer) == "Bad Request: message to delete not found"
    numbers = [each.id for each in anna.messages]
    assert (await bot("deleteMessages", chat_id=anna.id, message_ids=[*numbers, 999]))["ok"]
    assert anna.messages == []


async def test_a_pressed_button_is_answered_once(bot, anna):
    await _send(bot, anna, reply_markup=KEYBOARD)
    press = await anna.press(anna.messages[-1], "Stop")
    query = (await bot.updates())[-1]["callback_query"]
    assert (query["data"], query["from"]["first_name"]) == ("stop", "Анна")
    assert query["message"]["text"] == "one"
    number = query["id"]
    text = "Stopping"
    answer = await bot("answerCallbackQuery", callback_query_id=number, text=text, show_alert=True)
    assert answer["ok"]
    assert await press.answered() == {"text": "Stopping", "show_alert": True}
    for wrong in (number, "12345"):
        answer = await bot("answerCallbackQuery", callback_query_id=wrong)
        assert refusal(answer).startswith("Bad Request: query is too old")


async def test_the_button_of_a_deleted_message_comes_without_it(bot, anna):
    await _send(bot, anna, reply_markup=KEYBOARD)
    message = anna.messages[-1]
    await anna.delete(message)
    await anna.press_data(message, "stop")
    query = (await bot.updates())[-1]["callback_query"]
    assert query["message"]["date"] == 0
    assert "text" not in query["message"]


async def test_commands_are_for_a_language(sandbox, bot, anna):
    for language, text in (("", "Begin"), ("ru", "Начать")):
        commands = [{"command": "start", "description": text}]
        answer = await bot("setMyCommands", commands=commands, language_code=language)
        assert answer["ok"]
    answer = await bot("getMyCommands", language_code="ru")
    assert answer["result"][0]["description"] == "Начать"
    answer = await bot("setMyCommands", commands=[{"command": "Start!", "description": "x"}])
    assert refusal(answer) == "Bad Request: BOT_COMMAND_INVALID"
    assert (await bot("setMyShortDescription", short_description="Paints"))["ok"]
    assert (await bot("getMyShortDescription"))["result"]["short_description"] == "Paints"


async def test_a_press_cannot_be_answered_late():
    async with Sandbox(press_timeout=0.0) as slow, aiohttp.ClientSession() as session:
        bot = Client(slow, session)
        ben = slow.user(name="Ben")
        sent = await ben.text("/start")
        press = await ben.press_data(sent, "x")
        answer = await bot("answerCallbackQuery", callback_query_id=press.id)
        assert refusal(answer).startswith("Bad Request: query is too old")
        with pytest.raises(WaitTimeout, match="was not answered within 0 s"):
            await press.answered(0.0)
