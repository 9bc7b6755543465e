"""Takes photos and wishes, and makes jobs of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any, Optional

from aiogram import Bot
from aiogram.types import CallbackQuery, InlineKeyboardMarkup
from aiogram.utils.i18n import gettext as _
from aiogram.utils.i18n import ngettext

from bot.chat.catalog import Catalog
from bot.chat.dialogue import Mode
from bot.chat.keyboards import choice_keyboard
from bot.chat.replies import in_topic, reply_target, send, with_retries
from bot.errors import QueueFull, UserQueueFull
from bot.jobs.progress_board import ProgressBoard
from bot.storage.jobs import Jobs, Order
from bot.storage.pending_sends import About, Subject
from bot.storage.pictures import Picture, Pictures
from bot.storage.users import StyleChoice, User
from bot.stored_options import Kind
from bot.telegram.lost_messages import LostMessages
from runtime import TranslateOptions


@dataclass(frozen=True)
class Sender:
    """Who asks: the user, the language to answer in, and the key against asking twice."""

    user: User
    language: str
    idempotency_key: str


class Submission:
    """The one place where photos arrive, alone or in albums, and jobs are made.

    `translate` are the options of a job with a generator.
    """

    def __init__(
        self,
        *,
        bot: Bot,
        pictures: Pictures,
        jobs: Jobs,
        board: ProgressBoard,
        catalog: Catalog,
        lost_messages: LostMessages,
        translate: TranslateOptions,
    ) -> None:
        self._bot = bot
        self._pictures = pictures
        self._jobs = jobs
        self._board = board
        self._catalog = catalog
        self._lost_messages = lost_messages
        self._translate = translate
        # Between the look for the same job and its submission no other may come.
        self._ordering = asyncio.Lock()

    async def receive(self, picture: Picture, sender: Sender, mode: Optional[Mode]) -> None:
        """Do with a single photo what the mode says, or ask what to do with it."""
        style = await self.remembered_style(sender.user)
        generators = await self._catalog.generators()
        if mode is not None and mode.kind is Kind.STYLIZE and style is not None:
            await self.order_or_say(stylize_order(picture, sender, style), picture)
        elif mode is not None and mode.model is not None and mode.model in generators:
            await self.order_or_say(self.translate_order(picture, sender, mode.model), picture)
        else:
            title = None
            if style is not None:
                title = await self._catalog.title_of_style(style, sender.language)
            keyboard = choice_keyboard(picture.id, title, generators.values())
            await self._ask(picture, _("What shall I do with this photo?"), keyboard)

    async def _ask(self, picture: Picture, text: str, keyboard: InlineKeyboardMarkup) -> None:
        """Send the question about a picture, once: a crash or a fault repeats the call."""
        about = About(Subject.PICTURE, picture.id)

        async def ask_once() -> None:
            if await self._lost_messages.recover(about) is None:
                await self._lost_messages.send(
                    about,
                    lambda: in_topic(
                        reply_target(picture),
                        lambda place: self._bot.send_message(
                            text=text, reply_markup=keyboard, **place
                        ),
                    ),
                )

        if picture.question is None:
            await with_retries(ask_once)

    async def remembered_style(self, user: User) -> Optional[StyleChoice]:
        """The user's style, `None` when there is none, or when its picture is gone."""
        style = user.style
        if style is None:
            return None
        if style.picture is None:
            return style if await self._catalog.find_style(style.name or "") else None
        return style if await self._pictures.of_user(style.picture, user.user_id) else None

    def translate_order(self, photo: Picture, sender: Sender, model: str) -> Order:
        """An order to run the photo through the generator `model`."""
        return _order(photo, sender, options=self._translate, model=model)

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
        self._board.changed()
        return None

    async def order_or_say(self, order: Order, picture: Picture) -> None:
        """Make a job, or answer the picture with why there is none."""
        refusal = await self.order(order)
        if refusal is not None:
            await send(self._bot, reply_target(picture), refusal)

    async def order_by_button(self, order: Order, callback: CallbackQuery) -> None:
        """Make a job, or answer the pressed button with why there is none."""
        refusal = await self.order(order)
        # A toast disappears before so long a sentence can be read.
        await callback.answer(text=refusal, show_alert=refusal is not None)


def stylize_order(
    photo: Picture, sender: Sender, style: StyleChoice, *, of_album: bool = False
) -> Order:
    """An order to repaint the photo in the style, with the sender's options."""
    return _order(photo, sender, options=sender.user.options, style=style, of_album=of_album)


def _order(photo: Picture, sender: Sender, **wish: Any) -> Order:
    return Order(
        idempotency_key=sender.idempotency_key,
        user_id=sender.user.user_id,
        chat_id=photo.chat_id,
        reply_to=photo.message_id,
        language=sender.language,
        picture=photo.id,
        topic=photo.topic,
        **wish,
    )


def _is_again(present: Order, new: Order) -> bool:
    """Whether the new order asks for what the present one does, in another update."""
    # An update that is sent again is no new wish: the store knows it.
    if present.idempotency_key == new.idempotency_key:
        return False
    key, language = present.idempotency_key, present.language
    return replace(new, idempotency_key=key, language=language) == present
