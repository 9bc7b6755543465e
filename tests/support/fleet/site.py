"""A bot, a server and two painters, each a process that a test may kill, freeze or cut off."""

from __future__ import annotations

from bot.painting.server.setup import Setup
from tests.support.bot.bot_process import BotProcess
from tests.support.bot.crowd import is_result
from tests.support.bot.stage import free_port, jpeg, plain
from tests.support.fleet.nats_server import NatsServer
from tests.support.fleet.painter_process import PainterProcess

#: Seconds; as short as a loaded machine lets a painter be heard in time.
LEASE = 3
#: Seconds for an answer that is missing after a failure.
PATIENCE = 60.0


class Site:
    """Everything: on loopback, or with the painters `near` and `far` on machines of their own.

    lan: where these are; the server then admits only who has credentials, over TLS.
    """

    def __init__(self, sandbox, folder, lan=None):
        self.sandbox = sandbox
        self.lan = lan
        self._folder = folder
        configuration = None if lan is None else folder / "fleet" / "nats.conf"
        self.server = NatsServer(folder, configuration)
        if lan is not None:
            setup = Setup(folder / "fleet")
            setup.init(lan.address, store=folder / "jetstream", disk=2, port=self.server.port)
            for name in ("near", "far"):
                setup.add(name, self._credentials(name))
        self.near, self.far = map(self._painter, ("near", "far"))
        settings = {name.upper(): str(value) for name, value in self._settings("bot").items()}
        self.bot = BotProcess(
            sandbox, folder, free_port(), LOCAL_PAINTER="no", PAINTER_LEASE=str(LEASE), **settings
        )
        self.anna = None
        self.photos = []

    async def start(self):
        """Start server and bot."""
        await self.server.start()
        await self.bot.start()

    async def open(self):
        """Start server and bot, and have Anna's photos repainted."""
        await self.start()
        self.anna = self.sandbox.user(name="Anna")
        await self.anna.text("/styles")
        gallery = await self.anna.wait_for(lambda message: message.buttons)
        await self.anna.press(gallery, "1")
        await self.anna.wait_for(lambda message: "Now send" in message.text, after=gallery)

    async def close(self):
        await self.bot.kill()
        for painter in (self.near, self.far):
            painter.kill()
        self.server.kill()

    async def send(self, colour="teal"):
        self.photos.append(await self.anna.photo(jpeg(plain(colour, (60, 40)))))

    async def at_work(self, painter):
        """Send a photo that `painter`, who is alone, begins and does not finish."""
        painter.close_gate()
        painter.start()
        await self.send()
        await painter.begins()

    async def answered(self):
        """Wait until every photo has its result; there are no others."""
        for photo in self.photos:
            await self.anna.wait_for(
                lambda message, photo=photo: is_answer(message, photo) and is_result(message),
                PATIENCE,
            )

    async def settled(self):
        """After a stop, in which the bot sends all that it has: one answer to each photo."""
        await self.bot.terminate()
        for photo in self.photos:
            answers = [each for each in self.anna.messages if is_answer(each, photo)]
            assert len(answers) == 1, answers
        assert "Traceback" not in self.bot.log

    def _painter(self, name):
        machine = None if self.lan is None else self.lan.plug(name)
        network = None if machine is None else machine.path
        return PainterProcess(name, self._folder, network=network, **self._settings(name))

    def _settings(self, user):
        if self.lan is None:
            return {"nats_url": self.server.url}
        url = f"tls://{self.lan.address}:{self.server.port}"
        return {"nats_url": url, "nats_credentials": self._credentials(user)}

    def _credentials(self, user):
        return self._folder / "fleet" / f"{user}.fleet"


def is_answer(message, photo):
    return message.from_bot and message.reply_to == photo.id
