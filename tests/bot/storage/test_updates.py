"""Accepted updates and the numbers of handled ones."""

from __future__ import annotations

import pytest

from bot.storage.updates import MOST_RESTARTS, Updates


@pytest.fixture()
async def updates(database):
    return Updates(database)


def update(update_id):
    return {"update_id": update_id, "message": {"text": "привет"}}


async def test_an_update_is_accepted_once(updates):
    assert await updates.accept(1, update(1))
    assert not await updates.accept(1, update(1))
    await updates.mark(1)
    assert not await updates.accept(1, update(1))
    assert await updates.waiting() == []


async def test_accepted_updates_wait_in_their_order(updates):
    for number in (3, 1, 2):
        await updates.accept(number, update(number))
    await updates.mark(2)
    assert await updates.waiting() == [update(1), update(3)]


async def test_an_update_that_ends_the_bot_each_time_is_dropped(updates, caplog):
    await updates.accept(1, update(1))
    await updates.accept(2, update(2))
    for _ in range(MOST_RESTARTS):
        assert await updates.waiting() == [update(1), update(2)]
        await updates.count_restart(1)
    assert await updates.waiting() == [update(2)]
    assert not await updates.accept(1, update(1)) and "update 1" in caplog.text
