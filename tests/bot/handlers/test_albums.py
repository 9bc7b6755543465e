"""Albums: style and photo in one go."""

from __future__ import annotations

import pytest

from bot.chat.catalog import Catalog
from bot.chat.submission import Sender, stylize_order
from bot.outcomes import CANCELLED
from bot.storage.pictures import MediaKind
from bot.storage.users import StyleChoice
from tests.support.bot.conversation import Conversation, until
from tests.support.bot.sent_pictures import picture
from tests.support.bot.steps import QUESTION, job_of


async def test_an_album_of_two_is_style_and_photo(anna, conversation):
    style, photo = await anna.person.album([picture(), picture()])
    order = (await job_of(conversation, anna)).order
    assert (await conversation.pictures.get(order.style.picture)).file_id == style.file_id
    assert (await conversation.pictures.get(order.picture)).file_id == photo.file_id
    assert order.of_album and order.reply_to == photo.id and order.language == anna.language


async def test_an_album_of_two_files(boris, conversation):
    await boris.person.album([picture(), picture()], names=["style.png", "photo.png"])
    order = (await job_of(conversation, boris)).order
    assert (await conversation.pictures.get(order.picture)).media_kind is MediaKind.DOCUMENT


@pytest.mark.parametrize("count", [3, 5, 10])
async def test_an_album_of_more_asks_for_two(anna, conversation, count):
    await anna.person.album([picture((40, 40)) for _ in range(count)])
    answer = await anna.person.wait_for()
    assert str(count) in answer.text
    assert not await conversation.jobs.active()
    assert len(anna.heard()) == 1


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
        assert (await job_of(heir, anna)).order.language == anna.language
    finally:
        await heir.stop()


async def test_an_album_waits_for_the_store(conversation, boris, monkeypatch, caplog):
    monkeypatch.setattr("bot.chat.albums._REST", 0.02)
    await execute(
        conversation,
        "CREATE TRIGGER full BEFORE INSERT ON jobs"
        " BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
    )
    await boris.person.album([picture(), picture()])

    async def failed():
        return "An album waits" in caplog.text

    await until(failed)
    assert not await conversation.jobs.active()
    await execute(conversation, "DROP TRIGGER full")
    assert (await job_of(conversation, boris)).order.of_album


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

    with monkeypatch.context() as patch:
        patch.setattr(conversation.albums, "_answer", mistake)
        first = await boris.person.album([picture(), picture()])

        async def logged():
            return "An album could not be answered." in caplog.text

        await until(logged)
    second = await boris.person.album([picture(), picture()])
    await job_of(conversation, boris)
    (left,) = {each.album for each in await conversation.pictures.open_albums()}
    assert left == first[0].album
    heir = Conversation(sandbox, folder, Catalog(folder))
    conversation.poller.cancel()
    await heir.start()
    try:

        async def both():
            jobs = await heir.jobs.active(boris.id)
            return [job.order.reply_to for job in jobs] == [second[1].id, first[1].id]

        await until(both)
        assert not await heir.pictures.open_albums()
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
    order = (await job_of(conversation, anna)).order
    style, photo = await conversation.pictures.album(anna.id, "late")
    assert order.of_album and (order.style.picture, order.picture) == (style.id, photo.id)
    # The question about one of them is gone, and is not asked about the other.
    assert not [message for message in anna.heard() if message.text == anna.words(QUESTION)]


async def test_a_part_that_comes_during_the_answer_joins_its_album(anna, conversation, sandbox):
    await anna.says("/start")
    held = sandbox.faults.add("sendMessage", "hold", chat=anna.id)
    await send_part(conversation, anna, 1001)
    await held.reached()
    await send_part(conversation, anna, 1002)
    held.release()
    assert (await job_of(conversation, anna)).order.of_album
    assert not [message for message in anna.heard() if message.text == anna.words(QUESTION)]


async def test_a_late_part_cancels_what_was_ordered_for_the_first(anna, conversation):
    await anna.says("/start")
    user = await conversation.users.get(anna.id)
    first = await send_part(conversation, anna, 1001)
    sender = Sender(user, anna.language, f"album:{first.id}")
    order = stylize_order(first, sender, StyleChoice(picture=first.id))
    await conversation.submission.order_or_say(order, first)
    await send_part(conversation, anna, 1002)

    async def replaced():
        jobs = await conversation.jobs.active(anna.id)
        return [(job.order.of_album, job.ending) for job in jobs] == [
            (False, CANCELLED),
            (True, None),
        ]

    await until(replaced)


async def test_a_late_third_part_asks_for_two_once(anna, conversation):
    await anna.says("/start")
    for number in (1001, 1002):
        await send_part(conversation, anna, number)
    await job_of(conversation, anna)
    for number in (1003, 1004):
        await send_part(conversation, anna, number)
        await until(lambda: all_answered(conversation))
    (said,) = [message for message in anna.heard()[1:] if "3" in message.text]
    assert said.text and len(anna.heard()) == 2
    (job,) = await conversation.jobs.active(anna.id)
    assert job.ending == CANCELLED


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
        assert (await job_of(heir, anna)).order.of_album
        assert not [message for message in anna.heard() if message.text == anna.words(QUESTION)]
    finally:
        await heir.stop()


async def all_answered(conversation):
    return not await conversation.pictures.open_albums()
