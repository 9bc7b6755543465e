"""The one message of a job in its chat: sent as a text, edited, and turned into a picture."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Optional

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    ReplyParameters,
)

from bot.chat.media import Media
from bot.storage.jobs import Job, Jobs


class JobMessage:
    """A job's message, and what is known of it: its text, and whether it holds a picture.

    `lost` says that the user deleted it.
    """

    def __init__(self, bot: Bot, jobs: Jobs, job: Job) -> None:
        self._bot = bot
        self._jobs = jobs
        self._chat_id = job.order.chat_id
        self._reply_to = job.order.reply_to
        self._job_id = job.id
        self._id = job.status_message
        self._is_media = False
        self.text = ""
        self.lost = False

    async def show(
        self, text: str, keyboard: Optional[InlineKeyboardMarkup], preview: Optional[Path] = None
    ) -> None:
        """Bring the message to this text and preview, a JPEG; it is sent if there is none yet."""
        if self._id is None:
            await self._send(text, keyboard)
            if preview is None:
                self.text = text
                return
        assert self._id is not None
        await self._edit(self._id, text, keyboard, preview)
        self.text = text

    async def resend(self, text: str) -> None:
        """Tell the text in the message, or in a new one if the user deleted it."""
        await self.show(text, None)
        if self.lost:
            await self._send(text, None)

    async def replace_with_media(self, content: Media, keyboard: InlineKeyboardMarkup) -> None:
        """Turn the message into the picture; into a new message's if there is none any more."""
        if self._id is None:
            self._id = await self._send(content.caption or "", None)
        try:
            await self._turn_into(self._id, content, keyboard)
        except TelegramBadRequest as error:
            if not _is_gone(error):
                raise
            await self._turn_into(await self._send(content.caption or "", None), content, keyboard)

    async def _send(self, text: str, keyboard: Optional[InlineKeyboardMarkup]) -> int:
        reply = ReplyParameters(message_id=self._reply_to, allow_sending_without_reply=True)
        message = await self._bot.send_message(
            chat_id=self._chat_id,
            text=text,
            reply_parameters=reply if self._reply_to else None,
            reply_markup=keyboard,
        )
        self._id = message.message_id
        await self._jobs.set_status_message(self._job_id, self._id)
        return self._id

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
            data = await asyncio.get_running_loop().run_in_executor(None, preview.read_bytes)
        except FileNotFoundError:
            return
        file = BufferedInputFile(file=data, filename="preview.jpg")
        await self._turn_into(message_id, InputMediaPhoto(media=file, caption=text), keyboard)
        self._is_media = True

    async def _edit_caption(
        self, message_id: int, text: str, keyboard: Optional[InlineKeyboardMarkup]
    ) -> None:
        await self._bot.edit_message_caption(
            chat_id=self._chat_id, message_id=message_id, caption=text, reply_markup=keyboard
        )

    async def _turn_into(
        self, message_id: int, content: Media, keyboard: Optional[InlineKeyboardMarkup]
    ) -> None:
        await self._bot.edit_message_media(
            chat_id=self._chat_id, message_id=message_id, media=content, reply_markup=keyboard
        )


def _is_gone(error: TelegramBadRequest) -> bool:
    return "message to edit not found" in error.message or "can't be edited" in error.message
