from __future__ import annotations

import asyncio
import logging

import pytest
from aiogram import Bot, Dispatcher
from aiogram.types import Message

from bot.errors import NotStored, StoreError
from bot.metrics import Metrics
from bot.storage.updates import Updates
from bot.telegram.update_processor import UpdateProcessor


def message(update_id, text="hello", chat=1):
    return {
        "update_id": update_id,
        "message": {
            "message_id": update_id,
            "date": 0,
            "chat": {"id": chat, "type": "private"},
            "from": {"id": chat, "is_bot": False, "first_name": "Anna"},
            "text": text,
        },
    }


class Heard:
    """Texts that reached the handler, which waits while `gate` is not set."""

    def __init__(self):
        self.texts = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def hear(self, event: Message):
        self.texts.append(event.text)
        await self.gate.wait()
        if event.text == "poison":
            raise ZeroDivisionError


@pytest.fixture()
async def heard():
    return Heard()


@pytest.fixture()
async def start(database, heard):
    """A function that makes a processor, as at each start of the bot."""
    bots = []

    async def start():
        bot, dispatcher = Bot(token="1:test"), Dispatcher()
        bots.append(bot)
        dispatcher.message.register(heard.hear)
        processor = UpdateProcessor(bot, dispatcher, Updates(database), Metrics(), "webhook")
        await processor.start()
        return processor

    yield start
    for bot in bots:
        await bot.session.close()


@pytest.fixture()
async def update_processor(start):
    return await start()


async def break_store(database):
    await database.run(
        lambda connection: connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON accepted_updates"
            " BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )
    )


async def test_an_update_sent_again_is_handled_once(update_processor, heard):
    for _ in range(2):
        await update_processor(message(1))
        await update_processor.finish()
    assert heard.texts == ["hello"]


async def test_an_update_sent_again_while_it_is_handled_is_handled_once(update_processor, heard):
    heard.gate.clear()
    await asyncio.wait_for(asyncio.gather(*(update_processor(message(1)) for _ in range(2))), 5)
    await asyncio.wait_for(update_processor(message(1)), 5)
    heard.gate.set()
    await update_processor.finish()
    assert heard.texts == ["hello"]


async def test_a_handler_that_waits_keeps_no_caller(update_processor, heard):
    heard.gate.clear()
    for number in range(1, 50):
        await asyncio.wait_for(update_processor(message(number, chat=number)), 5)
    heard.gate.set()
    await update_processor.finish()
    assert len(heard.texts) == 49


async def test_updates_of_a_chat_are_handled_in_order(update_processor, heard):
    heard.gate.clear()
    for number in range(1, 6):
        await update_processor(message(number, str(number)))
    await update_processor(message(6, "other chat", chat=2))
    while len(heard.texts) < 2:
        await asyncio.sleep(0.01)
    assert heard.texts == ["1", "other chat"]
    heard.gate.set()
    await update_processor.finish()
    assert heard.texts == ["1", "other chat", "2", "3", "4", "5"]


async def test_a_chat_that_sends_too_much_waits(update_processor, heard, monkeypatch):
    monkeypatch.setattr("bot.telegram.update_processor._MOST_WAITING", 3)
    heard.gate.clear()
    for number in range(1, 4):
        await asyncio.wait_for(update_processor(message(number)), 5)
    caller = asyncio.ensure_future(update_processor(message(4)))
    done, _ = await asyncio.wait([caller], timeout=0.1)
    assert not done
    await asyncio.wait_for(update_processor(message(5, chat=2)), 5)
    heard.gate.set()
    await asyncio.wait_for(caller, 5)
    await update_processor.finish()
    assert len(heard.texts) == 5


async def test_a_caller_that_goes_away_does_not_take_the_handler_with_it(
    update_processor, heard, database
):
    await break_store(database)
    heard.gate.clear()
    caller = asyncio.ensure_future(update_processor(message(1)))
    await asyncio.wait([caller], timeout=0.1)
    caller.cancel()
    heard.gate.set()
    await update_processor.close()
    await asyncio.wait([caller])
    assert heard.texts == ["hello"]


@pytest.mark.parametrize("poison", [message(1, "poison"), {"update_id": 1, "message": {"no": 1}}])
async def test_a_poison_update_is_logged_once_and_done_with(
    update_processor, heard, poison, caplog
):
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            await update_processor(poison)
            await update_processor.finish()
    logged = [each for each in caplog.records if "update 1" in each.getMessage()]
    assert len(logged) == 1
    await update_processor(message(2))
    await update_processor.finish()
    assert heard.texts[-1] == "hello"


@pytest.mark.parametrize(
    "update",
    [
        {"message": {"text": "my secret", "chat": "odd"}},
        {"message": {**message(1)["message"], "text": {"words": "my secret"}}},
        {"surprise": {"text": "my secret"}},
        {"channel_post": {**message(1)["message"], "text": "my secret"}},
    ],
    ids=["odd chat", "odd text", "unknown kind", "unwanted kind"],
)
@pytest.mark.filterwarnings("default")
async def test_an_update_that_cannot_be_read_is_logged_without_the_text(
    update_processor, heard, update, caplog
):
    logging.captureWarnings(True)
    try:
        with caplog.at_level(logging.DEBUG):
            await update_processor({"update_id": 7, **update})
            await update_processor.finish()
    finally:
        logging.captureWarnings(False)
    assert "update 7" in caplog.text and next(iter(update)) in caplog.text
    assert "secret" not in caplog.text and heard.texts == []


async def test_what_is_no_update_is_dropped(update_processor, heard):
    await update_processor({"update_id": "one"})
    assert heard.texts == []


async def test_a_stopping_bot_leaves_updates_to_telegram(update_processor, heard):
    await update_processor.close()
    with pytest.raises(NotStored):
        await update_processor(message(1))
    assert heard.texts == []


async def test_what_a_stop_interrupts_is_handled_at_the_next_start(start, heard, monkeypatch):
    monkeypatch.setattr("bot.telegram.update_processor._CLOSE_SECONDS", 0.05)
    first = await start()
    heard.gate.clear()
    for number in (1, 2, 3):
        await first(message(number, str(number)))
    await first.close()
    assert heard.texts == ["1"]
    heard.gate.set()
    second = await start()
    await second(message(4, "4"))
    # Telegram may not know that it was accepted.
    await second(message(2, "2"))
    await second.finish()
    assert heard.texts == ["1", "1", "2", "3", "4"]
    third = await start()
    await third.finish()
    assert len(heard.texts) == 5


async def test_an_update_that_cannot_be_stored_is_handled_before_the_answer(
    update_processor, heard, database
):
    await break_store(database)
    heard.gate.clear()
    callers = [asyncio.ensure_future(update_processor(message(1))) for _ in range(2)]
    done, _ = await asyncio.wait(callers, timeout=0.1)
    assert not done
    heard.gate.set()
    await asyncio.wait_for(asyncio.gather(*callers), 5)
    assert heard.texts == ["hello"]


async def test_what_is_neither_stored_nor_handled_stays_with_telegram(
    update_processor, heard, database, monkeypatch
):
    monkeypatch.setattr("bot.telegram.update_processor._CLOSE_SECONDS", 0.05)
    await break_store(database)
    heard.gate.clear()
    caller = asyncio.ensure_future(update_processor(message(1)))
    await asyncio.wait([caller], timeout=0.1)
    await update_processor.close()
    with pytest.raises(NotStored):
        await asyncio.wait_for(caller, 5)


async def test_a_store_that_fails_at_a_restart_loses_no_update(start, heard, database, monkeypatch):
    await Updates(database).accept(1, message(1))

    async def fail(*_arguments):
        raise StoreError("The disk is full.")

    monkeypatch.setattr(Updates, "count_restart", fail)
    await (await start()).finish()
    assert heard.texts == ["hello"]
