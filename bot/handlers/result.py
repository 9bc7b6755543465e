"""The buttons under a result: stronger, weaker, another style, the file, and the swap."""

from __future__ import annotations

from dataclasses import replace as changed

from aiogram import Bot, F, Router
from aiogram.types import CallbackQuery
from aiogram.utils.i18n import gettext as _

from bot.chat import media
from bot.chat.catalog import Catalog
from bot.chat.keyboards import Action, OfJob
from bot.chat.replies import answer_target, in_topic, stale, with_retries
from bot.chat.submission import Sender, Submission
from bot.chat.uploads import Uploads
from bot.chat.user_options import stronger, weaker
from bot.handlers import gallery
from bot.jobs.endings import Endings
from bot.storage.jobs import Job
from bot.storage.pictures import Pictures
from bot.storage.results import Results
from bot.storage.users import StyleChoice
from runtime import StylizeOptions


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    for handler, actions in (
        (change_strength, {Action.STRONGER, Action.WEAKER}),
        (restyle, {Action.RESTYLE}),
        (swap, {Action.SWAP}),
        (send_original, {Action.ORIGINAL}),
    ):
        router.callback_query.register(handler, OfJob.filter(F.action.in_(actions)))
    return router


async def change_strength(
    callback: CallbackQuery, callback_data: OfJob, job: Job, sender: Sender, submission: Submission
) -> None:
    """Paint once more, with the next strength."""
    options = job.order.options
    step = stronger if callback_data.action is Action.STRONGER else weaker
    if not isinstance(options, StylizeOptions):
        return await stale(callback)
    strength = step(options)
    if strength is None:
        return await stale(callback)
    order = changed(
        job.order,
        options=changed(options, strength=strength),
        language=sender.language,
        idempotency_key=sender.idempotency_key,
    )
    await submission.order_by_button(order, callback)


async def restyle(
    callback: CallbackQuery,
    job: Job,
    uploads: Uploads,
    catalog: Catalog,
    pictures: Pictures,
    language: str,
) -> None:
    """Show the gallery for the same photo."""
    photo = await pictures.of_user(job.order.picture, job.order.user_id)
    if photo is None:
        return await stale(callback)
    await callback.answer()
    await gallery.show(callback, uploads, catalog, language, photo)


async def swap(
    callback: CallbackQuery,
    job: Job,
    sender: Sender,
    endings: Endings,
    pictures: Pictures,
    submission: Submission,
) -> None:
    """Take the photo as the style and the style as the photo."""
    if not job.order.of_album or job.order.style is None:
        return await stale(callback)
    photo = await pictures.of_user(job.order.style.picture, job.order.user_id)
    if photo is None:
        return await stale(callback)
    order = changed(
        job.order,
        picture=photo.id,
        reply_to=photo.message_id,
        style=StyleChoice(picture=job.order.picture),
        language=sender.language,
        idempotency_key=sender.idempotency_key,
    )
    refusal = await submission.order(order)
    if refusal is None:
        # Not before: of a refused swap the user would have neither.
        await endings.cancel(job.id)
    await callback.answer(text=refusal, show_alert=refusal is not None)


async def send_original(callback: CallbackQuery, job: Job, bot: Bot, results: Results) -> None:
    """Send the painted picture as it is, uncompressed."""
    try:
        file = await media.document(results.path(job.id))
    except FileNotFoundError:
        text = _("I no longer have this file. Send me the photo again, and I'll repaint it.")
        await callback.answer(text=text, show_alert=True)
        return
    await callback.answer()
    place = answer_target(callback)
    await with_retries(
        lambda: in_topic(place, lambda there: bot.send_document(document=file, **there))
    )
