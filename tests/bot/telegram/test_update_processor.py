from __future__ import annotations

import asyncio
import logging

import pytest
from aiogram import Bot, Dispatcher
from aiogram.types import Message

from bot.errors import NotStored
from bot.metrics import Metrics
from bot.storage.seen_updates import SeenUpdates
from bot.telegram.update_processor import UpdateProcessor


def message(update_id, text="hello"):
    return {
        "update_id": update_id,
        "message": {
            "message_id": update_id,
            "date": 0,
            "chat": {"id": 1, "type": "private"},
            "from": {"id": 1, "is_bot": False, "first_name": "Anna"},
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
async def update_processor(database, heard):
    bot, dispatcher = Bot(token="1:test"), Dispatcher()
    dispatcher.message.register(heard.hear)
    yield UpdateProcessor(bot, dispatcher, SeenUpdates(database), Metrics(), "webhook")
    await bot.session.close()


async def test_an_update_sent_again_is_handled_once(update_processor, heard):
    for _ in range(2):
        await update_processor(message(1))
    assert heard.texts == ["hello"]


async def test_an_update_sent_again_while_it_is_handled_waits_for_the_same_end(
    update_processor, heard
):
    heard.gate.clear()
    both = [asyncio.ensure_future(update_processor(message(1))) for _ in range(2)]
    done, waiting = await asyncio.wait(both, timeout=0.1)
    assert not done
    heard.gate.set()
    await asyncio.gather(*waiting)
    assert heard.texts == ["hello"]


async def test_a_caller_that_goes_away_does_not_take_the_handler_with_it(update_processor, heard):
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
    logged = [each for each in caplog.records if "update 1" in each.getMessage()]
    assert len(logged) == 1
    await update_processor(message(2))
    assert heard.texts[-1] == "hello"


async def test_what_is_no_update_is_dropped(update_processor, heard):
    await update_processor({"update_id": "one"})
    assert heard.texts == []


async def test_a_stopping_bot_leaves_updates_to_telegram(update_processor, heard):
    await update_processor.close()
    with pytest.raises(NotStored):
        await update_processor(message(1))
    assert heard.texts == []
