"""A bot, a server and two painters, each a process that is killed, frozen or cut off at work.

Every photo is answered, and none twice.
"""

from __future__ import annotations

import pytest

from tests.support.bot.bot_process import BotProcess
from tests.support.bot.stage import free_port, jpeg, plain
from tests.support.fleet.nats_server import NatsServer, require_program
from tests.support.fleet.painter_process import PainterProcess
from tests.support.fleet.proxy import Cable

#: Seconds; as short as a loaded machine lets a painter be heard in time.
LEASE = 3
#: Seconds for an answer that is missing after a failure.
PATIENCE = 60.0


class Site:
    """Everything, on this machine; the painter `far` is connected by a cable."""

    def __init__(self, sandbox, folder):
        self.sandbox = sandbox
        self.server = NatsServer(folder)
        self.cable = Cable(self.server.port)
        self.bot = BotProcess(
            sandbox,
            folder,
            free_port(),
            NATS_URL=self.server.url,
            LOCAL_PAINTER="no",
            PAINTER_LEASE=str(LEASE),
        )
        self._folder = folder
        self.near = self.far = self.anna = None
        self.photos = []

    async def open(self):
        await self.server.start()
        await self.cable.open()
        self.near = PainterProcess("near", self.server.url, self._folder)
        self.far = PainterProcess("far", f"nats://127.0.0.1:{self.cable.port}", self._folder)
        await self.bot.start()
        self.anna = self.sandbox.user(name="Anna")
        await self.anna.text("/styles")
        gallery = await self.anna.wait_for(lambda message: message.buttons)
        await self.anna.press(gallery, "1")
        await self.anna.wait_for(lambda message: "Now send" in message.text, after=gallery)

    async def close(self):
        await self.bot.kill()
        for painter in (self.near, self.far):
            painter.kill()
        await self.cable.close()
        self.server.kill()

    async def at_work(self, painter):
        """Send a photo that `painter`, who is alone, begins and does not finish."""
        painter.close_gate()
        painter.start()
        self.photos.append(await self.anna.photo(jpeg(plain("teal", (60, 40)))))
        await painter.begins()

    async def answered(self):
        """Wait until every photo has its result; there are no others."""
        for photo in self.photos:
            await self.anna.wait_for(
                lambda message, photo=photo: is_result(message, photo), PATIENCE
            )

    async def settled(self):
        """After a stop, in which the bot sends all that it has: one answer to each photo."""
        await self.bot.terminate()
        for photo in self.photos:
            answers = [each for each in self.anna.messages if is_answer(each, photo)]
            assert len(answers) == 1, answers
        assert "Traceback" not in self.bot.log


def is_answer(message, photo):
    return message.from_bot and message.reply_to == photo.id


def is_result(message, photo):
    return is_answer(message, photo) and message.kind == "photo" and "Your photo" in message.text


@pytest.fixture()
async def site(sandbox, tmp_path):
    require_program()
    site = Site(sandbox, tmp_path)
    await site.open()
    yield site
    await site.close()


async def test_what_happens_to_a_painter_is_seen_by_nobody(site):
    await site.at_work(site.near)
    site.near.kill()
    site.far.start()
    await site.answered()

    # A painter that is cut off goes on, and its result comes too late.
    site.far.close_gate()
    site.photos.append(await site.anna.photo(jpeg(plain("navy", (60, 40)))))
    await site.far.begins()
    site.cable.cut()
    site.near.open_gate()
    site.near.start()
    await site.answered()
    site.far.open_gate()
    site.cable.mend()

    # So does one that was frozen.
    site.near.close_gate()
    site.far.close_gate()
    for colour in ("olive", "plum"):
        site.photos.append(await site.anna.photo(jpeg(plain(colour, (60, 40)))))
    await site.near.begins()
    await site.far.begins()
    site.near.freeze()
    site.far.open_gate()
    await site.answered()
    site.near.open_gate()
    site.near.thaw()
    await site.settled()


async def test_kills_of_server_bot_and_all_lose_nothing(site):
    await site.at_work(site.near)
    site.server.kill()
    site.near.open_gate()
    await site.server.start()
    await site.answered()

    site.near.close_gate()
    site.photos.append(await site.anna.photo(jpeg(plain("navy", (60, 40)))))
    await site.near.begins()
    await site.bot.kill()
    site.near.open_gate()
    await site.bot.start()
    await site.answered()

    site.near.close_gate()
    site.photos.append(await site.anna.photo(jpeg(plain("plum", (60, 40)))))
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
