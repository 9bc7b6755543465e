"""Albums: several photos, or a style and a photo, in one go."""

from __future__ import annotations

import pytest

from bot.chat.catalog import Catalog
from bot.outcomes import PAINTED
from bot.sandbox import Sandbox
from bot.storage.pictures import MediaKind
from bot.storage.styles import StyleChoice
from tests.support.bot.conversation import PER_USER, Conversation, Speaker, until
from tests.support.bot.orders import style_of
from tests.support.bot.sent_pictures import picture
from tests.support.bot.steps import QUESTION, STYLES, choose_first_style, job_of, set_mode

PAIR = "Two pictures. Are they a style and a photo to repaint in it, or are both photos?"
ZEBRA = {"en": "Horse to zebra", "ru": "Лошадь в зебру"}


async def test_an_album_of_two_may_be_a_style_and_a_photo(anna, conversation):
    style, photo = await anna.person.album([picture(), picture()])
    assert await anna.press(await anna.hears(PAIR), "A style and a photo") == ""
    order = (await conversation.the_job(anna)).order
    assert (await conversation.pictures.get(style_of(order).picture)).file_id == style.file_id
    assert (await conversation.pictures.get(order.picture)).file_id == photo.file_id
    assert order.of_album and order.reply_to == photo.id and order.language == anna.language


async def test_an_album_of_two_may_be_two_photos(anna, conversation):
    photos = await anna.person.album([picture(), picture()])
    await anna.press(await anna.hears(PAIR), "Repaint both photos")
    await anna.press(anna.heard()[-1], "2")
    await check_photos(conversation, anna, photos, StyleChoice(name=STYLES[1].name))
    # The style stays for the next ones.
    await anna.person.photo(picture())
    await conversation.settled()
    assert len(await conversation.jobs.active(anna.id)) == 3


async def test_an_album_of_two_files(boris, conversation):
    await boris.person.album([picture(), picture()], names=["style.png", "photo.png"])
    await boris.press(await boris.hears(PAIR), "A style and a photo")
    order = (await conversation.the_job(boris)).order
    assert (await conversation.pictures.get(order.picture)).media_kind is MediaKind.DOCUMENT


@pytest.mark.parametrize("count", [2, 3])
async def test_the_photos_of_an_album_are_painted_in_the_chosen_style(anna, conversation, count):
    await set_mode(anna)
    heard = len(anna.heard())
    photos = await anna.person.album([picture((40, 40)) for _ in range(count)])
    await check_photos(conversation, anna, photos, StyleChoice(name=STYLES[0].name))
    assert len(anna.heard()) == heard


async def check_photos(conversation, speaker, photos, style):
    """Each photo has a job of its own, which answers it."""

    async def ordered():
        jobs = await conversation.jobs.active(speaker.id)
        return [job.order for job in jobs] if len(jobs) == len(photos) else None

    orders = await until(ordered)
    assert [order.reply_to for order in orders] == [photo.id for photo in photos]
    stored = [(await conversation.pictures.get(order.picture)).file_id for order in orders]
    assert stored == [photo.file_id for photo in photos]
    assert {style_of(order) for order in orders} == {style}
    assert not any(order.of_album for order in orders)


async def test_an_album_of_more_asks_once(anna, conversation):
    await anna.person.album([picture((40, 40)) for _ in range(10)])
    question = await anna.person.wait_for(lambda message: "10" in message.text)
    assert not await conversation.jobs.active() and len(anna.heard()) == 1
    labels = [button.text for row in question.buttons for button in row]
    assert labels == [anna.words("Repaint them all")]


async def test_an_album_is_painted_in_the_remembered_style(anna, conversation):
    await choose_first_style(anna)
    photos = await anna.person.album([picture((40, 40)) for _ in range(3)])
    question = await anna.person.wait_for(lambda message: "3" in message.text)
    await anna.press(question, "Repaint: {style}", style=STYLES[0].title[anna.language])
    await check_photos(conversation, anna, photos, StyleChoice(name=STYLES[0].name))
    again = await anna.press(question, "Repaint: {style}", style=STYLES[0].title[anna.language])
    one, several = (
        "{n} photo of this album is already in the queue.",
        "{n} photos of this album are already in the queue.",
    )
    said = conversation.i18n.gettext(one, several, 3, locale=anna.language)
    assert again == said.format(n=3)


async def test_an_album_is_painted_in_a_picture_of_ones_own(anna, conversation):
    photos = await anna.person.album([picture((40, 40)) for _ in range(3)])
    await anna.press(await anna.person.wait_for(), "Repaint them all")
    await anna.press(anna.heard()[-1], "My own picture")
    await anna.person.photo(picture())
    await conversation.settled()
    style = style_of((await conversation.jobs.active(anna.id))[0].order)
    assert style.picture is not None
    await check_photos(conversation, anna, photos, style)


async def test_an_album_goes_through_a_generator(anna, conversation, generators):
    generators("horse2zebra")
    await anna.person.album([picture((40, 40)) for _ in range(3)])
    await anna.press(await anna.person.wait_for(), ZEBRA[anna.language])
    jobs = await conversation.jobs.active(anna.id)
    assert [job.order.model for job in jobs] == ["horse2zebra"] * 3


async def test_a_limit_is_told_once_for_an_album(anna, conversation):
    await set_mode(anna)
    heard = len(anna.heard())
    await anna.person.album([picture((40, 40)) for _ in range(PER_USER + 4)])
    said = await anna.person.wait_for(lambda message: "/status" in message.text)
    assert f"{PER_USER}" in said.text and f"{PER_USER + 4}" in said.text
    assert len(await conversation.jobs.active(anna.id)) == PER_USER
    await until(lambda: all_answered(conversation))
    assert len(anna.heard()) == heard + 1


async def test_a_caption_is_for_all_photos_of_an_album(anna, conversation):
    photos = await anna.person.album([picture((40, 40)) for _ in range(3)], "/paint")
    await anna.press(await anna.person.wait_for(), "Repaint them all")
    await anna.press(anna.heard()[-1], "1")
    await check_photos(conversation, anna, photos, StyleChoice(name=STYLES[0].name))


async def test_in_a_group_a_command_is_for_all_photos_of_an_album(folder):
    # With privacy mode on, Telegram would send the bot the photo with the command alone.
    async with Sandbox(privacy=False) as sandbox:
        conversation = Conversation(sandbox, folder, Catalog(folder))
        await conversation.start()
        try:
            boris = Speaker(conversation, sandbox.user(language_code="en", name="Boris"))
            group = sandbox.group("Friends", boris.person)
            await boris.person.album([picture((40, 40))] * 3, chat=group)
            photos = await boris.person.album([picture((40, 40))] * 3, "/paint", chat=group)
            question = await group.wait_for()
            assert question.reply_to == photos[0].id
            await (await boris.person.press(question, "Repaint them all")).answered()
            await conversation.settled()
            gallery = max(group.messages.values(), key=lambda message: message.id)
            await (await boris.person.press(gallery, "1")).answered()
            await check_photos(conversation, boris, photos, StyleChoice(name=STYLES[0].name))
        finally:
            await conversation.stop()


async def test_an_album_with_one_usable_picture_is_a_photo(anna):
    await anna.person.album([picture(), b"words"], names=["photo.jpg", "notes.txt"])
    await anna.hears(QUESTION)


async def test_an_album_of_texts_is_answered_once(anna, conversation):
    await anna.person.album([b"a", b"b", b"c"], names=["a.txt", "b.txt", "c.txt"])
    await conversation.settled()
    assert len(anna.heard()) == 1


async def test_an_album_outlives_the_bot(sandbox, folder, conversation, anna):
    await conversation.albums.close()
    await anna.person.album([picture(), picture()])
    await conversation.settled()
    await conversation.albums.close()
    assert not await conversation.jobs.active()
    # The next start, over the same database.
    heir = Conversation(sandbox, folder, Catalog(folder))
    conversation.poller.cancel()
    await heir.start()
    try:
        await anna.hears(PAIR)
    finally:
        await heir.stop()


async def test_an_album_waits_for_the_store(conversation, boris, monkeypatch, caplog):
    monkeypatch.setattr("bot.chat.albums._REST", 0.02)
    await execute(
        conversation,
        "CREATE TRIGGER full BEFORE INSERT ON jobs"
        " BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
    )
    await set_mode(boris)
    await boris.person.album([picture(), picture()])

    async def failed():
        return "An album waits" in caplog.text

    await until(failed)
    assert not await conversation.jobs.active()
    await execute(conversation, "DROP TRIGGER full")
    assert await job_of(conversation, boris)


async def test_an_album_waits_for_telegram(conversation, sandbox, boris, monkeypatch, caplog):
    monkeypatch.setattr("bot.chat.albums._REST", 0.02)
    monkeypatch.setattr("bot.chat.replies._REPEATS", (0.02, 0.02))
    for _ in range(3):
        sandbox.faults.add("sendMessage", "gateway", chat=boris.id)
    await boris.person.album([picture(), picture()])
    await boris.hears(PAIR)
    assert "An album waits" in caplog.text and len(boris.heard()) == 1


async def test_the_sender_of_an_album_blocks_the_bot(conversation, sandbox, boris, caplog):
    await boris.says("/start")
    fault = sandbox.faults.add("sendMessage", "forbidden", chat=boris.id)
    await boris.person.album([picture((40, 40)) for _ in range(3)])
    await fault.reached()

    async def closed():
        return not await conversation.pictures.open_albums()

    await until(closed)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_an_album_that_fails_holds_up_no_other_and_is_tried_after_the_next_start(
    sandbox, folder, conversation, boris, monkeypatch, caplog
):
    async def mistake(*_arguments):
        raise ZeroDivisionError

    await set_mode(boris)
    with monkeypatch.context() as patch:
        patch.setattr(conversation.albums, "_answer", mistake)
        first = await boris.person.album([picture(), picture()])

        async def logged():
            return "An album could not be answered." in caplog.text

        await until(logged)
    second = await boris.person.album([picture(), picture()])
    await job_of(conversation, boris)

    async def only_the_first():
        return [each.album for each in await conversation.pictures.open_albums()] == [
            first[0].album
        ]

    await until(only_the_first)
    heir = Conversation(sandbox, folder, Catalog(folder))
    conversation.poller.cancel()
    await heir.start()
    try:

        async def both():
            jobs = await heir.jobs.active(boris.id)
            wanted = [photo.id for photo in (*second, *first)][:PER_USER]
            return [job.order.reply_to for job in jobs] == wanted

        await until(both)
        await until(lambda: all_answered(heir))
    finally:
        await heir.stop()


async def execute(conversation, statement):
    await conversation.database.run(lambda connection: connection.execute(statement))


async def send_part(conversation, speaker, message_id, album="late"):
    """A part of an album, which comes by itself."""
    sent = await conversation.pictures.add(
        user_id=speaker.id,
        chat_id=speaker.id,
        message_id=message_id,
        file_id=f"file-{message_id}",
        media_kind=MediaKind.PHOTO,
        album=album,
    )
    conversation.albums.part_arrived(sent, speaker.language)
    return sent


@pytest.mark.parametrize("numbers", [(1001, 1002), (1002, 1001)], ids=["in order", "reversed"])
async def test_a_late_part_joins_its_album(anna, conversation, numbers):
    await anna.says("/start")
    await send_part(conversation, anna, numbers[0])
    await anna.hears(QUESTION)
    await send_part(conversation, anna, numbers[1])
    await anna.press(await anna.hears(PAIR), "A style and a photo")
    order = (await conversation.the_job(anna)).order
    style, photo = await conversation.pictures.album(anna.id, "late")
    assert order.of_album and (style_of(order).picture, order.picture) == (style.id, photo.id)
    # The question about one of them is gone.
    assert not [message for message in anna.heard() if message.text == anna.words(QUESTION)]


async def test_a_part_that_comes_during_the_answer_joins_its_album(anna, conversation, sandbox):
    await anna.says("/start")
    held = sandbox.faults.add("sendMessage", "hold", chat=anna.id)
    await send_part(conversation, anna, 1001)
    await held.reached()
    await send_part(conversation, anna, 1002)
    held.release()
    await anna.hears(PAIR)
    assert not [message for message in anna.heard() if message.text == anna.words(QUESTION)]


async def test_a_late_part_is_one_more_photo_in_the_chosen_style(anna, conversation):
    await set_mode(anna)
    heard = len(anna.heard())
    for number in (1001, 1002, 1003):
        await send_part(conversation, anna, number)
        await until(lambda: all_answered(conversation))
    jobs = await conversation.jobs.active(anna.id)
    assert [job.order.reply_to for job in jobs] == [1001, 1002, 1003]
    assert all(job.ending is None for job in jobs) and len(anna.heard()) == heard


async def test_a_late_part_after_the_restart_orders_no_photo_twice(
    sandbox, folder, conversation, anna
):
    await set_mode(anna)
    await send_part(conversation, anna, 1001)
    await until(lambda: all_answered(conversation))
    (first,) = await conversation.jobs.active(anna.id)
    await conversation.jobs.finish(first.id, PAINTED)
    await conversation.jobs.answered(first.id)
    heir = Conversation(sandbox, folder, Catalog(folder))
    conversation.poller.cancel()
    await heir.start()
    try:
        await send_part(heir, anna, 1002)
        assert (await job_of(heir, anna)).order.reply_to == 1002
        assert len(await heir.jobs.active(anna.id)) == 1
    finally:
        await heir.stop()


async def test_a_part_that_is_told_again_is_not_answered_again(anna, conversation):
    await anna.says("/start")
    await send_part(conversation, anna, 1001)
    await anna.hears(QUESTION)
    await until(lambda: all_answered(conversation))
    await send_part(conversation, anna, 1001)
    await conversation.settled()
    assert await all_answered(conversation) and len(anna.heard()) == 2


async def test_a_late_part_joins_its_album_after_the_next_start(
    sandbox, folder, conversation, anna
):
    await anna.says("/start")
    await send_part(conversation, anna, 1001)
    await anna.hears(QUESTION)
    await until(lambda: all_answered(conversation))
    heir = Conversation(sandbox, folder, Catalog(folder))
    conversation.poller.cancel()
    await heir.start()
    try:
        await send_part(heir, anna, 1002)
        await anna.hears(PAIR)
        assert not [message for message in anna.heard() if message.text == anna.words(QUESTION)]
    finally:
        await heir.stop()


async def all_answered(conversation):
    return not await conversation.pictures.open_albums()
