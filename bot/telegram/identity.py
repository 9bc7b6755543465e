"""Who sent a message, and whether it is for the bot.

A sender is a user, or the group or channel in whose name an admin writes.

All anonymous admins share one user id, and so do all who write as a channel: in `from` stands a bot
of Telegram's, in `sender_chat` whom they write as (core.telegram.org/bots/api#message).
"""

from __future__ import annotations

from typing import Optional

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import CallbackQuery, Message

PRIVATE = "private"

_ADMINS = ("creator", "administrator")


def is_private(message: Message) -> bool:
    """Whether there are only the user and the bot."""
    return message.chat.type == PRIVATE


def is_reply_to(message: Message, bot: Bot) -> bool:
    """Whether the message answers one of the bot's."""
    replied = message.reply_to_message
    return replied is not None and replied.from_user is not None and replied.from_user.id == bot.id


def is_command(message: Message) -> bool:
    """Whether a command stands in the text or under the picture, perhaps another bot's."""
    return (message.text or message.caption or "").startswith("/")


async def addressed(message: Message, bot: Bot) -> bool:
    """Whether the bot may answer the message: in a group, commands and replies to it only."""
    if sender_id(message) is None:
        return False
    return is_private(message) or is_reply_to(message, bot) or is_command(message)


def sender_id(message: Message) -> Optional[int]:
    """The user or the chat that a message is from, `None` for a service message."""
    if message.sender_chat is not None:
        return message.sender_chat.id
    return None if message.from_user is None else message.from_user.id


async def presser_id(callback: CallbackQuery, bot: Bot) -> Optional[int]:
    """For whom a button is pressed, `None` for someone whose button it is not.

    In a group the buttons under an answer are for whom it answers. Those under the answer to a
    group or a channel may be pressed by the admins of the group, in its name.
    """
    presser = callback.from_user.id
    message = callback.message
    if not isinstance(message, Message) or is_private(message):
        return presser
    asked = message.reply_to_message
    owner = None if asked is None else sender_id(asked)
    if owner is None or owner == presser:
        return presser
    if owner < 0 and await _is_admin(bot, message.chat.id, presser):
        return owner
    return None


async def _is_admin(bot: Bot, chat_id: int, user_id: int) -> bool:
    try:
        member = await bot.get_chat_member(chat_id=chat_id, user_id=user_id)
    except TelegramAPIError:
        return False
    return member.status in _ADMINS
