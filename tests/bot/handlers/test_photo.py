"""Photos, videos and files that come in, alone and in albums, and /paint."""

from __future__ import annotations

import pytest

from bot.storage.pictures import MediaKind
from bot.storage.styles import StyleChoice
from bot.stored_options import Kind
from tests.support.bot.conversation import IN_ALL, PER_USER, Speaker
from tests.support.bot.orders import style_of
from tests.support.bot.sent_pictures import picture
from tests.support.bot.steps import QUESTION, STYLES, choose_first_style, set_mode


async def test_an_unasked_photo_gets_a_question(anna, generators, conversation):
    generators("horse2zebra")
    photo = await anna.person.photo(picture())
    question = await anna.hears(QUESTION)
    assert question.raw["reply_to_message"]["message_id"] == photo.id
    titles = {"en": "Horse to zebra", "ru": "Лошадь в зебру"}
    assert [button.text for row in question.buttons for button in row] == [
        anna.words("Repaint this"),
        anna.words("Use it as a style"),
        titles[anna.language],
    ]
    assert not await conversation.jobs.active()


@pytest.mark.parametrize("kind", ["drop", "gateway"])
async def test_a_question_whose_answer_is_lost_is_asked_once(boris, sandbox, monkeypatch, kind):
    monkeypatch.setattr("bot.chat.replies._REPEATS", (0.01, 0.01))
    await boris.says("/start")
    sandbox.faults.add("sendMessage", kind, after=True)
    await boris.person.photo(picture())
    question = await boris.answer()
    assert question.text == QUESTION and len(boris.heard()) == 2 and not question.versions


async def test_a_remembered_style_is_offered_first(anna, conversation):
    await choose_first_style(anna)
    await anna.person.photo(picture())
    question = await anna.hears(QUESTION)
    await anna.press(question, "Repaint: {style}", style=STYLES[0].title[anna.language])
    order = (await conversation.the_job(anna)).order
    assert style_of(order) == StyleChoice(name=STYLES[0].name)


async def test_the_largest_variant_of_a_photo_is_taken(boris, conversation):
    await set_mode(boris)
    photo = await boris.person.photo(picture((1200, 900)))
    await conversation.settled()
    stored = await conversation.pictures.get((await conversation.the_job(boris)).order.picture)
    assert stored.file_id == photo.file_id and stored.media_kind is MediaKind.PHOTO


@pytest.mark.parametrize(
    ("name", "mime_type"),
    [("photo.PNG", "application/octet-stream"), ("noname", "image/webp"), ("a.tiff", "image/tiff")],
)
async def test_a_file_stays_a_file(boris, conversation, name, mime_type):
    await set_mode(boris)
    await boris.person.document(picture(), name, mime_type=mime_type)
    await conversation.settled()
    stored = await conversation.pictures.get((await conversation.the_job(boris)).order.picture)
    assert stored.media_kind is MediaKind.DOCUMENT


async def test_a_file_of_25_megabytes(anna, conversation):
    await set_mode(anna)
    await anna.person.document(bytes(25_000_000), "huge.jpg", mime_type="image/jpeg")
    await anna.hears(
        "This file is too big: Telegram lets me download up to {megabytes} MB. Send it as a photo "
        "instead, or make it smaller.",
        megabytes=20,
    )
    assert not await conversation.jobs.active()


async def test_a_caption_is_no_command(anna):
    await anna.person.photo(picture(), "/cancel")
    await anna.hears(QUESTION)


async def test_too_many_of_one_user(anna, conversation):
    await set_mode(anna)
    for _ in range(PER_USER + 1):
        await anna.person.photo(picture())
    await conversation.settled()
    assert len(await conversation.jobs.active()) == PER_USER
    assert str(PER_USER) in anna.heard()[-1].text and "/status" in anna.heard()[-1].text


async def test_too_many_in_all(anna, conversation, sandbox):
    for number in range(IN_ALL // PER_USER):
        other = Speaker(conversation, sandbox.user(language_code="en", name=f"Guest {number}"))
        await set_mode(other)
        for _ in range(PER_USER):
            await other.person.photo(picture())
    await conversation.settled()
    await set_mode(anna)
    await anna.person.photo(picture())
    last = await anna.answer()
    assert str(IN_ALL) in last.text and not await conversation.jobs.active(anna.id)


async def test_the_same_update_twice_is_one_job(boris, conversation, sandbox):
    await set_mode(boris)
    photo = await boris.person.photo(picture())
    await conversation.settled()
    await conversation.database.run(lambda connection: connection.execute("DELETE FROM updates"))
    job = await conversation.the_job(boris)
    number = int(job.order.idempotency_key.split(":")[1])
    sandbox.push_update({"update_id": number, "message": photo.raw})
    await conversation.settled()
    assert (await conversation.the_job(boris)).id == job.id


async def test_in_a_group_a_photo_is_taken_in_reply_only(sandbox, conversation, anna, boris):
    group = sandbox.group("Friends", anna.person, boris.person)
    photo = await anna.person.photo(picture(), chat=group)
    await conversation.settled()
    assert not [message for message in group.messages.values() if message.from_bot]
    await boris.person.text("/paint", chat=group, reply_to=photo)
    question = await group.wait_for()
    assert QUESTION in question.text
    # Whose photo it was does not count: who asks is served.
    press = await anna.person.press(question, "Repaint this")
    assert (await press.answered())["text"] == anna.words("This button is not yours.")
    press = await boris.person.press(question, "Use it as a style")
    await press.answered()
    reply = await group.wait_for(lambda message: "is your style now" in message.text)
    await boris.person.photo(picture(), chat=group, reply_to=reply)
    await conversation.settled()
    assert (await conversation.the_job(boris)).order.chat_id == group.id


async def test_paint_without_a_photo(anna):
    words = anna.words("Reply to a photo with /paint, and I'll repaint it.")
    assert (await anna.says("/paint")).text == words


CLIP = b"not decoded here"


async def sent(person, kind):
    if kind is MediaKind.VIDEO_FILE:
        return await person.document(CLIP, "a.mov", mime_type="video/quicktime")
    return await getattr(person, kind.name.lower())(CLIP)


@pytest.mark.parametrize("kind", [each for each in MediaKind if each.is_moving])
async def test_a_moving_picture_becomes_a_job_in_the_chosen_style(boris, conversation, kind):
    await set_mode(boris)
    message = await sent(boris.person, kind)
    await conversation.settled()
    order = (await conversation.the_job(boris)).order
    stored = await conversation.pictures.get(order.picture)
    assert (order.kind, order.suffix, stored.media_kind) == (Kind.VIDEO, ".mp4", kind)
    assert stored.file_id == message.file_id


async def test_without_a_style_there_is_a_question(anna, generators):
    generators("horse2zebra")
    await choose_first_style(anna)
    await anna.person.video(CLIP)
    question = await anna.hears("What shall I do with this video?")
    # No generator takes it, and it is no style.
    assert len(question.buttons) == 2
    await anna.press(question, "Repaint: {style}", style=STYLES[0].title[anna.language])
    assert (await anna.conversation.the_job(anna)).order.kind is Kind.VIDEO
    again = await anna.press(question, "Repaint: {style}", style=STYLES[0].title[anna.language])
    assert again == anna.words("This video is already in the queue.")


async def test_colours_of_the_settings_are_kept(boris, conversation):
    await conversation.users.choose_option(boris.id, "keep_colours", True)
    await set_mode(boris)
    await boris.person.video(CLIP)
    await conversation.settled()
    assert (await conversation.the_job(boris)).order.options.keep_colours


async def test_a_video_of_25_megabytes(anna, conversation):
    await set_mode(anna)
    await anna.person.video(bytes(25_000_000))
    await anna.hears(
        "This video is too big: Telegram lets me download up to {megabytes} MB. Please send a "
        "shorter one.",
        megabytes=20,
    )
    assert not await conversation.jobs.active()


async def test_of_a_long_video_note_it_is_said_what_is_repainted(anna, sandbox, conversation):
    await set_mode(anna)
    note = {"file_id": "n", "file_unique_id": "n", "length": 240, "duration": 40}
    raw = {
        "message_id": 5000,
        "date": 1_700_000_000,
        "chat": anna.person.chat.raw,
        "from": anna.person.raw,
        "video_note": note,
    }
    sandbox.push_update({"message": raw})
    await anna.hears("I'll repaint the first {seconds} seconds of it.", seconds=15)


async def test_while_a_style_is_awaited_a_video_is_none(boris, conversation):
    await set_mode(boris)
    await boris.says("/styles")
    await boris.press(boris.heard()[-1], "My own picture")
    await boris.person.video(CLIP)
    await conversation.settled()
    assert (await conversation.the_job(boris)).order.kind is Kind.VIDEO


async def test_paint_in_reply_to_a_video(boris, sandbox):
    group = sandbox.group("Friends", boris.person)
    video = await boris.person.video(CLIP, chat=group)
    await boris.person.text("/paint", chat=group, reply_to=video)
    await group.wait_for(lambda message: message.text == "What shall I do with this video?")


async def test_a_photo_after_it_is_a_photo_again(boris, conversation):
    await boris.person.video(CLIP)
    await boris.hears("What shall I do with this video?")
    await boris.person.photo(picture())
    await boris.hears(QUESTION)
