from __future__ import annotations

import pytest

from bot.storage.pictures import MediaKind, Pictures


@pytest.fixture()
def pictures(database):
    return Pictures(database)


def add(pictures, message_id, album=None, chat_id=5):
    return pictures.add(
        user_id=1,
        chat_id=chat_id,
        message_id=message_id,
        file_id=f"file-{message_id}",
        media_kind=MediaKind.DOCUMENT,
        album=album,
    )


async def test_the_same_message_told_twice_is_one_picture(pictures):
    first = await add(pictures, 10)
    again = await pictures.add(
        user_id=1, chat_id=5, message_id=10, file_id="another", media_kind=MediaKind.PHOTO
    )
    assert again == first
    assert await pictures.get(first.id) == first
    assert await pictures.get(first.id + 1) is None


async def test_an_album_is_read_in_the_order_of_its_messages(pictures):
    for message_id in (12, 11):
        await add(pictures, message_id, album="a")
    await add(pictures, 13, album="b")
    await add(pictures, 11, album="a", chat_id=6)
    assert [each.message_id for each in await pictures.album(5, "a")] == [11, 12]
    assert len(await pictures.open_albums()) == 3


async def test_a_closed_album_stays_closed_when_a_part_is_told_again(pictures):
    first = await add(pictures, 11, album="a")
    await pictures.close_album(5, "a")
    assert (await add(pictures, 11, album="a")).id == first.id
    assert await pictures.open_albums() == []


async def test_a_picture_is_given_to_its_user_only(pictures):
    own = await add(pictures, 10)
    assert await pictures.of_user(own.id, own.user_id) == own
    assert await pictures.of_user(own.id, own.user_id + 1) is None
    assert await pictures.of_user(own.id + 1, own.user_id) is None
    assert await pictures.of_user(None, own.user_id) is None
