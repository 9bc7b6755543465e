"""One contract for aiogram's own memory storage and for ours."""

from __future__ import annotations

import pytest
from aiogram.fsm.state import State, StatesGroup
from aiogram.fsm.storage.base import StorageKey
from aiogram.fsm.storage.memory import MemoryStorage

from bot.storage.fsm import SqliteStorage

ANNA = StorageKey(bot_id=1, chat_id=10, user_id=100)
BORIS = StorageKey(bot_id=1, chat_id=10, user_id=101)


class Dialogue(StatesGroup):
    waiting = State()


@pytest.fixture(params=["memory", "sqlite"])
def storage(request, database):
    return MemoryStorage() if request.param == "memory" else SqliteStorage(database)


async def test_a_new_dialogue_is_empty(storage):
    assert await storage.get_state(key=ANNA) is None
    assert await storage.get_data(key=ANNA) == {}


@pytest.mark.parametrize("state", [Dialogue.waiting, "Dialogue:waiting"])
async def test_state_and_data_are_kept_apart_by_user(storage, state):
    await storage.set_state(key=ANNA, state=state)
    await storage.set_data(key=ANNA, data={"mode": "stylize", "list": [1, 2]})
    assert await storage.get_state(key=ANNA) == "Dialogue:waiting"
    assert await storage.get_data(key=ANNA) == {"mode": "stylize", "list": [1, 2]}
    assert await storage.get_state(key=BORIS) is None
    assert await storage.get_data(key=BORIS) == {}


async def test_update_data_adds_to_what_is_there(storage):
    await storage.set_data(key=ANNA, data={"a": 1})
    assert await storage.update_data(key=ANNA, data={"b": 2}) == {"a": 1, "b": 2}
    assert await storage.get_data(key=ANNA) == {"a": 1, "b": 2}


async def test_what_was_read_can_be_changed_without_harm(storage):
    await storage.set_data(key=ANNA, data={"a": 1})
    (await storage.get_data(key=ANNA))["a"] = 2
    assert await storage.get_data(key=ANNA) == {"a": 1}


async def test_clearing_leaves_nothing(storage):
    await storage.set_state(key=ANNA, state=Dialogue.waiting)
    await storage.set_data(key=ANNA, data={"a": 1})
    await storage.set_state(key=ANNA, state=None)
    assert await storage.get_data(key=ANNA) == {"a": 1}
    await storage.set_data(key=ANNA, data={})
    assert await storage.get_state(key=ANNA) is None
    assert await storage.get_data(key=ANNA) == {}


async def test_destinies_and_threads_are_dialogues_of_their_own(storage):
    for key in (
        StorageKey(bot_id=1, chat_id=10, user_id=100, destiny="other"),
        StorageKey(bot_id=1, chat_id=10, user_id=100, thread_id=5),
        StorageKey(bot_id=2, chat_id=10, user_id=100),
    ):
        await storage.set_state(key=key, state="elsewhere")
    assert await storage.get_state(key=ANNA) is None


async def test_an_empty_dialogue_has_no_row(database):
    storage = SqliteStorage(database)
    await storage.set_state(key=ANNA, state=Dialogue.waiting)
    await storage.set_state(key=ANNA, state=None)
    rows = await database.run(
        lambda connection: connection.execute("SELECT * FROM dialogue").fetchall()
    )
    assert rows == []
