from __future__ import annotations

import pytest

from bot.storage.jobs import Jobs, Limits
from bot.storage.pictures import PHOTO, Pictures
from bot.storage.users import Settings, StyleChoice, Users
from tests.support.bot.orders import order

DEFAULTS = Settings(strength=0.5, size=384)


@pytest.fixture()
def users(database):
    return Users(database, DEFAULTS)


async def test_a_stranger_has_the_defaults(users):
    person = await users.get(1)
    assert (person.settings, person.language, person.style) == (DEFAULTS, None, None)


async def test_choices_are_remembered_each_by_itself(users):
    await users.choose_language(1, "ru")
    await users.choose_style(1, StyleChoice(picture=7))
    await users.choose_settings(1, Settings(strength=0.0, size=256, keep_colours=True))
    await users.choose_style(1, StyleChoice(gallery="a:b"))
    person = await users.get(1)
    assert person.language == "ru"
    assert person.style == StyleChoice(gallery="a:b")
    assert person.settings == Settings(strength=0.0, size=256, keep_colours=True)
    assert (await users.get(2)).settings == DEFAULTS


async def test_forgetting_leaves_nothing_of_the_user_and_all_of_others(users, database):
    pictures, jobs = Pictures(database), Jobs(database, Limits(3, 50))
    made = {}
    for user in (1, 2):
        await users.choose_language(user, "ru")
        await pictures.add(user_id=user, chat_id=user, message_id=1, file_id="f", form=PHOTO)
        made[user], _new = await jobs.submit(order(user))
    assert await users.forget(1) == [made[1].id]
    assert await jobs.get(made[1].id) is None
    assert (await users.get(1)).language is None
    for table in ("people", "pictures", "jobs"):
        rows = await database.run(
            lambda connection, table=table: connection.execute(
                f"SELECT user_id FROM {table}"
            ).fetchall()
        )
        assert [row["user_id"] for row in rows] == [2], table
