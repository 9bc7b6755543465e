"""/status and /cancel: what is being painted for the user."""

from __future__ import annotations

from typing import List

from aiogram import F, Router
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message
from aiogram.utils.i18n import gettext as _
from aiogram.utils.i18n import ngettext

from bot.chat import captions
from bot.chat.catalog import title_of_order
from bot.chat.keyboards import CANCEL, OfJob
from bot.chat.replies import answer, stale
from bot.handlers.filters import command
from bot.handlers.result import own_job
from bot.jobs.scheduler import Scheduler
from bot.storage.jobs import PAINTED, Job, Jobs
from bot.storage.users import User


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.message.register(show, command("status"))
    router.message.register(cancel_all, command("cancel"))
    router.callback_query.register(cancel, OfJob.filter(F.action == CANCEL))
    return router


async def show(
    message: Message, user: User, jobs: Jobs, scheduler: Scheduler, language: str
) -> None:
    """Tell of each picture that is on its way."""
    lines = [
        f"{title_of_order(job.order, language)}\n{await _state(job, scheduler)}"
        for job in await jobs.active(user.user_id)
        # What was cancelled or failed is being told of, and is not on its way.
        if job.outcome in (None, PAINTED)
    ]
    nothing = _("You have nothing in the queue. Send me a photo!")
    await answer(message, "\n\n".join(lines) or nothing)


async def cancel_all(
    message: Message, state: FSMContext, user: User, jobs: Jobs, scheduler: Scheduler
) -> None:
    """Cancel all that is on its way, and forget what was to be done with the next photos."""
    idle = await state.get_state() is None and not await state.get_data()
    await state.clear()
    active: List[Job] = await jobs.active(user.user_id)
    count = sum([await scheduler.cancel(job.id) for job in active])
    if count:
        text = ngettext("Cancelled {n} picture.", "Cancelled {n} pictures.", count).format(n=count)
    elif idle:
        text = _("There is nothing to cancel.")
    else:
        text = _("All right. The next photo starts from scratch.")
    await answer(message, text)


async def cancel(
    callback: CallbackQuery, callback_data: OfJob, jobs: Jobs, scheduler: Scheduler
) -> None:
    """Cancel one."""
    job = await own_job(jobs, callback_data, callback)
    if job is None:
        await stale(callback)
    elif await scheduler.cancel(job.id):
        await callback.answer(text=_("Cancelled."))
    else:
        await callback.answer(text=_("Too late: it's already done."))


async def _state(job: Job, scheduler: Scheduler) -> str:
    estimate = await scheduler.estimate(job)
    if estimate is None:
        return _("Done and on its way to you.")
    if estimate.place:
        return captions.waiting(estimate)
    return captions.painting(scheduler.progress(job.id), estimate)
