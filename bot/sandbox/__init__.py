"""A local Bot API server with a chat page: the bot's test double, and a way to try it.

It imports nothing else of `bot`, so that it judges the bot by Telegram's rules alone.
"""

from __future__ import annotations

from bot.sandbox.api.keyboard import Button
from bot.sandbox.errors import NoSuchButton, NothingCame, Refusal, SandboxError, Unsendable
from bot.sandbox.model.chats import Chat, Message
from bot.sandbox.model.state import Press
from bot.sandbox.model.users import Person
from bot.sandbox.model.webhook import Redelivery
from bot.sandbox.server import TOKEN, Sandbox
from bot.sandbox.testing.faults import Fault, Faults
from bot.sandbox.testing.journal import Call

__all__ = [
    "TOKEN",
    "Button",
    "Call",
    "Chat",
    "Fault",
    "Faults",
    "Message",
    "NoSuchButton",
    "NothingCame",
    "Person",
    "Press",
    "Redelivery",
    "Refusal",
    "Sandbox",
    "SandboxError",
    "Unsendable",
]
