"""What is no photo gets one helpful sentence, and the bot goes on."""

from __future__ import annotations

import pytest

from tests.support.bot.sent_pictures import picture
from tests.support.bot.steps import QUESTION

SENTENCES = {
    "text": "I understand pictures better than words. Send me a photo, or see /help.",
    "sticker": "Nice sticker! But it's photos that I repaint: send me one.",
    "voice": "I can't listen, only look. Send me a photo.",
    "document": "I can't open this file as a picture. Please send {formats} or {last_format}.",
    "command": "I don't know this command. /help lists everything I can do.",
}  # fmt: skip
FORMATS = {"formats": "JPEG, PNG, WebP, BMP, TIFF", "last_format": "GIF"}


async def send(person, kind):
    if kind == "text":
        await person.text("What can you do?")
    elif kind == "command":
        await person.text("/dance")
    elif kind == "document":
        await person.document(b"words", "notes.txt", mime_type="text/plain")
    else:
        await getattr(person, kind)()


@pytest.mark.parametrize("kind", SENTENCES)
async def test_one_sentence_for(anna, kind):
    await send(anna.person, kind)
    assert (await anna.answer()).text == anna.words(SENTENCES[kind], **FORMATS)
    assert len(anna.heard()) == 1
    await anna.person.photo(picture())
    await anna.hears(QUESTION)


RAW = {
    "location": {"location": {"latitude": 1.0, "longitude": 2.0}},
    "contact": {"contact": {"phone_number": "1", "first_name": "C"}},
    "dice": {"dice": {"emoji": "🎲", "value": 3}},
    "audio": {"audio": {"file_id": "v", "file_unique_id": "v", "duration": 1}},
}  # fmt: skip


def raw_message(speaker, content):
    return {
        "message": {
            "message_id": 5000,
            "date": 1_700_000_000,
            "chat": speaker.person.chat.raw,
            "from": speaker.person.raw,
            **content,
        }
    }


@pytest.mark.parametrize("kind", RAW)
async def test_other_kinds(anna, sandbox, kind):
    await anna.says("/start")
    sandbox.push_update(raw_message(anna, RAW[kind]))
    await anna.answer()
    assert len(anna.heard()) == 2


async def test_a_service_message_needs_no_answer(boris, sandbox):
    await boris.says("/start")
    sandbox.push_update(raw_message(boris, {"message_auto_delete_timer_changed":
                                            {"message_auto_delete_time": 86400}}))  # fmt: skip
    await boris.answer()
    assert len(boris.heard()) == 1


async def test_in_a_group_others_commands_are_not_answered(sandbox, conversation, boris):
    group = sandbox.group("Friends", boris.person)
    await boris.person.text("/weather", chat=group)
    await conversation.settled()
    assert not [message for message in group.messages.values() if message.from_bot]
    await boris.person.text("/dance@jetbrush_sandbox_bot", chat=group)
    await group.wait_for(lambda message: "don't know this command" in message.text)
