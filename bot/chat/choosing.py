"""A style that a user chose: for which photos it is, and with what it is mixed."""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

from aiogram.fsm.context import FSMContext

from bot.chat import dialogue
from bot.chat.dialogue import Mode
from bot.chat.keyboards.data import Purpose
from bot.chat.submission import Sender, Submission, order_again, stylize_order
from bot.storage.jobs import Job
from bot.storage.orders import Order
from bot.storage.pictures import Picture, Pictures
from bot.storage.styles import StyleChoice, alone, mixed
from bot.storage.users import Users
from bot.stored_options import Kind


async def photos_of(
    purpose: Purpose, user_id: int, pictures: Pictures
) -> Optional[Tuple[Picture, ...]]:
    """The photos of the purpose, `None` when they are gone or someone else's."""
    number = purpose.picture or purpose.album
    if number is None:
        return ()
    picture = await pictures.of_user(number, user_id)
    if picture is None:
        return None
    if purpose.album is None or picture.album is None:
        return (picture,)
    return tuple(await pictures.album(picture.chat_id, picture.album))


class Choosing:
    """Makes orders of the styles that users choose, and remembers these."""

    def __init__(self, users: Users, submission: Submission) -> None:
        self._users = users
        self._submission = submission

    async def base(
        self, purpose: Purpose, job: Optional[Job], sender: Sender
    ) -> Optional[StyleChoice]:
        """The style that the chosen one is mixed with, `None` where it stays alone."""
        if not purpose.mix:
            return None
        if job is not None:
            styles = job.order.styles
        else:
            styles = await self._submission.remembered_styles(sender.user)
        return styles[0].choice if styles else None

    async def orders(
        self,
        choice: StyleChoice,
        purpose: Purpose,
        photos: Sequence[Picture],
        job: Optional[Job],
        sender: Sender,
        state: FSMContext,
    ) -> List[Order]:
        """The orders that follow from the choice; none where the photo is still to come.

        The choice is remembered for the next photos, but for one that is mixed into a job.
        """
        base = await self.base(purpose, job, sender)
        styles = alone(choice) if base is None or base == choice else mixed(base, choice)
        if job is not None:
            await dialogue.stop_waiting(state)
            return [order_again(job.order, sender, styles=styles, of_album=False)]
        await self._users.choose_styles(sender.user.user_id, styles)
        await dialogue.begin(state, Mode(Kind.STYLIZE))
        return [stylize_order(photo, sender, styles) for photo in photos]
