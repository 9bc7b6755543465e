"""A bot, a server and two painters, each a process that is killed, frozen or cut off at work.

Every photo is answered, and none twice.
"""

from __future__ import annotations

import contextlib
import shutil

import pytest

from tests.support.fleet.lan import Lan, require_namespaces
from tests.support.fleet.nats_server import require_program
from tests.support.fleet.site import Site


@contextlib.asynccontextmanager
async def opened(sandbox, folder, lan=None):
    site = Site(sandbox, folder, lan)
    try:
        await site.open()
        yield site
    finally:
        await site.close()


@pytest.fixture()
async def site(sandbox, tmp_path):
    require_program()
    async with opened(sandbox, tmp_path) as site:
        yield site


async def test_a_painter_that_is_killed_or_freezes_is_missed_by_nobody(site):
    await site.at_work(site.near)
    site.near.kill()
    site.far.start()
    await site.answered()

    # One that was frozen paints on, and its result comes too late.
    site.far.close_gate()
    await site.send("navy")
    await site.far.begins()
    site.far.freeze()
    site.near.open_gate()
    site.near.start()
    await site.answered()
    site.far.open_gate()
    site.far.thaw()
    await site.settled()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")
async def test_a_painter_whose_packets_vanish_comes_back_from_another_address(sandbox, tmp_path):
    require_program()
    require_namespaces()
    with contextlib.closing(Lan()) as lan:
        async with opened(sandbox, tmp_path, lan) as site:
            await site.at_work(site.far)
            lan.cut("far")
            site.near.start()
            await site.answered()

            # What it had is painted by now. The server still believes in its old connection.
            site.far.open_gate()
            lan.give_address("far")
            lan.mend("far")
            site.near.kill()
            await site.send("navy")
            await site.answered()
            await site.settled()


async def test_kills_of_server_bot_and_all_lose_nothing(site):
    await site.at_work(site.near)
    site.server.kill()
    site.near.open_gate()
    await site.server.start()
    await site.answered()

    site.near.close_gate()
    await site.send("navy")
    await site.near.begins()
    await site.bot.kill()
    site.near.open_gate()
    await site.bot.start()
    await site.answered()

    site.near.close_gate()
    await site.send("plum")
    await site.near.begins()
    site.server.kill()
    site.near.kill()
    await site.bot.kill()
    site.near.open_gate()
    await site.server.start()
    await site.bot.start()
    site.near.start()
    await site.answered()
    await site.settled()
