"""Bot and painter are killed at random moments while Telegram fails now and then.

Every photo is answered once, with a result or with the question what to do with it, and nothing else
is left of it. `JETBRUSH_KILLS=100` kills longer than
CI has time for, and `JETBRUSH_SEED` chooses other moments.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections import Counter

import pytest

from bot.sandbox import WaitTimeout
from tests.support.bot.bot_process import BotProcess
from tests.support.bot.crowd import Senders
from tests.support.bot.stage import free_port

pytestmark = pytest.mark.any_python

KILLS = int(os.environ.get("JETBRUSH_KILLS", "8"))
SEED = int(os.environ.get("JETBRUSH_SEED", "12"))
USERS = 4
#: A job whose painting is killed for the third time is given up.
KILLS_OF_A_JOB = 2
#: Seconds for the answers that are missing after a kill.
PATIENCE = 60.0

#: What fails: the method, how, and whether Telegram has done it then.
FAULTS = (
    ("sendMessage", "drop", True),
    ("sendMessage", "gateway", True),
    ("sendMessage", "error", False),
    ("sendMessage", "flood", False),
    ("editMessage*", "drop", True),
    ("editMessage*", "gateway", True),
    ("editMessage*", "flood", False),
    ("stopMessageLiveLocation", "gateway", False),
    ("deleteMessage", "drop", True),
    ("getFile", "error", False),
    ("download", "drop", False),
)


class Chaos:
    """Users who send photos, and what happens to the bot meanwhile."""

    def __init__(self, sandbox, bot):
        self.sandbox = sandbox
        self.bot = bot
        self.chance = random.Random(SEED)
        self.senders = Senders(sandbox, self.chance, USERS, besides=1)
        self.kills = Counter()

    async def round(self):
        """Send photos, and kill the bot or the painter after some of the calls that follow."""
        for _ in range(self.chance.choice((0, 1, 2))):
            method, kind, after = self.chance.choice(FAULTS)
            self.sandbox.faults.add(method, kind, after=after)
        if self.chance.random() < 0.3:
            self.bot.close_gate()
        await self.senders.send()
        await self.some_calls()
        await self.kill()

    async def some_calls(self):
        """Wait until the bot has made some more calls, or makes none."""
        enough = len(self.sandbox.calls) + self.chance.randrange(1, 12)
        with contextlib.suppress(WaitTimeout):
            await self.sandbox.wait_for_call(lambda _: len(self.sandbox.calls) >= enough, 1.0)
        # In the middle of a call, or of what follows it.
        await asyncio.sleep(self.chance.choice((0, 0, 0.005, 0.02, 0.1)))

    async def kill(self):
        if self.chance.random() < 0.4:
            self.kills["painter"] += 1
            self.bot.kill_painter()
        else:
            self.kills["bot"] += 1
            await self.bot.kill()
        if self.bot.gate_is_closed:
            self.bot.open_gate()
        if not self.bot.is_alive:
            await self.bot.start()


@pytest.fixture()
async def chaos(sandbox, tmp_path):
    bot = BotProcess(sandbox, tmp_path, free_port())
    await bot.start()
    chaos = Chaos(sandbox, bot)
    await chaos.senders.prepare()
    yield chaos
    await bot.kill()


async def test_every_photo_is_answered_once_whatever_is_killed(chaos):
    for number in range(1, KILLS + 1):
        await chaos.round()
        if number % KILLS_OF_A_JOB == 0:
            await chaos.senders.wait_for_answers(PATIENCE)
    chaos.sandbox.faults.clear()
    await chaos.senders.wait_for_answers(PATIENCE)
    # A stop waits for what is being sent.
    await chaos.bot.terminate()
    assert chaos.senders.check() == 0
    assert "Traceback" not in chaos.bot.log
    print(f"{dict(chaos.kills)}, {len(chaos.senders.photos)} photos")
