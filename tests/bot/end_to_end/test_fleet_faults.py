"""Bot, server and two painters are killed, frozen and cut off at random moments, several at once.

Every photo is answered once. `JETBRUSH_KILLS=100` does it in more rounds than CI has time for, and
`JETBRUSH_SEED` chooses other moments.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
from collections import Counter
from functools import partial

import pytest

from tests.support.bot.crowd import Senders
from tests.support.fleet.lan import Lan, require_namespaces
from tests.support.fleet.nats_server import require_program
from tests.support.fleet.site import LEASE, Site

ROUNDS = int(os.environ.get("JETBRUSH_KILLS", "2"))
SEED = int(os.environ.get("JETBRUSH_SEED", "12"))
USERS = 3
#: Rounds after which all photos are answered: so many may take attempts from a job.
ROUNDS_OF_A_JOB = 2
#: Seconds for an answer that is missing when everything works again.
PATIENCE = 90.0


class Faults:
    """What can happen to each part of a site: how it begins, and how it ends."""

    def __init__(self, site, lan, chance):
        self._chance = chance
        self.count = Counter()
        self._faults = {"server": self._of_server(site.server), "bot": self._of_bot(site.bot)}
        for painter in (site.near, site.far):
            self._faults[painter.name] = self._of_painter(painter, lan)

    async def strike(self):
        """Let one to three parts fail at once, and wait until all of them work again."""
        parts = self._chance.sample(sorted(self._faults), self._chance.choice((1, 1, 2, 3)))
        await asyncio.gather(*map(self._fail, parts))

    async def _fail(self, part):
        name = self._chance.choice(sorted(self._faults[part]))
        begin, end = self._faults[part][name]
        delay, seconds = self._chance.random(), self._chance.choice((0, 0.2, 1, 2 * LEASE))
        self.count[f"{part} {name}"] += 1
        await asyncio.sleep(delay)
        await begin()
        await asyncio.sleep(seconds)
        await end()

    def _of_server(self, server):
        async def kill_and_wipe():
            server.kill()
            server.wipe()

        return {
            "killed": (soon(server.kill), server.start),
            "frozen": (soon(server.freeze), soon(server.thaw)),
            "without its disk": (kill_and_wipe, server.start),
        }

    def _of_bot(self, bot):
        return {
            "killed": (bot.kill, bot.start),
            "frozen": (soon(bot.freeze), soon(bot.thaw)),
        }

    def _of_painter(self, painter, lan):
        async def move_and_mend():
            lan.give_address(painter.name)
            lan.mend(painter.name)

        cut = soon(partial(lan.cut, painter.name))
        return {
            "killed": (soon(painter.kill), soon(painter.start)),
            "frozen": (soon(painter.freeze), soon(painter.thaw)),
            "cut off": (cut, soon(partial(lan.mend, painter.name))),
            "moved": (cut, move_and_mend),
        }


def soon(act):
    """`act` as a coroutine function."""

    async def run():
        act()

    return run


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")
async def test_every_photo_is_answered_once_whatever_fails(sandbox, tmp_path):
    require_program()
    require_namespaces()
    chance = random.Random(SEED)
    with contextlib.closing(Lan()) as lan:
        site = Site(sandbox, tmp_path, lan)
        senders = Senders(sandbox, chance, USERS)
        faults = Faults(site, lan, chance)
        try:
            await site.start()
            for painter in (site.near, site.far):
                painter.start()
            await senders.prepare()
            for number in range(1, ROUNDS + 1):
                for painter in (site.near, site.far):
                    painter.close_gate()
                await senders.send()
                striking = asyncio.ensure_future(faults.strike())
                for painter in (site.near, site.far):
                    await asyncio.sleep(chance.random())
                    painter.open_gate()
                await senders.send()
                await striking
                if number % ROUNDS_OF_A_JOB == 0:
                    await senders.wait_for_answers(PATIENCE)
            await senders.wait_for_answers(PATIENCE)
            await site.bot.terminate()
            apologies = senders.check()
            assert "Traceback" not in site.bot.log + site.near.log + site.far.log
            print(f"{dict(faults.count)}, {len(senders.photos)} photos, {apologies} apologies")
        finally:
            await site.close()
