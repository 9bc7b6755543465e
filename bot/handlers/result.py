"""The buttons under a result: stronger, weaker, another style, the file, and the swap."""

from __future__ import annotations

from dataclasses import replace as changed
from typing import Optional

from aiogram import Bot, F, Router
from aiogram.types import CallbackQuery, Update
from aiogram.utils.i18n import gettext as _

from bot.chat import media
from bot.chat.keyboards import ORIGINAL, RESTYLE, STRONGER, SWAP, WEAKER, OfJob, stronger, weaker
from bot.chat.replies import answer_target, patiently, stale
from bot.chat.submission import Submission
from bot.chat.uploads import Uploads
from bot.handlers import gallery
from bot.jobs.scheduler import Scheduler
from bot.painting.protocol import STYLIZE
from bot.storage.jobs import Job, Jobs
from bot.storage.results import Results
from bot.storage.users import StyleChoice


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    for handler, actions in (
        (change_strength, {STRONGER, WEAKER}),
        (restyle, {RESTYLE}),
        (swap, {SWAP}),
        (send_original, {ORIGINAL}),
    ):
        router.callback_query.register(handler, OfJob.filter(F.action.in_(actions)))
    return router


async def own_job(jobs: Jobs, callback_data: OfJob, callback: CallbackQuery) -> Optional[Job]:
    """The job of a pressed button, `None` when it is gone or someone else's."""
    job = await jobs.get(callback_data.job)
    return job if job is not None and job.order.user_id == callback.from_user.id else None


async def change_strength(
    callback: CallbackQuery, callback_data: OfJob, jobs: Jobs, submission: Submission,
    language: str, event_update: Update,
) -> None:  # fmt: skip
    """Paint once more, with the next strength."""
    job = await own_job(jobs, callback_data, callback)
    step = stronger if callback_data.action == STRONGER else weaker
    strength = None if job is None else step(job.order.settings)
    if job is None or job.order.kind != STYLIZE or strength is None:
        return await stale(callback)
    settings = changed(job.order.settings, strength=strength)
    dedupe = f"update:{event_update.update_id}"
    order = changed(job.order, settings=settings, language=language, dedupe=dedupe)
    await submission.order_by_button(order, callback)


async def restyle(
    callback: CallbackQuery, callback_data: OfJob, jobs: Jobs, bot: Bot, uploads: Uploads,
    submission: Submission, language: str,
) -> None:  # fmt: skip
    """Show the gallery for the same photo."""
    job = await own_job(jobs, callback_data, callback)
    photo = job and await submission.own_picture(job.order.picture, callback.from_user.id)
    if photo is None:
        return await stale(callback)
    await callback.answer()
    await gallery.show(callback, bot, uploads, language, picture=photo.id)


async def swap(
    callback: CallbackQuery, callback_data: OfJob, jobs: Jobs, scheduler: Scheduler,
    submission: Submission, language: str, event_update: Update,
) -> None:  # fmt: skip
    """Take the photo as the style and the style as the photo."""
    job = await own_job(jobs, callback_data, callback)
    if job is None or not job.order.of_album or job.order.style is None:
        return await stale(callback)
    photo = await submission.own_picture(job.order.style.picture, callback.from_user.id)
    if photo is None:
        return await stale(callback)
    order = changed(
        job.order,
        picture=photo.id,
        reply_to=photo.message_id,
        style=StyleChoice(picture=job.order.picture),
        language=language,
        dedupe=f"update:{event_update.update_id}",
    )
    refusal = await submission.order(order)
    if refusal is None:
        # Not before: of a refused swap the user would have neither.
        await scheduler.cancel(job.id)
    await callback.answer(text=refusal, show_alert=refusal is not None)


async def send_original(
    callback: CallbackQuery, callback_data: OfJob, jobs: Jobs, bot: Bot, results: Results
) -> None:
    """Send the painted picture as it is, uncompressed."""
    job = await own_job(jobs, callback_data, callback)
    if job is None:
        return await stale(callback)
    try:
        file = await media.document(results.path(job.id))
    except FileNotFoundError:
        text = _("I no longer have this file. Send me the photo again, and I'll repaint it.")
        await callback.answer(text=text, show_alert=True)
        return
    await callback.answer()
    await patiently(lambda: bot.send_document(document=file, **answer_target(callback)))
