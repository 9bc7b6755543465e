"""When something fails, the user is told once and the log has it once."""

from __future__ import annotations

import logging

import pytest

from tests.support.bot.sent_pictures import picture
from tests.support.bot.steps import QUESTION

STORE = "I can't save anything right now, so nothing was done. Please try again later."


async def test_a_store_that_fails_for_a_while(anna, conversation):
    await execute(
        conversation,
        "CREATE TRIGGER full BEFORE INSERT ON pictures"
        " BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
    )
    await anna.person.photo(picture())
    await anna.hears(STORE)
    await execute(conversation, "DROP TRIGGER full")
    await anna.person.photo(picture())
    await anna.hears(QUESTION)


async def test_a_store_that_is_read_only(anna, conversation, caplog):
    await execute(conversation, "PRAGMA query_only = 1")
    await anna.person.photo(picture())
    await anna.hears(STORE)
    menu = await anna.says("/start")
    assert menu.text == anna.words(STORE)
    told = [record for record in caplog.records if record.name == "bot.handlers.errors"]
    assert len(told) == 2


async def execute(conversation, statement):
    await conversation.database.run(lambda connection: connection.execute(statement))


async def test_a_handler_that_breaks(anna, conversation, caplog, monkeypatch):
    def broken(*args):
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("bot.handlers.settings.described", broken)
    answer = await anna.says("/settings")
    assert answer.text == anna.words(
        "Something went wrong on my side. Please try again, or start over with /start."
    )
    told = [record for record in caplog.records if record.exc_info]
    assert len(told) == 1 and "broken on purpose" in str(told[0].exc_info[1])


async def test_a_button_whose_handler_breaks(anna, conversation, monkeypatch):
    def broken(*args):
        raise RuntimeError("broken on purpose")

    menu = await anna.says("/start")
    monkeypatch.setattr("bot.handlers.settings.described", broken)
    await anna.press(menu, "Settings")
    await anna.hears(
        "Something went wrong on my side. Please try again, or start over with /start."
    )


async def test_a_user_who_blocked_the_bot(boris, conversation, caplog):
    await boris.says("/start")
    sent = len(boris.heard())
    with caplog.at_level(logging.WARNING):
        await boris.person.text("/help")
        await boris.person.block()
        await conversation.settled()
    assert not [record for record in caplog.records if record.name.startswith("bot.")]
    await boris.person.unblock()
    assert "photo" in (await boris.says("/start")).text
    assert len(boris.heard()) >= sent


@pytest.mark.parametrize("kind", ["drop", "error", "gateway"])
async def test_an_answer_that_fails_on_the_way_is_sent_again(boris, sandbox, kind, monkeypatch):
    monkeypatch.setattr("bot.chat.replies._REPEATS", (0.01, 0.01))
    fault = sandbox.faults.add("sendMessage", kind, times=2)
    await boris.says("/start")
    assert fault.hits == 2 and "photo" in boris.heard()[-1].text
