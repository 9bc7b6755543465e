"""All that no other handler takes: one helpful sentence for each kind."""

from __future__ import annotations

from typing import Optional

from aiogram import Bot, F, Router
from aiogram.types import Message
from aiogram.utils.i18n import gettext as _

from bot.chat import job_texts
from bot.chat.albums import Albums
from bot.chat.replies import answer, stale
from bot.handlers.photo import NOT_A_PICTURE, picture_in
from bot.telegram.identity import is_private, is_reply_to


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.message.register(unknown_command, F.text.startswith("/"))
    router.message.register(explain)
    router.callback_query.register(stale)
    return router


async def unknown_command(message: Message, bot: Bot) -> None:
    """Name /help; in a group, the command may be another bot's."""
    name = (await bot.me()).username or ""
    word = (message.text or "").split()[0].lower()
    if is_private(message) or is_reply_to(message, bot) or word.endswith(f"@{name.lower()}"):
        await answer(message, _("I don't know this command. /help lists everything I can do."))


async def explain(message: Message, albums: Albums) -> None:
    """Say what to send instead; once for all parts of an album."""
    text = _instead_of(message)
    if text is not None and albums.is_first_refused(message):
        await answer(message, text)


def _instead_of(message: Message) -> Optional[str]:
    """The sentence for the kind of the message, `None` for one that needs no answer."""
    picture = picture_in(message)
    if picture is not None:
        return picture.too_heavy
    texts = {
        "text": _("I understand pictures better than words. Send me a photo, or see /help."),
        "sticker": _("Nice sticker! But it's photos that I repaint: send me one."),
        "voice": _("I can't listen, only look. Send me a photo."),
        "audio": _("I can't listen, only look. Send me a photo."),
        "document": job_texts.refused(NOT_A_PICTURE),
    }
    other = ("contact", "location", "venue", "poll", "dice", "story", "paid_media", "game")
    for kind, text in texts.items():
        if getattr(message, kind, None):
            return text
    if any(getattr(message, kind, None) for kind in other):
        return _("I don't know what to do with that. Send me a photo, or see /help.")
    return None
