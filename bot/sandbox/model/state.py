"""The state that the methods of the Bot API share: the bot, chats, files, updates, presses."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Optional, Tuple

from bot.sandbox.api.arguments import Arguments, Json
from bot.sandbox.change_signal import PATIENCE, ChangeSignal
from bot.sandbox.errors import ApiError, bad_request
from bot.sandbox.model.chats import Chat, Chats, Message
from bot.sandbox.model.files import Files
from bot.sandbox.model.update_queue import UpdateQueue
from bot.sandbox.model.webhook_delivery import WebhookDelivery


class Press:
    """The press of a button by a user, and the bot's answer: `text` and `show_alert`."""

    def __init__(self, number: str, chat: Chat, user: Json) -> None:
        self.id = number
        self.chat = chat
        self.user = user
        self.started = time.monotonic()
        self.answer: Optional[Json] = None
        self._answered = ChangeSignal()

    def reply(self, answer: Json) -> None:
        """Store the bot's answer and show it to the user."""
        self.answer = answer
        self._answered.fire()
        self.chat.notify("answer", {"query": self.id, "user": self.user["id"], **answer})

    async def answered(self, timeout: float = PATIENCE) -> Json:
        """The bot's answer. Raises `WaitTimeout` after `timeout` seconds."""
        return await self._answered.until(
            lambda: self.answer, timeout, lambda: "The button's press was not answered"
        )


@dataclass
class State:
    """Everything that the methods of the Bot API read and change."""

    bot: Json
    updates: UpdateQueue
    delivery: WebhookDelivery
    # Seconds within which the bot can answer a press.
    press_timeout: float
    # Whether the bot sees only commands and replies to it in groups.
    privacy: bool
    chats: Chats = field(default_factory=Chats)
    files: Files = field(default_factory=Files)
    presses: Dict[str, Press] = field(default_factory=dict)
    commands: Dict[Tuple[str, str], List[Json]] = field(default_factory=dict)
    profile: Dict[Tuple[str, str], str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def new_id(self) -> str:
        """A new id for an album or a press."""
        return str(10**15 + next(self.numbers))

    def target_chat(self, arguments: Arguments) -> Chat:
        """The chat of a call, if the bot may write there. Raises `ApiError`."""
        wanted = arguments.text("chat_id")
        if not wanted:
            raise bad_request("chat_id is empty")
        chat = self.chats.get(int(wanted)) if wanted.lstrip("-").isdigit() else None
        if chat is None:
            raise bad_request("chat not found")
        if chat.blocked:
            if chat.private:
                raise ApiError(403, "Forbidden: bot was blocked by the user")
            raise ApiError(403, "Forbidden: bot was kicked from the group chat")
        if not chat.opened:
            raise ApiError(403, "Forbidden: bot can't initiate conversation with a user")
        return chat

    def reply_target(self, chat: Chat, arguments: Arguments) -> Optional[Message]:
        """The message that a call replies to, given by the new or the old argument."""
        reply = arguments.nested("reply_parameters")
        named = arguments.part(reply) if isinstance(reply, dict) else arguments
        number = named.number("message_id" if reply else "reply_to_message_id")
        if number is None:
            return None
        message = chat.messages.get(number)
        if message is None and not named.flag("allow_sending_without_reply"):
            raise bad_request("message to be replied not found")
        return message

    def commands_for(self, chat: Chat, language: str) -> List[Json]:
        """The commands that a chat shows to a user with that language."""
        scopes = ("all_private_chats" if chat.private else "all_group_chats", "default")
        for scope in scopes:
            for code in (language, ""):
                if (scope, code) in self.commands:
                    return self.commands[scope, code]
        return []
