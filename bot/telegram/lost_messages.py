"""Finds messages that arrived although the bot never got the answer.

A bot that dies while it sends a message, or loses the answer, does not know the message's number:
it would send another one, and the first would stay in the chat for ever. The Bot API lists no
messages. But numbers count up: in each supergroup by itself, in all other chats of a bot together.
The lost message is therefore one of the next after the newest that was known before the call, which
`PendingSends` holds. Each of them is asked for twice:

1. `stopMessageLiveLocation` changes nothing, as the bot sends no live locations, and its error says
   whether there is such a message in this chat and whether the bot wrote it. (TDLib looks at this
   before the kind of the message: `edit_message_live_location` in `MessagesManager.cpp`.)
2. `editMessageReplyMarkup` with the buttons that the lost message has: "not modified" is the proof.
   Their data holds the job's id.

The second call would change any other message of the bot's. So messages with known numbers are left
out: those of jobs and pictures, and what was sent to the chat meanwhile, since the number of every
message is committed before its sender gets it. While a chat is searched, nothing is sent to it. An
unknown number can then belong only to another message whose answer was lost. Its sender sends it
again or reports a failure, so it is deleted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from contextvars import ContextVar
from typing import Any, AsyncIterator, Awaitable, Callable, List, Optional, Set, TypeVar

from aiogram import Bot
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramNetworkError,
    TelegramServerError,
)
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import InlineKeyboardMarkup, Message

from bot.errors import StoreError
from bot.storage.pending_sends import About, PendingSend, PendingSends

_log = logging.getLogger(__name__)

#: How many numbers are asked for. Other chats take numbers too, but in the moment between two calls.
MOST_CANDIDATES = 20

#: What Telegram says of a message of the bot's that is no live location.
_NO_LOCATION = "no live location in the message"

Sent = TypeVar("Sent")

#: What the message is about that the present task sends.
_about: ContextVar[Optional[About]] = ContextVar("about", default=None)


class LostMessages(BaseRequestMiddleware):
    """Sends the messages that must not be there twice, and finds those that were lost.

    It must be the innermost middleware of the bot's session: what waits for a rate limit is not sent
    yet. It commits what is sent before each call.
    """

    def __init__(self, bot: Bot, sends: PendingSends) -> None:
        self._bot = bot
        self._sends = sends
        self._chats = _Chats()

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Make the call; raises `StoreError` when a message that may be looked for is not stored."""
        name, chat_id = method.__api_method__, getattr(method, "chat_id", None)
        if not name.startswith("send") or name == "sendChatAction" or not isinstance(chat_id, int):
            return await make_request(bot, method)
        about = _about.get()
        async with self._chats.sending(chat_id):
            if about is None:
                sent: Any = await make_request(bot, method)
                await self._note(chat_id, sent if isinstance(sent, list) else [sent])
                return sent
            reply = getattr(method, "reply_parameters", None)
            newest = 0 if reply is None else reply.message_id
            markup = _json(getattr(method, "reply_markup", None))
            send = await self._sends.begin(about, chat_id, markup, newest)
            try:
                sent = await make_request(bot, method)
            except TelegramAPIError as error:
                if not _may_have_arrived(error):
                    await self._sends.end(send)
                raise
            await self._sends.confirm(send, sent.message_id)
            return sent

    async def send(self, about: About, send: Callable[[], Awaitable[Sent]]) -> Sent:
        """Do `send`, with a number that outlives the bot."""
        token = _about.set(about)
        try:
            return await send()
        finally:
            _about.reset(token)

    async def recover(self, about: About) -> Optional[int]:
        """Look for a lost message; returns its number, which is stored as if it had been answered.

        Raises aiogram's errors when Telegram cannot be asked.
        """
        for send in await self._sends.about(about):
            async with self._chats.searching(send.chat_id):
                number = await self._find(send)
                if number is not None:
                    _log.info("Message %d of chat %d was lost and is found.", number, send.chat_id)
                    await self._sends.confirm(send, number)
                    return number
        return None

    async def clean_up(self, about: About) -> None:
        """Delete lost messages that arrived only after another was sent; look no more for them.

        Raises aiogram's errors when Telegram cannot be asked.
        """
        for send in await self._sends.about(about):
            async with self._chats.searching(send.chat_id):
                number = await self._find(send)
                if number is not None:
                    await self._delete(send.chat_id, number)
                await self._sends.end(send)

    async def _note(self, chat_id: int, sent: List[Message]) -> None:
        try:
            await self._sends.note(chat_id, [message.message_id for message in sent])
        except StoreError as error:
            # The user has the message: its sender must not send it again.
            _log.error("The number of a message is not stored: %s", error)

    async def _find(self, send: PendingSend) -> Optional[int]:
        if not send.newest:
            return None
        known = await self._sends.known(send.chat_id)
        for number in range(send.newest + 1, send.newest + 1 + MOST_CANDIDATES):
            if number in known or not await self._is_own(send.chat_id, number):
                continue
            if await self._has_buttons(send, number):
                return number
        return None

    async def _is_own(self, chat_id: int, number: int) -> bool:
        try:
            await self._bot.stop_message_live_location(chat_id=chat_id, message_id=number)
        except TelegramBadRequest as error:
            return _NO_LOCATION in error.message
        return False

    async def _has_buttons(self, send: PendingSend, number: int) -> bool:
        """Whether the message has exactly these buttons; deletes one that is another lost message."""
        markup = None
        if send.markup:
            markup = InlineKeyboardMarkup.model_validate_json(send.markup)
        try:
            changed = await self._bot.edit_message_reply_markup(
                chat_id=send.chat_id, message_id=number, reply_markup=markup
            )
        except TelegramBadRequest:
            return False
        # The rate limiter makes `True` of "not modified".
        if changed is True:
            return True
        _log.info("Message %d of chat %d was lost, and sent again.", number, send.chat_id)
        await self._delete(send.chat_id, number)
        return False

    async def _delete(self, chat_id: int, number: int) -> None:
        try:
            await self._bot.delete_message(chat_id=chat_id, message_id=number)
        except TelegramBadRequest as error:
            _log.info("Message %d of chat %d stays: %s", number, chat_id, error.message)


class _Chats:
    """Lets the messages of a chat be sent, or searched: not both at a time."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._sending: Counter[int] = Counter()
        self._searched: Set[int] = set()

    @contextlib.asynccontextmanager
    async def sending(self, chat_id: int) -> AsyncIterator[None]:
        """A block that sends a message, perhaps while others do."""
        async with self._changed:
            await self._changed.wait_for(lambda: chat_id not in self._searched)
            self._sending[chat_id] += 1
        try:
            yield
        finally:
            async with self._changed:
                self._sending -= Counter({chat_id: 1})
                self._changed.notify_all()

    @contextlib.asynccontextmanager
    async def searching(self, chat_id: int) -> AsyncIterator[None]:
        """A block that searches the chat, alone."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: not self._sending[chat_id] and chat_id not in self._searched
            )
            self._searched.add(chat_id)
        try:
            yield
        finally:
            async with self._changed:
                self._searched.remove(chat_id)
                self._changed.notify_all()


def _may_have_arrived(error: TelegramAPIError) -> bool:
    """Whether Telegram may have accepted the call, or refused it for certain."""
    refused = isinstance(error, TelegramEntityTooLarge)
    return isinstance(error, (TelegramServerError, TelegramNetworkError)) and not refused


def _json(markup: Any) -> str:
    return "" if markup is None else markup.model_dump_json(exclude_none=True)
