"""A local Bot API server with a chat page: the bot's test double, and a way to try it.

It imports no other part of `bot`, so that it depends on Telegram's rules alone.
"""

from __future__ import annotations

from bot.sandbox.api.keyboard import Button
from bot.sandbox.errors import ApiError, NoSuchButton, SandboxError, Unsendable, WaitTimeout
from bot.sandbox.model.chats import Chat, Message
from bot.sandbox.model.state import Press
from bot.sandbox.model.users import User
from bot.sandbox.model.webhook_delivery import Redelivery
from bot.sandbox.server import TOKEN, Sandbox
from bot.sandbox.testing.call_log import Call
from bot.sandbox.testing.faults import Fault, Faults

__all__ = [
    "TOKEN",
    "ApiError",
    "Button",
    "Call",
    "Chat",
    "Fault",
    "Faults",
    "Message",
    "NoSuchButton",
    "Press",
    "Redelivery",
    "Sandbox",
    "SandboxError",
    "Unsendable",
    "User",
    "WaitTimeout",
]
