"""/status and /cancel: what is being painted for the user."""

from __future__ import annotations

from typing import List, Optional

from aiogram import F, Router
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message
from aiogram.utils.i18n import gettext as _
from aiogram.utils.i18n import ngettext

from bot.chat import job_texts
from bot.chat.catalog import Catalog
from bot.chat.keyboards.data import Action, OfJob
from bot.chat.replies import answer
from bot.chat.submission import Sender
from bot.handlers.filters import command
from bot.jobs.endings import Endings
from bot.jobs.estimates import Estimate, Estimates
from bot.jobs.progress_board import ProgressBoard
from bot.outcomes import PAINTED
from bot.painting.protocol import PaintProgress
from bot.storage.jobs import Job, Jobs


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.message.register(show, command("status"))
    router.message.register(cancel_all, command("cancel"))
    router.callback_query.register(cancel, OfJob.filter(F.action == Action.CANCEL))
    return router


async def show(
    message: Message,
    sender: Sender,
    jobs: Jobs,
    estimates: Estimates,
    board: ProgressBoard,
    catalog: Catalog,
) -> None:
    """Show each picture that is on its way."""
    found = await estimates.all()
    lines = [
        f"{await catalog.title_of_order(job.order, sender.language)}\n"
        f"{_state(board.progress(job.id), found.get(job.id))}"
        for job in await jobs.active(sender.user.user_id)
        # What was cancelled or failed is being answered, and is not on its way.
        if job.ending in (None, PAINTED)
    ]
    nothing = _("You have nothing in the queue. Send me a photo!")
    await answer(message, "\n\n".join(lines) or nothing)


async def cancel_all(
    message: Message, state: FSMContext, sender: Sender, jobs: Jobs, endings: Endings
) -> None:
    """Cancel all that is on its way, and forget what was to be done with the next photos."""
    idle = await state.get_state() is None and not await state.get_data()
    await state.clear()
    active: List[Job] = await jobs.active(sender.user.user_id)
    count = sum([await endings.cancel(job.id) for job in active])
    if count:
        text = ngettext("Cancelled {n} picture.", "Cancelled {n} pictures.", count).format(n=count)
    elif idle:
        text = _("There is nothing to cancel.")
    else:
        text = _("All right. The next photo starts from scratch.")
    await answer(message, text)


async def cancel(callback: CallbackQuery, job: Job, endings: Endings) -> None:
    """Cancel one."""
    if await endings.cancel(job.id):
        await callback.answer(text=_("Cancelled."))
    else:
        await callback.answer(text=_("Too late: it's already done."))


def _state(progress: Optional[PaintProgress], estimate: Optional[Estimate]) -> str:
    if estimate is None:
        return _("Done and on its way to you.")
    if estimate.place:
        return job_texts.waiting(estimate)
    return job_texts.painting(progress, estimate)
