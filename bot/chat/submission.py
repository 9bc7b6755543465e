"""Takes photos and wishes, and makes jobs of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any, Optional, Sequence, Union

from aiogram import Bot
from aiogram.types import CallbackQuery, InlineKeyboardMarkup
from aiogram.utils.i18n import gettext as _
from aiogram.utils.i18n import ngettext

from bot.chat.catalog import Catalog
from bot.chat.dialogue import Mode
from bot.chat.keyboards.menus import album_keyboard, choice_keyboard, video_keyboard
from bot.chat.replies import in_topic, reply_target, send, target, with_retries
from bot.chat.sketches.contact_sheet import ContactSheets
from bot.errors import QueueFull, UserQueueFull
from bot.jobs.progress_board import ProgressBoard
from bot.storage.jobs import Jobs
from bot.storage.orders import Order
from bot.storage.pending_sends import About, Subject
from bot.storage.pictures import Picture, Pictures
from bot.storage.styles import Styles
from bot.storage.users import User
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
        contact_sheets: ContactSheets,
        translate: TranslateOptions,
    ) -> None:
        self._bot = bot
        self._pictures = pictures
        self._jobs = jobs
        self._board = board
        self._catalog = catalog
        self._lost_messages = lost_messages
        self._contact_sheets = contact_sheets
        self._translate = translate
        # Between the look for the same job and its submission no other may come.
        self._ordering = asyncio.Lock()

    async def receive(
        self, photos: Sequence[Picture], sender: Sender, mode: Optional[Mode]
    ) -> None:
        """Do with a photo, or those of an album, what the mode says, or ask what to do with them."""
        styles = await self.remembered_styles(sender.user)
        generators = await self._catalog.generators()
        if mode is not None and mode.kind is Kind.STYLIZE and styles:
            await self.order_or_say([stylize_order(each, sender, styles) for each in photos])
        elif photos[0].media_kind.is_moving:
            # No generator paints it, and it is no style.
            title = await self._catalog.title_of_styles(styles, sender.language) if styles else None
            keyboard = video_keyboard(photos[0].id, title)
            await self._ask(photos, _("What shall I do with this video?"), keyboard)
        elif mode is not None and mode.model is not None and mode.model in generators:
            model = mode.model
            await self.order_or_say([self.translate_order(each, sender, model) for each in photos])
        else:
            title = await self._catalog.title_of_styles(styles, sender.language) if styles else None
            if len(photos) == 1:
                keyboard = choice_keyboard(photos[0].id, title, generators.values())
            else:
                numbers = [photo.id for photo in photos]
                keyboard = album_keyboard(numbers, title, generators.values())
            await self._ask(photos, _question(len(photos)), keyboard)
            if len(photos) == 1:
                self._contact_sheets.begin(photos[0], sender.language, styles)

    async def _ask(
        self, photos: Sequence[Picture], text: str, keyboard: InlineKeyboardMarkup
    ) -> None:
        """Send the question about photos, once: a crash or a fault repeats the call.

        It is stored with the photo that came last.
        """
        last = max(photos, key=lambda photo: photo.id)
        about = About(Subject.PICTURE, last.id)

        async def ask_once() -> None:
            if await self._lost_messages.recover(about) is None:
                await self._lost_messages.send(
                    about,
                    lambda: in_topic(
                        reply_target(photos[0]),
                        lambda place: self._bot.send_message(
                            text=text, reply_markup=keyboard, **place
                        ),
                    ),
                )

        if last.question is None:
            await with_retries(ask_once)

    async def remembered_styles(self, user: User) -> Styles:
        """The user's styles, none when there are none, or when one is gone."""
        for style in user.styles:
            name, picture = style.choice.name, style.choice.picture
            found = (
                await self._catalog.find_style(name or "")
                if picture is None
                else await self._pictures.of_user(picture, user.user_id)
            )
            if found is None:
                return ()
        return user.styles

    def translate_order(self, photo: Picture, sender: Sender, model: str) -> Order:
        """An order to run the photo through the generator `model`."""
        return _order(photo, sender, options=self._translate, model=model)

    async def order(self, orders: Sequence[Order]) -> Optional[str]:
        """Make jobs; returns the sentence that says which there are not and why, else `None`."""
        taken = repeated = 0
        refusal = None
        async with self._ordering:
            for order in orders:
                active = await self._jobs.active(order.user_id)
                if any(_is_again(job.order, order) for job in active):
                    repeated += 1
                    continue
                try:
                    await self._jobs.submit(order)
                except (UserQueueFull, QueueFull) as full:
                    refusal = _limit_text(full)
                    break
                taken += 1
        if taken:
            self._board.changed()
        if refusal is None:
            return _repeated_text(orders) if repeated and not taken else None
        if not taken:
            return refusal
        # One message for a whole album.
        part = ngettext(
            "{n} of these {count} photos is in the queue.",
            "{n} of these {count} photos are in the queue.",
            taken,
        ).format(n=taken, count=len(orders))
        return f"{part} {refusal}"

    async def order_or_say(self, orders: Sequence[Order]) -> None:
        """Make jobs, or answer the first photo with why there are not as many."""
        refusal = await self.order(orders)
        if refusal is not None:
            first = orders[0]
            place = target(first.chat_id, first.reply_to, first.topic)
            await send(self._bot, place, refusal)

    async def order_by_button(self, orders: Sequence[Order], callback: CallbackQuery) -> None:
        """Make jobs, or answer the pressed button with why there are not as many."""
        refusal = await self.order(orders)
        # A toast disappears before so long a sentence can be read.
        await callback.answer(text=refusal, show_alert=refusal is not None)


def stylize_order(
    photo: Picture, sender: Sender, styles: Styles, *, of_album: bool = False
) -> Order:
    """An order to repaint the photo in the styles, with the sender's options."""
    options = sender.user.options_for(photo.media_kind)
    return _order(photo, sender, options=options, styles=styles, of_album=of_album)


def order_again(order: Order, sender: Sender, **changes: Any) -> Order:
    """An order like one before it, with some fields changed."""
    return replace(
        order,
        language=sender.language,
        idempotency_key=sender.idempotency_key,
        **changes,
    )


def _order(photo: Picture, sender: Sender, **wish: Any) -> Order:
    return Order(
        # One update may ask for all photos of an album.
        idempotency_key=f"{sender.idempotency_key}:{photo.id}",
        user_id=sender.user.user_id,
        chat_id=photo.chat_id,
        reply_to=photo.message_id,
        language=sender.language,
        picture=photo.id,
        topic=photo.topic,
        **wish,
    )


def _question(count: int) -> str:
    """What to do with a photo, with two that may be a style and a photo, or with more."""
    if count == 1:
        return _("What shall I do with this photo?")
    if count == 2:
        return _("Two pictures. Are they a style and a photo to repaint in it, or are both photos?")
    return ngettext(
        "What shall I do with the {n} photo of this album?",
        "What shall I do with the {n} photos of this album?",
        count,
    ).format(n=count)


def _limit_text(refusal: Union[UserQueueFull, QueueFull]) -> str:
    if isinstance(refusal, UserQueueFull):
        text = ngettext(
            "You already have {n} picture in the queue, and I take no more than that from one person. "
            "Please send the next one when it is done; /status says when.",
            "You already have {n} pictures in the queue, and I take no more than that from one person. "
            "Please send the next one when one of them is done; /status says when.",
            refusal.limit,
        )
    else:
        text = ngettext(
            "I'm very busy: {n} picture is already waiting. Please try again later.",
            "I'm very busy: {n} pictures are already waiting. Please try again later.",
            refusal.limit,
        )
    return text.format(n=refusal.limit)


def _repeated_text(orders: Sequence[Order]) -> str:
    if orders[0].kind is Kind.VIDEO:
        return _("This video is already in the queue.")
    if len(orders) == 1:
        return _("This photo is already in the queue.")
    return ngettext(
        "{n} photo of this album is already in the queue.",
        "{n} photos of this album are already in the queue.",
        len(orders),
    ).format(n=len(orders))


def _is_again(present: Order, new: Order) -> bool:
    """Whether the new order asks for what the present one does, in another update."""
    # An update that is sent again is no new wish: the store knows it.
    if present.idempotency_key == new.idempotency_key:
        return False
    key, language = present.idempotency_key, present.language
    return replace(new, idempotency_key=key, language=language) == present
