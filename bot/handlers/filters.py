"""Which messages are meant for the bot: in a group, commands and replies to it only."""

from __future__ import annotations

from aiogram import Bot, F
from aiogram.filters import Command, Filter, and_f
from aiogram.types import Message

from bot.chat.replies import PRIVATE


async def addressed(message: Message, bot: Bot) -> bool:
    """Whether the bot may answer the message at all; a filter."""
    if message.from_user is None:
        return False
    # Another bot's command gets no further: `Command` and `unknown` look at the name.
    return is_private(message) or is_reply_to(message, bot) or (message.text or "").startswith("/")


def is_private(message: Message) -> bool:
    """Whether there are only the user and the bot."""
    return message.chat.type == PRIVATE


def is_reply_to(message: Message, bot: Bot) -> bool:
    """Whether the message answers one of the bot's."""
    replied = message.reply_to_message
    return replied is not None and replied.from_user is not None and replied.from_user.id == bot.id


def command(name: str) -> Filter:
    """A filter for a command; what begins with a slash under a picture is no command."""
    return and_f(F.text, Command(name, ignore_case=True))
