"""The sandbox: a Telegram on this machine, with a Bot API and users."""

from __future__ import annotations

from types import TracebackType
from typing import Callable, Deque, List, Optional, Type

from aiohttp import web
from yarl import URL

from bot.sandbox.api.arguments import Json
from bot.sandbox.api.endpoint import BODY_LIMIT, Endpoint
from bot.sandbox.change_signal import PATIENCE
from bot.sandbox.model.chats import Chat, Message
from bot.sandbox.model.state import State
from bot.sandbox.model.update_queue import UpdateQueue
from bot.sandbox.model.users import User, Users
from bot.sandbox.model.webhook_delivery import Redelivery, WebhookDelivery
from bot.sandbox.page.feed import Feed
from bot.sandbox.testing.call_log import Call, CallLog
from bot.sandbox.testing.control import add_control
from bot.sandbox.testing.faults import Faults

# It is valid only in a sandbox.
TOKEN = "4242424242:SandboxTokenThatOpensNothing-123456"
USERNAME = "jetbrush_sandbox_bot"
TELEGRAM_LIKE = Redelivery()


class Sandbox:
    """A local Bot API server with the users who talk to its one bot.

        async with Sandbox() as sandbox:
            anna = sandbox.user(language_code="ru", name="Анна")
            await anna.text("/start")
            menu = await anna.wait_for(lambda message: message.buttons)

    The bot connects to `url` with `token`, by web hook or long polling. The sandbox belongs to the
    event loop that started it, listens on loopback, and keeps nothing after it is closed.
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
        """`port` 0 takes a free one. `Redelivery` and `State` describe the other arguments."""
        self.token = token
        self.faults = Faults()
        bot = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": name,
            "username": USERNAME,
        }
        updates = UpdateQueue()
        self._state = State(
            bot=bot,
            updates=updates,
            delivery=WebhookDelivery(updates, redelivery),
            press_timeout=press_timeout,
            privacy=privacy,
        )
        self._call_log = CallLog()
        self._host = host
        self._port = port
        self._users = Users(self._state)
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
        """Start to listen. Raises `OSError` when the port is in use."""
        app = web.Application(client_max_size=BODY_LIMIT)
        Endpoint(self._state, self.token, self._call_log, self.faults).add_routes(app)
        Feed(self._state, self._users).add_routes(app)
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
        """Stop the server; held calls lose their connection."""
        self.faults.clear()
        # Otherwise the server waits for a poll whose bot has long closed the connection.
        self._state.updates.close()
        await self._state.delivery.close()
        if self._runner is not None:
            await self._runner.cleanup()
        self._state.files.close()

    @property
    def url(self) -> str:
        """The URL of the chat page, and of the Bot API for `TelegramAPIServer.from_base`."""
        return str(URL.build(scheme="http", host=self._host, port=self._port))

    @property
    def users(self) -> List[User]:
        """All users."""
        return list(self._users)

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
    ) -> User:
        """The user with that id, a new one if there is none; without an id always a new one."""
        return self._users.get(user_id, language_code=language_code, name=name)

    def group(self, title: str, *users: User) -> Chat:
        """A group of the bot and `users`, who write to it with `chat=`."""
        number = sum(not chat.private for chat in self._state.chats) + 1
        chat = self._state.chats.add(
            {"id": -1_000_000 - number, "type": "supergroup", "title": title}
        )
        chat.opened = True
        for user in users:
            chat.members[user.id] = user.raw
        return chat

    @property
    def calls(self) -> Deque[Call]:
        """The bot's calls, oldest first, with downloads as `download`."""
        return self._call_log.calls

    async def wait_for_call(
        self, predicate: Callable[[Call], object], timeout: float = PATIENCE
    ) -> Call:
        """The first call that satisfies `predicate`. Raises `WaitTimeout`.

        `predicate` gets each call when it arrives, with `code` None, and again with its answer.
        """
        return await self._call_log.wait_for(predicate, timeout)

    def edits_of(self, message: Message) -> List[Call]:
        """The edits that changed a message, oldest first."""
        return self._call_log.edits_of(message)

    def bytes_of(self, file_id: str) -> bytes:
        """The bytes of a file. Raises `ApiError` for an unknown id."""
        return self._state.files.get(file_id).data

    def push_update(self, body: Json) -> int:
        """Send the bot any object as an update: forged, malformed, or one sent before.

        Returns its `update_id`, a new one if it has none.
        """
        return self._state.updates.push_raw(body, 0)

    @property
    def pending(self) -> int:
        """The number of updates that the bot has not accepted yet."""
        return len(self._state.updates)

    async def wait_until_taken(self, timeout: float = PATIENCE) -> None:
        """Wait until the bot has accepted all updates. Raises `WaitTimeout`."""
        updates = self._state.updates
        await updates.changed.until(
            lambda: True if not len(updates) else None,
            timeout,
            lambda: f"The bot did not take {len(updates)} updates",
        )

    @property
    def webhook_secret(self) -> str:
        """The secret token that `setWebhook` set."""
        return self._state.delivery.hook.secret_token

    @property
    def webhook(self) -> Json:
        """The current result of `getWebhookInfo`."""
        return self._state.delivery.info()
