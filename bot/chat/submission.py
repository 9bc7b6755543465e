"""Takes in photos and wishes, and makes jobs of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Optional

from aiogram import Bot
from aiogram.types import CallbackQuery
from aiogram.utils.i18n import gettext as _
from aiogram.utils.i18n import ngettext

from bot.chat.catalog import generators, title_of_style
from bot.chat.dialogue import Mode
from bot.chat.keyboards import choice_keyboard
from bot.chat.replies import reply_target, send
from bot.errors import QueueFull, UserQueueFull
from bot.jobs.scheduler import Scheduler
from bot.painting.protocol import STYLIZE, TRANSLATE
from bot.storage.jobs import Jobs, Order
from bot.storage.pictures import Picture, Pictures
from bot.storage.users import StyleChoice, User
from runtime import installed_styles


class Submission:
    """The one desk at which photos arrive, alone or in albums, and jobs are ordered."""

    def __init__(self, *, bot: Bot, pictures: Pictures, jobs: Jobs, scheduler: Scheduler) -> None:
        self._bot = bot
        self._pictures = pictures
        self._jobs = jobs
        self._scheduler = scheduler
        # Between the look for the same job and its submission no other may come.
        self._ordering = asyncio.Lock()

    async def receive(
        self, picture: Picture, user: User, language: str, *, mode: Optional[Mode], dedupe: str
    ) -> None:
        """Do with a single photo what the mode says, or ask what to do with it."""
        style = await self.remembered_style(user)
        order = order_for(picture, user, language, dedupe)
        if mode is not None and mode.kind == STYLIZE and style is not None:
            await self.order_or_say(replace(order, style=style), picture)
        elif mode is not None and mode.model in {each.name for each in generators()}:
            await self.order_or_say(replace(order, kind=TRANSLATE, model=mode.model), picture)
        else:
            title = None if style is None else title_of_style(style, language)
            keyboard = choice_keyboard(picture.id, title, generators())
            text = _("What shall I do with this photo?")
            await send(self._bot, reply_target(picture), text, keyboard)

    async def remembered_style(self, user: User) -> Optional[StyleChoice]:
        """The person's style, `None` when there is none, or when its picture is gone."""
        style = user.style
        if style is None:
            return None
        if style.picture is None:
            return style if style.gallery in installed_styles() else None
        return style if await self.own_picture(style.picture, user.user_id) else None

    async def own_picture(self, picture_id: Optional[int], user_id: int) -> Optional[Picture]:
        """The picture, `None` when it is gone or someone else's."""
        picture = None if picture_id is None else await self._pictures.get(picture_id)
        return picture if picture is not None and picture.user_id == user_id else None

    async def order(self, order: Order) -> Optional[str]:
        """Make a job; returns the sentence that says why there is none, `None` when there is."""
        async with self._ordering:
            active = await self._jobs.active(order.user_id)
            if any(_is_again(job.order, order) for job in active):
                return _("This photo is already in the queue.")
            try:
                await self._jobs.submit(order)
            except UserQueueFull as refusal:
                return ngettext(
                    "You already have {n} picture in the queue, and I take no more from one "
                    "person. Please send the next one when it is done; /status tells when.",
                    "You already have {n} pictures in the queue, and I take no more from one "
                    "person. Please send the next one when one of them is done; /status tells "
                    "when.",
                    refusal.limit,
                ).format(n=refusal.limit)
            except QueueFull as refusal:
                return ngettext(
                    "I'm very busy: {n} picture is already waiting. Please try again later.",
                    "I'm very busy: {n} pictures are already waiting. Please try again later.",
                    refusal.limit,
                ).format(n=refusal.limit)
        self._scheduler.wake()
        return None

    async def order_or_say(self, order: Order, picture: Picture) -> None:
        """Make a job, or answer the picture with why there is none."""
        refusal = await self.order(order)
        if refusal is not None:
            await send(self._bot, reply_target(picture), refusal)

    async def order_by_button(self, order: Order, callback: CallbackQuery) -> None:
        """Make a job, or answer the pressed button with why there is none."""
        refusal = await self.order(order)
        # A toast is gone before so long a sentence can be read.
        await callback.answer(text=refusal, show_alert=refusal is not None)


def order_for(picture: Picture, user: User, language: str, dedupe: str) -> Order:
    """An order for a style transfer of the picture; the style is still to be filled in."""
    return Order(
        dedupe=dedupe,
        user_id=user.user_id,
        chat_id=picture.chat_id,
        reply_to=picture.message_id,
        language=language,
        kind=STYLIZE,
        picture=picture.id,
        settings=user.settings,
    )


def _is_again(present: Order, new: Order) -> bool:
    """Whether the new order asks for what the present one does, told by another update."""
    # An update that is sent again is no new wish: the store knows it.
    if present.dedupe == new.dedupe:
        return False
    return replace(new, dedupe=present.dedupe, language=present.language) == present
