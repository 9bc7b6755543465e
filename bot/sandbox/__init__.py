"""A local Bot API server with a chat page: the bot's test double, and a way to try it.

It imports nothing else of `bot`, so that it judges the bot by Telegram's rules alone.
"""

from __future__ import annotations

from bot.sandbox.chats import Chat, Message
from bot.sandbox.delivery import Redelivery
from bot.sandbox.errors import NoSuchButton, NothingCame, Refusal, SandboxError, Unsendable
from bot.sandbox.faults import Fault, Faults
from bot.sandbox.journal import Call
from bot.sandbox.keyboard import Button
from bot.sandbox.server import TOKEN, Sandbox
from bot.sandbox.state import Press
from bot.sandbox.users import Person

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
