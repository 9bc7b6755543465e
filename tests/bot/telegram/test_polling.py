from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
import pytest_asyncio

from bot.backoff import Backoff
from bot.errors import NotStored
from bot.sandbox import Sandbox
from bot.telegram.polling import Poller
from tests.support.bot import telegram_double
from tests.support.bot.telegram_double import PATIENCE_S, Reply, serving_garbage

NOTHING_MORE = Reply(hang=True)


@pytest_asyncio.fixture()
async def telegram():
    async with telegram_double.serving() as double:
        yield double


def text_from(user, update_id):
    chat = {"id": user, "type": "private"}
    return {"update_id": update_id, "message": {"chat": chat, "from": {"id": user}, "text": "x"}}


def press_by(user, update_id):
    message = text_from(user, update_id)["message"]
    return {
        "update_id": update_id,
        "callback_query": {"id": "1", "from": {"id": user}, "message": message},
    }


@contextlib.asynccontextmanager
async def polling(telegram, update_processor):
    async with telegram_double.a_bot(telegram) as bot:
        poller = Poller(bot=bot, update_processor=update_processor, backoff=Backoff(0.0, 0.0))
        task = asyncio.ensure_future(poller.run())
        try:
            yield poller
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                # Cancelling must not wait for Telegram, which holds the request.
                await asyncio.wait_for(task, 5)


class Taken:
    """An update processor that records updates, and refuses some of them a few times."""

    def __init__(self, **refusals):
        self.ids = []
        self.refusals = {int(key[1:]): times for key, times in refusals.items()}

    async def __call__(self, update):
        await asyncio.sleep(0)
        number = update["update_id"]
        if self.refusals.get(number, 0):
            self.refusals[number] -= 1
            raise NotStored("the disk is full")
        self.ids.append(number)


async def offset_of_poll(telegram, count):
    return (await telegram.wait_for("getUpdates", count)).params.get("offset")


async def test_updates_are_acknowledged_when_they_are_in(telegram):
    taken = Taken()
    telegram.script("getUpdates", Reply([text_from(7, 3), press_by(8, 4)]), NOTHING_MORE)
    async with polling(telegram, taken) as poller:
        assert await offset_of_poll(telegram, 2) == "5"
        assert sorted(taken.ids) == [3, 4] and poller.problem is None
    removed, asked = telegram.calls[0], telegram.calls[1]
    assert removed.method == "deleteWebhook"
    assert removed.params.get("drop_pending_updates", "false").lower() == "false"
    assert asked.params["timeout"] == "30" and "offset" not in asked.params
    assert json.loads(asked.params["allowed_updates"]) == ["message", "callback_query"]


async def test_chats_are_served_at_once_and_each_in_order(telegram):
    others, events = asyncio.Event(), []

    async def update_processor(update):
        number = update["update_id"]
        if number == 1:
            await others.wait()
        events.append(number)
        if number == 3:
            others.set()

    batch = [text_from(7, 1), press_by(7, 2), text_from(8, 3)]
    telegram.script("getUpdates", Reply(batch), NOTHING_MORE)
    async with polling(telegram, update_processor):
        assert await offset_of_poll(telegram, 2) == "4"
    assert events == [3, 1, 2]


async def test_nothing_from_the_first_unfinished_update_on_is_acknowledged(telegram, monkeypatch):
    monkeypatch.setattr("bot.telegram.polling._WAIT_S", 0.01)
    taken = Taken()

    async def update_processor(update):
        if update["update_id"] == 2:
            await asyncio.Event().wait()
        await taken(update)

    batch = [text_from(6, 1), text_from(7, 2), text_from(8, 3), press_by(7, 4)]
    telegram.script("getUpdates", Reply(batch[:2]), Reply(batch[1:3]), Reply(batch[1:]))
    async with polling(telegram, update_processor):
        for count in range(2, 6):
            asked = (await telegram.wait_for("getUpdates", count)).params
            # Telegram gives at once what it gave before; there is nothing to hold a request for.
            assert (asked["offset"], asked["limit"], asked["timeout"]) == ("2", "100", "0")
    assert taken.ids == [1, 3]


async def test_a_chat_that_waits_holds_up_no_other(monkeypatch):
    monkeypatch.setattr("bot.telegram.polling._WAIT_S", 0.01)
    entered, waited, answered, events = (*(asyncio.Event() for _ in range(3)), [])

    async def update_processor(update):
        text = update["message"]["text"]
        if text == "one":
            entered.set()
            await waited.wait()
        events.append(text)
        if text == "two":
            answered.set()

    async with Sandbox() as sandbox, polling(sandbox, update_processor):
        anna, boris = sandbox.user(name="Anna"), sandbox.user(name="Boris")
        await anna.text("one")
        await asyncio.wait_for(entered.wait(), PATIENCE_S)
        await boris.text("two")
        await anna.text("three")
        await asyncio.wait_for(answered.wait(), PATIENCE_S)
        assert sandbox.pending == 3
        waited.set()
        await sandbox.wait_until_taken()
    assert events == ["two", "one", "three"]


async def test_update_that_is_not_stored_comes_again_while_a_chat_waits(telegram, monkeypatch):
    monkeypatch.setattr("bot.telegram.polling._WAIT_S", 0.01)
    taken, waited = Taken(_2=2), asyncio.Event()

    async def update_processor(update):
        if update["update_id"] == 1:
            await waited.wait()
        await taken(update)
        if update["update_id"] == 3:
            waited.set()

    batch = [text_from(7, 1), text_from(8, 2), text_from(8, 3)]
    telegram.script("getUpdates", Reply(batch), Reply(batch), Reply(batch), NOTHING_MORE)
    async with polling(telegram, update_processor):
        for count, offset in ((2, "1"), (3, "1"), (4, "4")):
            assert await offset_of_poll(telegram, count) == offset
    assert taken.ids == [2, 3, 1]


async def test_what_is_no_http_is_reported_without_the_url():
    async with serving_garbage() as server, polling(server, Taken()) as poller:
        while poller.problem is None:
            await asyncio.sleep(0.01)
        assert "ClientResponseError" in poller.problem and server.token not in poller.problem


async def test_update_that_is_not_stored_comes_again(telegram):
    taken = Taken(_2=1)
    batch = [text_from(7, 1), text_from(8, 2), text_from(8, 3), text_from(9, 4)]
    telegram.script("getUpdates", Reply(batch), Reply(batch[1:]), NOTHING_MORE)
    async with polling(telegram, taken):
        assert await offset_of_poll(telegram, 2) == "2"
        assert sorted(taken.ids) == [1, 4]
        assert await offset_of_poll(telegram, 3) == "5"
        assert [number for number in taken.ids if number in (2, 3)] == [2, 3]


@pytest.mark.parametrize(
    "fault",
    [
        Reply(status=500, description="Internal Server Error"),
        Reply(status=502, page=b"<html>"),
        Reply(drop=True),
    ],
    ids=["500", "page", "dropped"],
)
async def test_faults_are_survived(telegram, fault):
    taken = Taken()
    telegram.script("deleteWebhook", fault, Reply())
    telegram.script("getUpdates", fault, fault, Reply([text_from(7, 1)]), NOTHING_MORE)
    async with polling(telegram, taken):
        await telegram.wait_for("getUpdates", 4)
    assert taken.ids == [1] and len(telegram.calls_of("deleteWebhook")) == 2


async def test_conflict_is_reported_and_a_web_hook_removed(telegram, caplog):
    conflict = Reply(status=409, description="Conflict: can't use getUpdates while webhook is set")
    telegram.script("getUpdates", conflict, conflict, NOTHING_MORE)
    async with polling(telegram, Taken()) as poller:
        await telegram.wait_for("getUpdates", 3)
        assert "Another program" in poller.problem
    assert len(telegram.calls_of("deleteWebhook")) == 3
    reported = [record for record in caplog.records if "Another program" in record.getMessage()]
    assert len(reported) == 1


@pytest.mark.parametrize("status", [401, 404])
async def test_refused_token_is_reported(telegram, status):
    telegram.script("deleteWebhook", Reply(status=status, description="Unauthorized"))
    async with polling(telegram, Taken()) as poller:
        await telegram.wait_for("deleteWebhook", 2)
        assert "BOT_TOKEN" in poller.problem and telegram_double.TOKEN not in poller.problem


async def test_problem_is_over_when_updates_arrive(telegram):
    fault = Reply(status=500, description="Internal Server Error")
    telegram.script("getUpdates", fault, Reply([]), NOTHING_MORE)
    async with polling(telegram, Taken()) as poller:
        await telegram.wait_for("getUpdates", 3)
        assert poller.problem is None


async def test_unknown_kinds_of_update_hold_up_nobody(telegram):
    taken = Taken()
    odd = {"update_id": 1, "message": {"chat": "odd", "new_kind": 1}}
    telegram.script("getUpdates", Reply([odd, {"update_id": 2}, text_from(7, 3)]), NOTHING_MORE)
    async with polling(telegram, taken):
        await telegram.wait_for("getUpdates", 2)
    assert sorted(taken.ids) == [1, 2, 3]


async def test_cancelling_stops_updates_in_work(telegram):
    entered, ended = asyncio.Event(), asyncio.Event()

    async def update_processor(update):
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    telegram.script("getUpdates", Reply([text_from(7, 1)]), NOTHING_MORE)
    async with polling(telegram, update_processor):
        await asyncio.wait_for(entered.wait(), PATIENCE_S)
    assert ended.is_set() and len(telegram.calls_of("getUpdates")) == 1


async def test_people_s_messages_arrive_in_order_and_once():
    arrived, events = asyncio.Event(), []

    async def update_processor(update):
        events.append(update["message"]["text"])
        if len(events) == 4:
            arrived.set()

    async with Sandbox() as sandbox, telegram_double.a_bot(sandbox) as bot:
        anna = sandbox.user(name="Anna")
        await anna.text("one")
        await anna.text("two")
        task = asyncio.ensure_future(Poller(bot=bot, update_processor=update_processor).run())
        await anna.text("three")
        await anna.text("four")
        await asyncio.wait_for(arrived.wait(), PATIENCE_S)
        task.cancel()
        await asyncio.wait([task], timeout=PATIENCE_S)
    assert events == ["one", "two", "three", "four"]
