"""Filters that several handlers share."""

from __future__ import annotations

from aiogram import Bot, F
from aiogram.filters import Command, Filter, and_f
from aiogram.types import Message

from bot.storage.pictures import Pictures
from bot.telegram.identity import addressed, sender_id


async def for_the_bot(message: Message, bot: Bot, pictures: Pictures) -> bool:
    """Whether the bot may answer: the message is addressed to it, or part of such an album.

    In a group only one part of an album has the caption.
    """
    if await addressed(message, bot):
        return True
    sender = sender_id(message)
    if message.media_group_id is None or sender is None:
        return False
    parts = await pictures.album(message.chat.id, message.media_group_id)
    return any(part.user_id == sender for part in parts)


def command(name: str) -> Filter:
    """A filter for a command; what begins with a slash under a picture is no command."""
    return and_f(F.text, Command(name, ignore_case=True))


def captioned(name: str) -> Filter:
    """A filter for a command under a picture."""
    return and_f(F.caption, Command(name, ignore_case=True))
