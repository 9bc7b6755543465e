"""When a handler fails: the user gets a sentence, the log the rest, once."""

from __future__ import annotations

import logging
from typing import Optional

from aiogram import Router
from aiogram.exceptions import TelegramAPIError, TelegramForbiddenError
from aiogram.types import CallbackQuery, ErrorEvent, Message
from aiogram.utils.i18n import gettext as _

from bot.chat.replies import Event, answer
from bot.errors import StoreError

_log = logging.getLogger(__name__)


def register(router: Router) -> None:
    """Take the errors of all handlers."""
    router.errors.register(report)


async def report(event: ErrorEvent) -> None:
    """Log the error and answer the user."""
    error, update = event.exception, event.update
    if isinstance(error, TelegramForbiddenError):
        return _log.info("Update %d: the user blocked the bot.", update.update_id)
    if isinstance(error, StoreError):
        _log.error("Update %d: %s", update.update_id, error)
        text = _("I can't save anything right now, so nothing was done. Please try again later.")
    else:
        _log.error("Update %d failed.", update.update_id, exc_info=error)
        text = _("Something went wrong on my side. Please try again, or start over with /start.")
    source: Optional[Event] = update.message or update.callback_query
    if source is None:
        return None
    try:
        await _say(source, text)
    except TelegramAPIError as failure:
        _log.warning("Update %d: the user got no answer: %s", update.update_id, failure)


async def _say(source: Event, text: str) -> None:
    if isinstance(source, CallbackQuery):
        # If the button was answered before, this does nothing; the message below is always seen.
        await source.answer()
    assert isinstance(source, (Message, CallbackQuery))
    await answer(source, text)
