"""Sending and changing messages, in answer to a message, a pressed button or a picture."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Awaitable, Callable, Dict, Optional, TypeVar, Union

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramNetworkError, TelegramServerError
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message, ReplyParameters
from aiogram.utils.i18n import gettext as _

from bot.storage.pictures import Picture
from bot.telegram.identity import is_private

_log = logging.getLogger(__name__)

Sent = TypeVar("Sent")
Event = Union[Message, CallbackQuery]

#: Seconds before each further try. A message that arrives twice is better than one that never does.
_REPEATS = (1.0, 3.0)


async def with_retries(send: Callable[[], Awaitable[Sent]]) -> Sent:
    """Do `send`, and again after a network or server error; raises the last try's error."""
    for pause in _REPEATS:
        try:
            return await send()
        except (TelegramNetworkError, TelegramServerError) as error:
            _log.info("A message could not be sent (%s); again in %g s", error, pause)
            await asyncio.sleep(pause)
    return await send()


def answer_target(event: Event) -> Dict[str, Any]:
    """Keyword arguments of `send...` for an answer to `event`.

    In a group the answer replies to the user's message, which shows whose its buttons are.
    """
    message = event.message if isinstance(event, CallbackQuery) else event
    if message is None:
        assert isinstance(event, CallbackQuery)
        return {"chat_id": event.from_user.id}
    place: Dict[str, Any] = {"chat_id": message.chat.id}
    if not isinstance(message, Message):
        return place
    if message.is_topic_message:
        place["message_thread_id"] = message.message_thread_id
    asked = message if event is message else message.reply_to_message
    if not is_private(message) and asked is not None:
        place["reply_parameters"] = _reply_to(asked.message_id)
    return place


def reply_target(picture: Picture) -> Dict[str, Any]:
    """Keyword arguments of `send...` for an answer to a picture."""
    return target(picture.chat_id, picture.message_id, picture.topic)


def target(chat_id: int, reply_to: int, topic: Optional[int]) -> Dict[str, Any]:
    """Keyword arguments of `send...` for a chat, an answered message or 0, and a forum's topic.

    The topic counts where the answered message was deleted.
    """
    place: Dict[str, Any] = {"chat_id": chat_id}
    if topic is not None:
        place["message_thread_id"] = topic
    if reply_to:
        place["reply_parameters"] = _reply_to(reply_to)
    return place


async def in_topic(
    place: Dict[str, Any], send: Callable[[Dict[str, Any]], Awaitable[Sent]]
) -> Sent:
    """Do `send(place)`, and again outside of the topic if that was closed or deleted."""
    try:
        return await send(place)
    except TelegramBadRequest as error:
        if "message thread not found" not in error.message or "message_thread_id" not in place:
            raise
        _log.info("A topic of chat %s is gone; the answer goes to the chat.", place["chat_id"])
    rest = {name: value for name, value in place.items() if name != "message_thread_id"}
    return await send(rest)


async def send(
    bot: Bot,
    place: Dict[str, Any],
    text: str,
    keyboard: Optional[InlineKeyboardMarkup] = None,
    *,
    html: bool = False,
) -> Message:
    """Send a text to a place that `answer_target` or `reply_target` named."""
    return await with_retries(
        lambda: in_topic(
            place,
            lambda there: bot.send_message(
                text=text, reply_markup=keyboard, **there, **_markup(html)
            ),
        )
    )


async def answer(
    event: Event, text: str, keyboard: Optional[InlineKeyboardMarkup] = None, *, html: bool = False
) -> Message:
    """Send a text in answer to a message or to a pressed button."""
    assert event.bot is not None
    return await send(event.bot, answer_target(event), text, keyboard, html=html)


async def replace(
    callback: CallbackQuery,
    text: str,
    keyboard: Optional[InlineKeyboardMarkup] = None,
    *,
    html: bool = False,
) -> None:
    """Change the message whose button was pressed; send a new one if it cannot be changed."""
    assert callback.bot is not None
    if callback.message is not None:
        try:
            await callback.bot.edit_message_text(
                chat_id=callback.message.chat.id,
                message_id=callback.message.message_id,
                text=text,
                reply_markup=keyboard,
                **_markup(html),
            )
            return
        except TelegramBadRequest as error:
            _log.info("A message could not be changed (%s); a new one is sent", error)
    await answer(callback, text, keyboard, html=html)


async def stale(callback: CallbackQuery) -> None:
    """Say that a button no longer does anything."""
    await callback.answer(
        text=_("This button is out of date. /start opens a fresh menu."), show_alert=True
    )


def _markup(html: bool) -> Dict[str, Any]:
    return {"parse_mode": "HTML"} if html else {}


def _reply_to(message_id: int) -> ReplyParameters:
    return ReplyParameters(message_id=message_id, allow_sending_without_reply=True)
