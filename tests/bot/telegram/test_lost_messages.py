"""Messages that arrive although their answer is lost, in a Telegram that keeps to its rules."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
import pytest_asyncio
from aiogram.exceptions import TelegramBadRequest, TelegramNetworkError, TelegramServerError
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.metrics import Metrics
from bot.sandbox import Sandbox
from bot.storage.jobs import Jobs, Limits
from bot.storage.pending_sends import About, PendingSends, Subject
from bot.telegram import lost_messages
from bot.telegram.lost_messages import LostMessages
from bot.telegram.rate_limits import Limits as RateLimits
from bot.telegram.rate_limits import RateLimiter
from tests.support.bot.orders import order
from tests.support.bot.running import FAST
from tests.support.bot.telegram_double import a_bot

PROBE = "stopMessageLiveLocation"


class Scene:
    """A bot that sends the message of one job to Anna."""

    def __init__(self, sandbox, bot, database):
        self.sandbox = sandbox
        self.bot = bot
        self.anna = sandbox.user(name="Anna")
        self.jobs = Jobs(database, Limits(9, 9))
        self.sends = PendingSends(database)
        self.lost = LostMessages(bot, self.sends)
        bot.session.middleware(RateLimiter(Metrics(), RateLimits(FAST, FAST, FAST, (0.01,))))
        bot.session.middleware(self.lost)

    async def begin(self):
        self.photo = await self.anna.text("/start")
        await self.say("Hello")
        job, _new = await self.jobs.submit(order(user_id=self.anna.id))
        self.about = About(Subject.JOB, job.id)

    async def say(self, text):
        """Send what is about no job."""
        return await self.bot.send_message(
            chat_id=self.anna.id, text=text, reply_markup=buttons("menu")
        )

    async def send(self):
        return await self.lost.send(
            self.about,
            lambda: self.bot.send_message(
                chat_id=self.anna.id, text="In the queue", reply_markup=buttons("job")
            ),
        )

    async def lose(self, kind="drop"):
        """Send the job's message without an answer; returns the message."""
        self.sandbox.faults.add("sendMessage", kind, after=True)
        with contextlib.suppress(TelegramNetworkError, TelegramServerError):
            await self.send()
            raise AssertionError("The call was answered.")
        return self.anna.messages[-1]

    async def recover(self):
        return await self.lost.recover(self.about)

    async def status_message(self):
        return (await self.jobs.get(self.about.id)).status_message

    def probes(self):
        return [call for call in self.sandbox.calls if call.method == PROBE]


def buttons(data):
    button = InlineKeyboardButton(text=data, callback_data=data)
    return InlineKeyboardMarkup(inline_keyboard=[[button]])


@pytest_asyncio.fixture()
async def scene(database):
    async with Sandbox() as sandbox, a_bot(sandbox) as bot:
        scene = Scene(sandbox, bot, database)
        await scene.begin()
        yield scene


@pytest.mark.parametrize("kind", ["drop", "gateway", "error"])
async def test_a_message_whose_answer_is_lost_is_found(scene, kind):
    lost = await scene.lose(kind)
    assert await scene.status_message() is None
    assert await scene.recover() == lost.id == await scene.status_message()
    # Nobody saw it: nothing was sent or edited.
    assert not lost.versions and scene.anna.messages[-1] is lost
    assert await scene.recover() is None


async def test_a_message_is_found_after_the_bot_died_in_the_call(scene):
    held = scene.sandbox.faults.hold("sendMessage", after=True)
    call = asyncio.ensure_future(scene.send())
    await held.reached()
    call.cancel()
    await asyncio.wait([call])
    assert await scene.recover() == scene.anna.messages[-1].id


async def test_no_other_message_is_touched(scene):
    boris = scene.sandbox.user(name="Boris")
    await boris.text("/start")
    await scene.anna.text("between")
    lost = await scene.lose()
    await boris.text("again")
    await scene.say("A menu")
    await scene.say("Another menu")
    await scene.anna.text("after")
    others = [each for each in scene.anna.messages if each is not lost]
    assert await scene.recover() == lost.id
    assert scene.anna.messages == sorted([*others, lost], key=lambda each: each.id)
    assert not any(each.versions for each in others)


async def test_what_never_arrived_is_not_found_and_others_stay(scene):
    scene.sandbox.faults.add("sendMessage", "drop")
    with pytest.raises(TelegramNetworkError):
        await scene.send()
    await scene.say("A menu")
    messages = list(scene.anna.messages)
    assert await scene.recover() is None
    assert scene.anna.messages == messages and not any(each.versions for each in messages)
    assert len(scene.probes()) <= lost_messages.MOST_CANDIDATES


async def test_what_telegram_refuses_is_not_looked_for(scene):
    scene.sandbox.faults.add("sendMessage", "rights")
    with pytest.raises(TelegramBadRequest):
        await scene.send()
    assert await scene.recover() is None and not scene.probes()


async def test_a_message_that_arrives_late_is_deleted_at_the_end(scene):
    scene.sandbox.faults.add("sendMessage", "drop")
    with pytest.raises(TelegramNetworkError):
        await scene.send()
    assert await scene.recover() is None
    # As if Telegram had only now come to the first call.
    late = await scene.lose()
    sent = await scene.send()
    await scene.lost.clean_up(scene.about)
    assert late.deleted and sent.message_id == scene.anna.messages[-1].id
    assert not await scene.sends.about(scene.about)


async def test_another_message_that_was_lost_and_sent_again_is_deleted(scene):
    scene.sandbox.faults.add("sendMessage", "drop", after=True, times=2)
    for send in (lambda: scene.say("A menu"), scene.send):
        with pytest.raises(TelegramNetworkError):
            await send()
    menu, lost = scene.anna.messages[-2:]
    assert await scene.recover() == lost.id
    assert menu.deleted and not lost.deleted


async def test_a_message_on_its_way_is_not_taken_for_the_lost_one(scene):
    lost = await scene.lose()
    held = scene.sandbox.faults.hold("sendMessage", after=True)
    said = asyncio.ensure_future(scene.say("A menu"))
    await held.reached()
    found = asyncio.ensure_future(scene.recover())
    # Its number is not known yet, and it comes before the lost one is found.
    await asyncio.wait([found], timeout=0.05)
    held.release()
    menu = await said
    assert await found == lost.id
    (shown,) = [each for each in scene.anna.messages if each.id == menu.message_id]
    assert not shown.versions


async def test_a_message_waits_for_the_end_of_a_search(scene):
    lost = await scene.lose()
    held = scene.sandbox.faults.hold(PROBE)
    found = asyncio.ensure_future(scene.recover())
    await held.reached()
    said = asyncio.ensure_future(scene.say("A menu"))
    await asyncio.wait([said], timeout=0.05)
    assert scene.anna.messages[-1] is lost
    held.release()
    assert await found == lost.id and (await said).message_id == scene.anna.messages[-1].id


async def test_two_searches_of_a_chat_take_turns(scene):
    lost = [await scene.lose()]
    first = scene.about
    job, _new = await scene.jobs.submit(order(user_id=scene.anna.id))
    scene.about = About(Subject.JOB, job.id)
    lost.append(await scene.lose())
    found = await asyncio.gather(scene.lost.recover(first), scene.recover())
    assert set(found) <= {each.id for each in lost} and len(set(found)) == 2
    left = [each.id for each in scene.anna.messages if each in lost]
    assert left == [each for each in found if each is not None]


async def test_nothing_is_looked_for_while_no_number_is_known(scene, database):
    await database.change("DELETE FROM newest_messages")
    await scene.lose()
    assert await scene.recover() is None and not scene.probes()


async def test_the_search_fails_while_telegram_cannot_be_asked(scene):
    lost = await scene.lose()
    scene.sandbox.faults.add(PROBE, "error", times=2)
    with pytest.raises(TelegramServerError):
        await scene.recover()
    assert await scene.recover() == lost.id
