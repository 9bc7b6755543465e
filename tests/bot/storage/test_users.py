from __future__ import annotations

from dataclasses import replace

import pytest

from bot.storage.jobs import Jobs, Limits
from bot.storage.pictures import MediaKind, Pictures
from bot.storage.styles import StyleChoice, alone, mixed
from bot.storage.users import Users
from runtime import StylizeOptions
from tests.support.bot.orders import order

DEFAULTS = StylizeOptions(fine=1024, steps=77)


@pytest.fixture()
def users(database):
    return Users(database, DEFAULTS)


async def test_a_stranger_has_the_defaults(users):
    user = await users.get(1)
    assert (user.options, user.language, user.styles) == (DEFAULTS, None, ())


async def test_choices_are_remembered_each_by_itself(users):
    await users.choose_language(1, "ru")
    await users.choose_styles(1, alone(StyleChoice(picture=7)))
    for name, value in (
        ("strength", 0.0),
        ("fine", 1024),
        ("fine", 640),
        ("keep_colours", True),
    ):
        await users.choose_option(1, name, value)
    await users.choose_styles(1, alone(StyleChoice(name="a:b")))
    user = await users.get(1)
    assert user.language == "ru"
    assert user.styles == alone(StyleChoice(name="a:b"))
    assert user.options == replace(DEFAULTS, strength=0.0, fine=640, keep_colours=True)
    assert (await users.get(2)).options == DEFAULTS


async def test_forgetting_leaves_nothing_of_the_user_and_all_of_others(users, database):
    pictures, jobs = Pictures(database), Jobs(database, Limits(3, 50))
    made = {}
    for user in (1, 2):
        await users.choose_language(user, "ru")
        await pictures.add(
            user_id=user, chat_id=user, message_id=1, file_id="f", media_kind=MediaKind.PHOTO
        )
        made[user], _new = await jobs.submit(order(user))
    assert await users.forget(1) == [made[1].id]
    assert await jobs.get(made[1].id) is None
    assert (await users.get(1)).language is None
    for table in ("users", "pictures", "jobs"):
        rows = await database.run(
            lambda connection, table=table: connection.execute(
                f"SELECT user_id FROM {table}"
            ).fetchall()
        )
        assert [row["user_id"] for row in rows] == [2], table


async def test_what_was_not_chosen_follows_the_owner(database):
    await Users(database, DEFAULTS).choose_option(1, "strength", 1.0)
    later = StylizeOptions(fine=512, steps=20)
    assert (await Users(database, later).get(1)).options == replace(later, strength=1.0)


@pytest.mark.parametrize(("name", "value"), [("size", 9), ("of_another_release", 1)])
async def test_a_stored_option_that_is_not_allowed_any_more_is_the_default(
    database, caplog, name, value
):
    users = Users(database, DEFAULTS)
    await users.choose_option(1, name, value)
    await users.choose_option(1, "strength", 1.0)
    assert (await users.get(1)).options == replace(DEFAULTS, strength=1.0)
    assert f"{name}={value}" in caplog.text


async def test_no_size_is_larger_than_the_owners(database):
    await Users(database, StylizeOptions(fine=1280)).choose_option(1, "fine", 1280)
    assert (await Users(database, StylizeOptions(fine=768)).get(1)).options.fine == 768
    assert (await Users(database, StylizeOptions(fine=2048)).get(1)).options.fine == 1280


async def test_files_are_painted_larger_unless_the_user_chose_a_smaller_size(database):
    still = (MediaKind.PHOTO, MediaKind.DOCUMENT)
    users = Users(database, StylizeOptions(fine=1280), file_fine=4096)
    await users.choose_option(1, "fine", 640)
    await users.choose_option(2, "fine", 1280)
    for user, sizes in ((1, (640, 640)), (2, (1280, 4096)), (3, (1280, 4096))):
        found = await users.get(user)
        assert tuple(found.options_for(kind).fine for kind in still) == sizes


async def test_a_mix_is_remembered(users):
    mix = mixed(StyleChoice(name="a:b"), StyleChoice(picture=7), 0.7)
    await users.choose_styles(1, mix)
    assert (await users.get(1)).styles == mix
    assert [style.weight for style in mix] == [0.7, 0.3]
