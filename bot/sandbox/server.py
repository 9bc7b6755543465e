"""The sandbox: a Telegram of one's own on this machine, with a Bot API and people."""

from __future__ import annotations

from types import TracebackType
from typing import Callable, Deque, List, Optional, Type

from aiohttp import web

from bot.sandbox.api.arguments import Json
from bot.sandbox.api.endpoint import BODY_LIMIT, Endpoint
from bot.sandbox.model.chats import Chat, Message
from bot.sandbox.model.state import State
from bot.sandbox.model.updates import Updates
from bot.sandbox.model.users import People, Person
from bot.sandbox.model.webhook import Delivery, Redelivery
from bot.sandbox.page.feed import Feed
from bot.sandbox.testing.control import add_control
from bot.sandbox.testing.faults import Faults
from bot.sandbox.testing.journal import Call, Journal

# It opens nothing outside a sandbox.
TOKEN = "4242424242:SandboxTokenThatOpensNothing-123456"
USERNAME = "jetbrush_sandbox_bot"
TELEGRAM_LIKE = Redelivery()


class Sandbox:
    """A local Bot API server with the people who talk to its one bot.

        async with Sandbox() as sandbox:
            anna = sandbox.user(language_code="ru", name="Анна")
            await anna.text("/start")
            menu = await anna.wait_for(lambda message: message.buttons)

    The bot reaches it at `url` with `token`, by web hook or long polling. It lives in the event
    loop that started it, listens on loopback, and forgets everything when it is closed.
    """

    def __init__(
        self,
        token: str = TOKEN,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        redelivery: Redelivery = TELEGRAM_LIKE,
        press_timeout: float = 60.0,
        privacy: bool = True,
        name: str = "Jetbrush",
    ) -> None:
        """`port` 0 takes any free one. For the rest see `Redelivery` and `State`."""
        self.token = token
        self.faults = Faults()
        bot = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": name,
            "username": USERNAME,
        }
        updates = Updates()
        self._state = State(
            bot=bot,
            updates=updates,
            delivery=Delivery(updates, redelivery),
            press_timeout=press_timeout,
            privacy=privacy,
        )
        self._journal = Journal()
        self._host = host
        self._port = port
        self._people = People(self._state)
        self._runner: Optional[web.AppRunner] = None

    async def __aenter__(self) -> Sandbox:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Begin to listen. Raises `OSError` when the port is taken."""
        app = web.Application(client_max_size=BODY_LIMIT)
        Endpoint(self._state, self.token, self._journal, self.faults).add_routes(app)
        Feed(self._state, self._people).add_routes(app)
        add_control(app, self.faults, self._state.updates)
        # No access log: the token is in the path.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        try:
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        await self._state.delivery.start()

    async def close(self) -> None:
        """Stop; calls that are held are cut off."""
        self.faults.clear()
        await self._state.delivery.close()
        if self._runner is not None:
            await self._runner.cleanup()
        self._state.files.close()

    @property
    def url(self) -> str:
        """Where the Bot API is, for `TelegramAPIServer.from_base`, and the chat page."""
        return f"http://{self._host}:{self._port}"

    @property
    def people(self) -> List[Person]:
        """All people there are."""
        return list(self._people)

    @property
    def bot(self) -> Json:
        """The bot's own user."""
        return self._state.bot

    def user(
        self,
        user_id: Optional[int] = None,
        *,
        language_code: str = "en",
        name: str = "Guest",
    ) -> Person:
        """The person of that id, or a new one; without an id always a new one."""
        return self._people.get(user_id, language_code=language_code, name=name)

    def group(self, title: str, *people: Person) -> Chat:
        """A group of the bot and `people`, who write to it with `chat=`."""
        number = sum(not chat.private for chat in self._state.chats) + 1
        chat = self._state.chats.add(
            {"id": -1_000_000 - number, "type": "supergroup", "title": title}
        )
        chat.opened = True
        for person in people:
            chat.members[person.id] = person.raw
        return chat

    @property
    def calls(self) -> Deque[Call]:
        """The bot's calls, oldest first; downloads are among them as `download`."""
        return self._journal.calls

    async def wait_for_call(
        self, predicate: Callable[[Call], object], timeout: float = 10.0
    ) -> Call:
        """The first call that satisfies `predicate`. Raises `NothingCame`.

        A call is tried when it comes, `code` being None, and again when it is answered.
        """
        return await self._journal.wait_for(predicate, timeout)

    def edits_of(self, message: Message) -> List[Call]:
        """The edits that changed a message, oldest first."""
        return self._journal.edits_of(message)

    def bytes_of(self, file_id: str) -> bytes:
        """The bytes of a file. Raises `Refusal` for an unknown id."""
        return self._state.files.get(file_id).data

    def push_update(self, body: Json) -> int:
        """Send the bot any object as an update: forged, poisonous, or one sent before.

        Returns its `update_id`, which it is given if it has none.
        """
        return self._state.updates.push_raw(body, 0)

    @property
    def pending(self) -> int:
        """How many updates the bot has not taken yet."""
        return len(self._state.updates)

    async def wait_until_taken(self, timeout: float = 10.0) -> None:
        """Wait until the bot has taken all updates. Raises `NothingCame`."""
        updates = self._state.updates
        await updates.changed.until(
            lambda: True if not len(updates) else None,
            timeout,
            lambda: f"The bot did not take {len(updates)} updates",
        )

    @property
    def webhook_secret(self) -> str:
        """What `setWebhook` gave as the secret token."""
        return self._state.delivery.hook.secret_token

    @property
    def webhook(self) -> Json:
        """What `getWebhookInfo` answers now."""
        return self._state.delivery.described()
