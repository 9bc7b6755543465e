"""The one message of a job in its chat: sent as a text, edited, and turned into a picture."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from typing import Any, Awaitable, Callable, Dict, Optional

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardMarkup,
    InputMediaAnimation,
    InputMediaPhoto,
    InputMediaVideo,
    Message,
)

from bot.chat.media import Media, MessageMedia, VideoNote
from bot.chat.replies import in_topic, target
from bot.storage.jobs import Job
from bot.storage.pending_sends import About, Subject
from bot.telegram.error_text import error_text
from bot.telegram.lost_messages import LostMessages
from bot.threads import on_thread

#: What Telegram says of a message that is not there any more, or not the bot's.
_GONE = ("message to edit not found", "can't be edited", "MESSAGE_ID_INVALID")
#: What it says where the chat is gone, or forbids such messages, or the content is at fault.
_REFUSALS = (
    "chat not found",
    "not enough rights",
    "have no rights",
    "CHAT_SEND_",
    "CHAT_RESTRICTED",
    "PHOTO_INVALID",
    "IMAGE_PROCESS_FAILED",
    "wrong file",
    "file is too big",
    "wrong type of the web page",
    "caption is too long",
)

_log = logging.getLogger(__name__)


class JobMessage:
    """A job's message, and what is known of it: its text, and whether it holds a picture.

    `lost` says that it cannot be edited any more, as when the user deleted it; `spoiler` that
    pictures in it are covered.
    """

    def __init__(self, bot: Bot, lost_messages: LostMessages, job: Job) -> None:
        self._bot = bot
        self._lost_messages = lost_messages
        self._chat_id = job.order.chat_id
        self._place = target(job.order.chat_id, job.order.reply_to, job.order.topic)
        self._about = About(Subject.JOB, job.id)
        self._id = job.status_message
        self._is_media = False
        self.text = ""
        self.lost = self.spoiler = False

    async def show(
        self, text: str, keyboard: Optional[InlineKeyboardMarkup], preview: Optional[Path] = None
    ) -> None:
        """Bring the message to this text and preview, a JPEG; it is sent if there is none yet."""
        if self._id is None:
            self._id = await self._lost_messages.recover(self._about)
        if self._id is None:
            self._id = await self._send(text, keyboard)
            if preview is None:
                self.text = text
                return
        await self._edit(self._id, text, keyboard, preview)
        self.text = text

    async def resend(self, text: str) -> None:
        """Show the text in the message, or in a new one if the message cannot be edited."""
        try:
            await self.show(text, None)
            edited = not self.lost
        except TelegramBadRequest as error:
            if is_known_refusal(error):
                raise
            edited = False
        if not edited:
            await self._abandon()
            await self.show(text, None)

    async def replace_with_media(self, content: Media, keyboard: InlineKeyboardMarkup) -> None:
        """Turn the message into the picture, or send a new one if it cannot be edited.

        Telegram refuses edits for many reasons, some of them undocumented; the picture must arrive.
        """
        if isinstance(content, VideoNote):
            # No message becomes one.
            return await self._replace(content, keyboard)
        if self._id is None:
            await self.show(content.caption or "", None)
        assert self._id is not None
        try:
            await self._turn_into(self._id, content, keyboard)
        except TelegramBadRequest as error:
            if is_known_refusal(error):
                raise
            _log.info("A message cannot be edited (%s); a new one is sent.", error_text(error))
            await self._replace(content, keyboard)

    async def _replace(self, content: Media, keyboard: InlineKeyboardMarkup) -> None:
        """Delete the message and send another; one that was sent and lost is found."""
        await self._abandon()
        self._id = await self._lost_messages.recover(self._about)
        if self._id is None:
            self._id = await self._send_media(content, keyboard)
        elif not isinstance(content, VideoNote):
            await self._turn_into(self._id, content, keyboard)

    async def clean_up(self) -> None:
        """Delete what was sent for the job besides this message, after faults of Telegram's."""
        await self._lost_messages.clean_up(self._about)

    async def _abandon(self) -> None:
        """Delete the message, which cannot be edited and would stay as it is."""
        if self._id is not None:
            with suppress(TelegramBadRequest):
                await self._bot.delete_message(chat_id=self._chat_id, message_id=self._id)
        self._id = None
        self.lost = self._is_media = False

    async def _send(self, text: str, keyboard: Optional[InlineKeyboardMarkup]) -> int:
        return await self._deliver(self._bot.send_message, text=text, reply_markup=keyboard)

    async def _send_media(self, content: Media, keyboard: InlineKeyboardMarkup) -> int:
        shown: Dict[str, Any] = {"caption": content.caption, "reply_markup": keyboard}
        if isinstance(content, VideoNote):
            note = {"video_note": content.media, "duration": content.duration}
            del shown["caption"]
            return await self._deliver(
                self._bot.send_video_note, length=content.length, **note, **shown
            )
        if isinstance(content, InputMediaPhoto):
            shown.update(photo=content.media, has_spoiler=content.has_spoiler)
            return await self._deliver(self._bot.send_photo, **shown)
        if isinstance(content, (InputMediaAnimation, InputMediaVideo)):
            names = ("width", "height", "duration", "has_spoiler")
            shown.update({name: getattr(content, name) for name in names})
            if isinstance(content, InputMediaAnimation):
                return await self._deliver(
                    self._bot.send_animation, animation=content.media, **shown
                )
            return await self._deliver(self._bot.send_video, video=content.media, **shown)
        return await self._deliver(self._bot.send_document, document=content.media, **shown)

    async def _deliver(self, send: Callable[..., Awaitable[Message]], **content: Any) -> int:
        message = await self._lost_messages.send(
            self._about, lambda: in_topic(self._place, lambda place: send(**content, **place))
        )
        return message.message_id

    async def _edit(
        self,
        message_id: int,
        text: str,
        keyboard: Optional[InlineKeyboardMarkup],
        preview: Optional[Path],
    ) -> None:
        try:
            if preview is not None:
                await self._edit_preview(message_id, text, keyboard, preview)
            elif self._is_media:
                await self._edit_caption(message_id, text, keyboard)
            else:
                await self._bot.edit_message_text(
                    chat_id=self._chat_id, message_id=message_id, text=text, reply_markup=keyboard
                )
        except TelegramBadRequest as error:
            if "no text in the message" in error.message:
                # A preview from before a restart.
                self._is_media = True
                await self._edit_caption(message_id, text, keyboard)
            elif _is_gone(error):
                self.lost = True
            else:
                raise

    async def _edit_preview(
        self,
        message_id: int,
        text: str,
        keyboard: Optional[InlineKeyboardMarkup],
        preview: Path,
    ) -> None:
        try:
            # Read whole now: the painter replaces the file, and removes it in the end.
            data = await on_thread(preview.read_bytes)
        except FileNotFoundError:
            return
        file = BufferedInputFile(file=data, filename="preview.jpg")
        photo = InputMediaPhoto(media=file, caption=text, has_spoiler=self.spoiler)
        await self._turn_into(message_id, photo, keyboard)
        self._is_media = True

    async def _edit_caption(
        self, message_id: int, text: str, keyboard: Optional[InlineKeyboardMarkup]
    ) -> None:
        await self._bot.edit_message_caption(
            chat_id=self._chat_id, message_id=message_id, caption=text, reply_markup=keyboard
        )

    async def _turn_into(
        self, message_id: int, content: MessageMedia, keyboard: Optional[InlineKeyboardMarkup]
    ) -> None:
        await self._bot.edit_message_media(
            chat_id=self._chat_id, message_id=message_id, media=content, reply_markup=keyboard
        )


def is_known_refusal(error: TelegramBadRequest) -> bool:
    """Whether a new message would be refused like the edit: the chat does not take its content."""
    return any(text in error.message for text in _REFUSALS)


def _is_gone(error: TelegramBadRequest) -> bool:
    return any(text in error.message for text in _GONE)
