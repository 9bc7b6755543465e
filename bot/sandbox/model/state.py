"""What the sandbox's Telegram knows: the bot, the chats, the files, and what waits."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Optional, Tuple

from bot.sandbox.api.arguments import Arguments, Json
from bot.sandbox.errors import Refusal, bad_request
from bot.sandbox.model.chats import Chat, Chats, Message
from bot.sandbox.model.files import Files
from bot.sandbox.model.updates import Updates
from bot.sandbox.model.webhook import Delivery
from bot.sandbox.signals import Signal


class Press:
    """A button pressed by a person, and the bot's answer: `text` and `show_alert`."""

    def __init__(self, number: str, chat: Chat, user: Json) -> None:
        self.id = number
        self.chat = chat
        self.user = user
        self.asked = time.monotonic()
        self.answer: Optional[Json] = None
        self._answered = Signal()

    def reply(self, answer: Json) -> None:
        """Take the bot's answer and show it to the person."""
        self.answer = answer
        self._answered.fire()
        self.chat.tell("answer", {"query": self.id, "user": self.user["id"], **answer})

    async def answered(self, timeout: float = 10.0) -> Json:
        """The bot's answer. Raises `NothingCame` after `timeout` seconds."""
        return await self._answered.until(
            lambda: self.answer, timeout, lambda: "The button's press was not answered"
        )


@dataclass
class State:
    """All that the Bot API's methods read and change."""

    bot: Json
    updates: Updates
    delivery: Delivery
    # Seconds in which a press can be answered.
    press_timeout: float
    # Whether the bot sees in groups only commands and replies to it.
    privacy: bool
    chats: Chats = field(default_factory=Chats)
    files: Files = field(default_factory=Files)
    presses: Dict[str, Press] = field(default_factory=dict)
    commands: Dict[Tuple[str, str], List[Json]] = field(default_factory=dict)
    profile: Dict[Tuple[str, str], str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def new_id(self) -> str:
        """An id for an album or a pressed button."""
        return str(10**15 + next(self.numbers))

    def chat_of(self, arguments: Arguments) -> Chat:
        """The chat of a call, if the bot may write there. Raises `Refusal`."""
        wanted = arguments.text("chat_id")
        if not wanted:
            raise bad_request("chat_id is empty")
        chat = self.chats.get(int(wanted)) if wanted.lstrip("-").isdigit() else None
        if chat is None:
            raise bad_request("chat not found")
        if chat.blocked:
            if chat.private:
                raise Refusal(403, "Forbidden: bot was blocked by the user")
            raise Refusal(403, "Forbidden: bot was kicked from the group chat")
        if not chat.opened:
            raise Refusal(403, "Forbidden: bot can't initiate conversation with a user")
        return chat

    def replied(self, chat: Chat, arguments: Arguments) -> Optional[Message]:
        """The message that a call answers, named in the newer or the older way."""
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
        """The commands that a chat shows to a person of that language."""
        scopes = ("all_private_chats" if chat.private else "all_group_chats", "default")
        for scope in scopes:
            for code in (language, ""):
                if (scope, code) in self.commands:
                    return self.commands[scope, code]
        return []
